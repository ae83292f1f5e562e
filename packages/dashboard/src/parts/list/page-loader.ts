// Fetches a list of several pages again: only the first one and those that are near the window. The others follow when they come near.
import type { QueryClient, QueryKey } from "@tanstack/react-query";

import { NearRows } from "./near-rows.ts";
import type { Answer, ListPage, LoadedPages, PageRequest, PagesOptions } from "./pages.ts";

interface Wanted {
	readonly client: QueryClient;
	readonly queryKey: QueryKey;
	readonly pageParam: string | null;
	readonly signal: AbortSignal;
}

type Options<Row> = Pick<PagesOptions<Row>, "load" | "keyOf"> & {
	/** The time of a row, of a list that shows newer rows only when somebody asks for them. */
	readonly dateOf?: ((row: Row) => number) | undefined;
};

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
	/** Whether somebody has asked for the newest rows, and they have not come yet. */
	#isNewestWanted = false;

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
		if (loaded === undefined || former === undefined) {
			const answer = await options.load({ page: pageParam, before: undefined, signal });
			return { ...answer, askedAt, newer: [], hasMoreNewer: false };
		}
		if (!this.#isWanted(loaded, index, options.keyOf)) return former;
		const { dateOf } = options;
		const isEmpty = loaded.pages.every(({ data }) => data.length === 0);
		if (index > 0 || this.#isNewestWanted || dateOf === undefined || isEmpty) {
			const page = await loadAgain(loaded, index, signal, options);
			if (index === 0) this.#isNewestWanted = false;
			return { ...page, askedAt, newer: [], hasMoreNewer: false };
		}
		return { ...(await loadFirstAgain(loaded, signal, { ...options, dateOf })), askedAt };
	}

	/** The next refetch shows what has come before all rows, too. */
	wantNewest(): void {
		this.#isNewestWanted = true;
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

/** Fetches the first page again, and keeps what has come before all rows that are shown beside it. */
async function loadFirstAgain<Row>(
	loaded: LoadedPages<Row>,
	signal: AbortSignal,
	options: Options<Row> & { readonly dateOf: (row: Row) => number },
): Promise<Omit<ListPage<Row>, "askedAt">> {
	const { load, keyOf, dateOf } = options;
	const shown = new Set<string>();
	let newestAt = Number.NEGATIVE_INFINITY;
	for (const row of loaded.pages.flatMap(({ data }) => data)) {
		shown.add(keyOf(row));
		newestAt = Math.max(newestAt, dateOf(row));
	}
	const newer: Row[] = [];
	let request: PageRequest = { page: null, before: undefined, signal };
	for (let asked = 1; ; asked++) {
		// oxlint-disable-next-line no-await-in-loop -- each begins where the one before it ends
		const answer = await load(request);
		const start = answer.data.findIndex((row) => shown.has(keyOf(row)));
		newer.push(...(start === -1 ? answer.data : answer.data.slice(0, start)));
		if (start !== -1) {
			const rest = { ...answer, data: answer.data.slice(start) };
			return { ...(await loadAgain(loaded, 0, signal, options, { answer: rest })), newer, hasMoreNewer: false };
		}
		// Nothing that is shown is left: there is nothing that could move.
		if (answer.nextPage === null) return { ...answer, data: newer, newer: [], hasMoreNewer: false };
		// A search that finds little goes on until it has come to what is shown. Otherwise a page of newer rows is enough.
		const isThere = answer.scannedTo !== null && answer.scannedTo <= newestAt;
		if (answer.scannedTo === null || isThere || asked === MOST_REQUESTS) {
			const page = await loadAgain(loaded, 0, signal, options, { before: newestAt + 1 });
			return { ...page, newer, hasMoreNewer: !isThere };
		}
		request = { ...request, page: answer.nextPage };
	}
}

/** How a page begins out of which newer rows are kept. */
interface Beginning<Row> {
	/** What was answered already, from where the page begins. */
	readonly answer?: Answer<Row>;
	/** The page begins with rows before this time. */
	readonly before?: number;
}

/**
 * Fetches the page at this index again, up to where a later one begins. The last one is as long as the server makes it. If newer rows may be
 * kept out of it, it goes on to the row that it ended with, or to older ones if that is gone: what is shown must not leave at the end.
 */
async function loadAgain<Row>(
	{ pages, pageParams }: LoadedPages<Row>,
	index: number,
	signal: AbortSignal,
	{ load, keyOf, dateOf }: Options<Row>,
	beginning?: Beginning<Row>,
): Promise<Answer<Row>> {
	const places = new Map<string, number>();
	for (const [place, { data }] of pages.entries())
		if (place > index) for (const row of data) places.set(keyOf(row), place);
	const former = pages[index];
	const last = beginning === undefined ? undefined : former?.data.at(-1);
	const isAtEnd = (row: Row) =>
		last === undefined || keyOf(row) === keyOf(last) || (dateOf !== undefined && dateOf(row) < dateOf(last));
	let isWhole = last === undefined;
	const data: Row[] = [];
	let request: PageRequest = { page: pageParams[index] ?? null, before: beginning?.before, signal };
	for (let asked = 1; ; asked++) {
		// oxlint-disable-next-line no-await-in-loop -- each begins where the one before it ends
		const answer = (asked === 1 ? beginning?.answer : undefined) ?? (await load(request));
		const end = answer.data.findIndex((row) => places.has(keyOf(row)));
		const met = end === -1 ? undefined : answer.data[end];
		if (met !== undefined) {
			data.push(...answer.data.slice(0, end));
			return { data, nextPage: pageParams[places.get(keyOf(met)) ?? index] ?? null, scannedTo: null };
		}
		data.push(...answer.data);
		const { nextPage, scannedTo } = answer;
		isWhole ||= answer.data.some(isAtEnd);
		const isEnd = index === pages.length - 1 ? isWhole : nextPage !== null && pageParams.includes(nextPage, index + 1);
		const isLast = nextPage === null || isEnd;
		if (isLast || asked === MOST_REQUESTS) return { data, nextPage, scannedTo };
		// A search has looked as far as before, which may be somewhere else than exactly where the next page begins.
		const formerTo = former?.scannedTo ?? null;
		if (former !== undefined && formerTo !== null && scannedTo !== null && scannedTo <= formerTo)
			return { data, nextPage: former.nextPage, scannedTo: formerTo };
		request = { page: nextPage, before: undefined, signal };
	}
}

function isOld<Row>({ askedAt }: ListPage<Row>, { pages }: LoadedPages<Row>): boolean {
	return askedAt < (pages[0]?.askedAt ?? 0);
}
