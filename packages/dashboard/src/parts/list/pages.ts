// A list that is loaded in pages: what a query for one is, and how a page that was fetched again fits between those that were not.
import { infiniteQueryOptions, type InfiniteData, type QueryKey } from "@tanstack/react-query";

/** One page of a list. */
export interface ListPage<Row> {
	readonly data: readonly Row[];
	/** Where the next page begins; null at the end of the list. */
	readonly nextPage: string | null;
	/** How far the server has looked, in milliseconds since the epoch, if it has found fewer rows than were asked for; otherwise null. */
	readonly scannedTo: number | null;
	/** When it was asked for, in milliseconds since the epoch. */
	readonly askedAt: number;
	/** Of the first page: when the newest rows were asked for, since a page that is fetched again may leave out those that are newer. */
	readonly newestAt: number;
}

export type LoadedPages<Row> = InfiniteData<ListPage<Row>, string | null>;

/** What is asked of the server. */
export interface PageRequest {
	/** Null for the first page. */
	readonly page: string | null;
	/** Only rows before this time are wanted, in milliseconds since the epoch; undefined for all. */
	readonly before: number | undefined;
	readonly signal: AbortSignal;
}

type Answer<Row> = Pick<ListPage<Row>, "data" | "nextPage" | "scannedTo">;

export interface PagesOptions<Row> {
	readonly queryKey: QueryKey;
	readonly load: (request: PageRequest) => Promise<Answer<Row>>;
	readonly keyOf: (row: Row) => string;
	readonly staleTime?: number;
	readonly refetchInterval?: (pages: LoadedPages<Row> | undefined) => number | false;
}

/** A query for `usePages`. */
export function pagesQuery<Row>(options: PagesOptions<Row>) {
	const { queryKey, load, staleTime, refetchInterval } = options;
	const query = infiniteQueryOptions({
		queryKey,
		queryFn: async ({ pageParam: page, signal }): Promise<ListPage<Row>> => {
			const askedAt = Date.now();
			const { data, nextPage, scannedTo } = await load({ page, before: undefined, signal });
			return { data, nextPage, scannedTo, askedAt, newestAt: askedAt };
		},
		initialPageParam: null as string | null,
		getNextPageParam: ({ nextPage }: ListPage<Row>) => nextPage,
		...(staleTime !== undefined && { staleTime }),
		...(refetchInterval !== undefined && {
			refetchInterval: ({ state }: { readonly state: { readonly data: LoadedPages<Row> | undefined } }) =>
				refetchInterval(state.data),
		}),
	});
	return { ...query, load, keyOf: options.keyOf };
}

/**
 * The page that was fetched again, with an end where the pages that were not fetched go on: it leaves out rows that a later one has, and
 * keeps those that new rows have pushed over its end. `index` is its place among the loaded pages, or that of the page before which it is
 * new.
 */
export function fitted<Row>(
	page: ListPage<Row>,
	index: number,
	{ pages, pageParams }: LoadedPages<Row>,
	keyOf: (row: Row) => string,
): ListPage<Row> {
	const places = new Map<string, number>();
	for (const [place, { data }] of pages.entries())
		if (place > index) for (const row of data) places.set(keyOf(row), place);
	for (const [end, row] of page.data.entries()) {
		const place = places.get(keyOf(row));
		if (place === undefined) continue;
		return { ...page, data: page.data.slice(0, end), nextPage: pageParams[place] ?? null, scannedTo: null };
	}
	const last = page.data.at(-1);
	const former = pages[index];
	const end = former?.data.findIndex((row) => last !== undefined && keyOf(row) === keyOf(last)) ?? -1;
	if (former === undefined || end === -1 || page.nextPage === null) return page;
	const { nextPage, scannedTo } = former;
	return { ...page, data: [...page.data, ...former.data.slice(end + 1)], nextPage, scannedTo };
}
