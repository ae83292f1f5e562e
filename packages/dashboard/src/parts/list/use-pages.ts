// A hook for a list that is loaded in pages.
import { hashKey, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useEffectEvent, useMemo, useState } from "react";

import { loadNext } from "./load-next.ts";
import { PageLoader } from "./page-loader.ts";
import { rowsOf, type LoadedPages, type pagesQuery } from "./pages.ts";

type PagesQuery<Row> = ReturnType<typeof pagesQuery<Row>>;

interface UsePagesOptions<Row> {
	/** The time of a row. With it, rows that come before all others are kept back until `showNewest`. */
	readonly dateOf?: (row: Row) => number;
}

const NONE = { newer: [], hasMoreNewer: false, askedAt: 0 } as const;

/**
 * The pages of a list that are loaded. Give `near` to the table that shows them: when the list is fetched again, only its first page and what
 * is near the window are asked for, and the rest when it comes near.
 */
export function usePages<Row>(options: PagesQuery<Row>, { dateOf }: UsePagesOptions<Row> = {}) {
	const queryClient = useQueryClient();
	const { load, keyOf, queryKey } = options;
	const hash = hashKey(queryKey);
	const loader = useMemo(() => ({ hash, pages: new PageLoader() }), [hash]).pages;
	const query = useInfiniteQuery({
		...options,
		queryFn: (context) => loader.load<Row>(context, { load, keyOf, dateOf }),
	});
	const { data, error, isFetching, isFetchNextPageError, refetch, fetchNextPage } = query;
	const look = useEffectEvent(() => loader.refreshOld<Row>(queryClient, { queryKey, keyOf }, () => void refetch()));
	useEffect(() => loader.near.listen(() => look()), [loader]);
	useEffect(() => {
		if (!isFetching) look();
	}, [isFetching, loader]);
	// While the list is fetched again after that, the query no longer knows what the error was about.
	const [nextError, setNextError] = useState<Error | null>(null);
	if (isFetchNextPageError && error !== nextError) setNextError(error);
	const hasFailedNext = error !== null && error === nextError;
	const [isLoadingMore, setLoadingMore] = useState(false);
	const loadMore = useCallback(async () => {
		setLoadingMore(true);
		await loadNext(queryClient.getQueryCache().get(hash), fetchNextPage);
		setLoadingMore(false);
	}, [queryClient, hash, fetchNextPage]);
	/** Begins the list anew with the newest rows. Those that are shown stay until they have come. */
	const showNewest = async () => {
		queryClient.setQueryData<LoadedPages<Row>>(queryKey, (pages) => {
			return pages && { pages: pages.pages.slice(0, 1), pageParams: pages.pageParams.slice(0, 1) };
		});
		loader.wantNewest();
		await refetch();
	};
	const { newer, hasMoreNewer, askedAt } = data?.pages[0] ?? NONE;
	return {
		/** The same for the same list. */
		key: hash,
		query,
		rows: data === undefined ? undefined : rowsOf(data, keyOf),
		near: loader.near,
		/** The rows that are kept back, whether there may be more of them, and when the server was asked for them last; 0 for never. */
		newer: { rows: newer as readonly Row[], hasMore: hasMoreNewer, askedAt },
		showNewest,
		/** Loads the next page, after what is under way. */
		loadMore,
		isLoadingMore,
		/** Whether the error is that more could not be loaded, which the end of the list says. */
		hasFailedNext,
		/** Why the list is not there, for its head. */
		error: hasFailedNext ? null : error,
	};
}
