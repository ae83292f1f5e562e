// Fetches a list of several pages again: only the first one and those that are near the window. The others follow when they come near.
import type { QueryClient, QueryKey } from "@tanstack/react-query";

import { NearRows } from "./near-rows.ts";
import { fitted, type ListPage, type LoadedPages, type PagesOptions } from "./pages.ts";

interface Wanted {
	readonly client: QueryClient;
	readonly queryKey: QueryKey;
	readonly pageParam: string | null;
	readonly signal: AbortSignal;
}

type Options<Row> = Pick<PagesOptions<Row>, "load" | "keyOf"> & {
	/** The time of a row, of lists that show newer rows only when somebody asks for them. */
	readonly dateOf?: ((row: Row) => number) | undefined;
};

/**
 * The pages of one list. A refetch by the query cache asks for each of them in turn, and gets the loaded one back if nobody would see the
 * difference. Such a page is older than the first one until it comes near the window.
 */
export class PageLoader {
	readonly near = new NearRows();
	/** What the refetch under way asks for: all that is near the window, or of that only what is old. */
	#asksFor: "all" | "old" = "all";
	#nextAsksFor: "all" | "old" = "all";

	/** The query function. */
	async load<Row>({ client, queryKey, pageParam, signal }: Wanted, options: Options<Row>): Promise<ListPage<Row>> {
		const { load, keyOf, dateOf } = options;
		const loaded = client.getQueryData<LoadedPages<Row>>(queryKey);
		const index = loaded?.pageParams.indexOf(pageParam) ?? -1;
		if (index === 0) {
			this.#asksFor = this.#nextAsksFor;
			this.#nextAsksFor = "all";
		}
		const former = loaded?.pages[index];
		if (loaded !== undefined && former !== undefined && !this.#isWanted(loaded, index, keyOf)) return former;
		const top = index === 0 && dateOf !== undefined ? former?.data.map(dateOf) : undefined;
		const before = top === undefined || top.length === 0 ? undefined : Math.max(...top) + 1;
		// Never older than the first page, also if the clock was set back.
		const askedAt = Math.max(Date.now(), loaded?.pages[0]?.askedAt ?? 0);
		const { data, nextPage, scannedTo } = await load({ page: pageParam, before, signal });
		const newestAt = before === undefined || former === undefined ? askedAt : former.newestAt;
		const page = { data, nextPage, scannedTo, askedAt, newestAt };
		const isNext = loaded === undefined || pageParam === loaded.pages.at(-1)?.nextPage;
		return isNext ? page : fitted(page, Math.max(0, index), loaded, keyOf);
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

function isOld<Row>({ askedAt }: ListPage<Row>, { pages }: LoadedPages<Row>): boolean {
	return askedAt < (pages[0]?.askedAt ?? 0);
}
