// A list that is loaded in pages: what a query for one is, and which rows it shows.
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
	/** Of the first page: rows that have come before all that are shown. They are shown when somebody asks for them. */
	readonly newer: readonly Row[];
	/** Whether there may be more of those. */
	readonly hasMoreNewer: boolean;
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

export type Answer<Row> = Pick<ListPage<Row>, "data" | "nextPage" | "scannedTo">;

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
			const answer = await load({ page, before: undefined, signal });
			return { ...answer, askedAt, newer: [], hasMoreNewer: false };
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

/** The rows of all pages. One that has moved while pages were fetched one after the other may be in two of them: it is shown once. */
export function rowsOf<Row>({ pages }: Pick<LoadedPages<Row>, "pages">, keyOf: (row: Row) => string): Row[] {
	const shown = new Set<string>();
	return pages.flatMap(({ data }) =>
		data.filter((row) => {
			const isNew = !shown.has(keyOf(row));
			shown.add(keyOf(row));
			return isNew;
		}),
	);
}
