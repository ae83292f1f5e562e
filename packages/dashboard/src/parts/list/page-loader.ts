// Fetches a list of several pages again: only the first one and those that are near the window. The others follow when they come near.
import type { QueryClient, QueryKey } from "@tanstack/react-query";

import { NearRows } from "./near-rows.ts";
import type { ListPage, LoadedPages, PagesOptions } from "./pages.ts";

interface Wanted {
	readonly client: QueryClient;
	readonly queryKey: QueryKey;
	readonly pageParam: string | null;
	readonly signal: AbortSignal;
}

type Options<Row> = Pick<PagesOptions<Row>, "load" | "keyOf">;

/** What is asked for at most to fetch one page again, into which many rows have come. */
const MOST_REQUESTS = 20;

/**
 * The pages of one list. A refetch by the query cache asks for each of them in turn, the first one first, and gets the loaded one back if nobody
 * would see the difference. Such a page is older than the first one until it comes near the window.
 *
 * Pages that are not fetched begin where they did. So a page that is fetched again ends where the next one of them begins: what has come
 * into it makes it longer.
 */
export class PageLoader {
	readonly near = new NearRows();
	/** What the refetch under way asks for: all that is near the window, or of that only what is old. */
	#asksFor: "all" | "old" = "all";
	#nextAsksFor: "all" | "old" = "all";

	/** The query function. */
	async load<Row>({ client, queryKey, pageParam, signal }: Wanted, options: Options<Row>): Promise<ListPage<Row>> {
		const loaded = client.getQueryData<LoadedPages<Row>>(queryKey);
		const isNext = pageParam !== null && pageParam === loaded?.pages.at(-1)?.nextPage;
		const index = isNext ? -1 : (loaded?.pageParams.indexOf(pageParam) ?? -1);
		if (index === 0) {
			this.#asksFor = this.#nextAsksFor;
			this.#nextAsksFor = "all";
		}
		const former = loaded?.pages[index];
		// Never older than the first page, also if the clock was set back.
		const askedAt = Math.max(Date.now(), loaded?.pages[0]?.askedAt ?? 0);
		if (loaded === undefined || former === undefined)
			return { ...(await options.load({ page: pageParam, signal })), askedAt };
		if (!this.#isWanted(loaded, index, options.keyOf)) return former;
		return { ...(await loadAgain(loaded, index, signal, options)), askedAt };
	}

	/** Calls `refetch` if a page that is near the window is older than the first one. It then asks for no other. */
	refreshOld<Row>(
		client: QueryClient,
		{ queryKey, keyOf }: Pick<PagesOptions<Row>, "queryKey" | "keyOf">,
		refetch: () => void,
	) {
		const state = client.getQueryState<LoadedPages<Row>>(queryKey);
		// After a failure somebody has to try again.
		if (state?.status !== "success" || state.fetchStatus !== "idle" || state.data === undefined) return;
		const { data } = state;
		if (!data.pages.some((page) => isOld(page, data) && this.#isNear(page, keyOf))) return;
		this.#nextAsksFor = "old";
		refetch();
	}

	#isWanted<Row>(loaded: LoadedPages<Row>, index: number, keyOf: (row: Row) => string): boolean {
		const isAll = this.#asksFor === "all";
		const page = loaded.pages[index];
		if (index === 0 || page === undefined) return isAll;
		return (isAll || isOld(page, loaded)) && this.#isNear(page, keyOf);
	}

	#isNear<Row>({ data }: ListPage<Row>, keyOf: (row: Row) => string): boolean {
		return data.some((row) => this.near.has(keyOf(row)));
	}
}

/** Fetches the page at this index again, up to where a later one begins. The last one is as long as the server makes it. */
async function loadAgain<Row>(
	{ pages, pageParams }: LoadedPages<Row>,
	index: number,
	signal: AbortSignal,
	{ load, keyOf }: Options<Row>,
): Promise<Omit<ListPage<Row>, "askedAt">> {
	const places = new Map<string, number>();
	for (const [place, { data }] of pages.entries())
		if (place > index) for (const row of data) places.set(keyOf(row), place);
	const former = pages[index];
	const data: Row[] = [];
	let page = pageParams[index] ?? null;
	for (let asked = 1; ; asked++) {
		// oxlint-disable-next-line no-await-in-loop -- each begins where the one before it ends
		const answer = await load({ page, signal });
		const end = answer.data.findIndex((row) => places.has(keyOf(row)));
		const met = end === -1 ? undefined : answer.data[end];
		if (met !== undefined) {
			data.push(...answer.data.slice(0, end));
			return { data, nextPage: pageParams[places.get(keyOf(met)) ?? index] ?? null, scannedTo: null };
		}
		data.push(...answer.data);
		const { nextPage, scannedTo } = answer;
		const isLast = nextPage === null || index === pages.length - 1 || pageParams.includes(nextPage, index + 1);
		if (isLast || asked === MOST_REQUESTS) return { data, nextPage, scannedTo };
		// A search has looked as far as before, which may be somewhere else than exactly where the next page begins.
		const formerTo = former?.scannedTo ?? null;
		if (former !== undefined && formerTo !== null && scannedTo !== null && scannedTo <= formerTo)
			return { data, nextPage: former.nextPage, scannedTo: formerTo };
		page = nextPage;
	}
}

function isOld<Row>({ askedAt }: ListPage<Row>, { pages }: LoadedPages<Row>): boolean {
	return askedAt < (pages[0]?.askedAt ?? 0);
}
