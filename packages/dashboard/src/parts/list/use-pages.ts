// A hook for a list that is loaded in pages.
import { hashKey, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useMemo, useState } from "react";

import { PageLoader } from "./page-loader.ts";
import { rowsOf, type pagesQuery } from "./pages.ts";

type PagesQuery<Row> = ReturnType<typeof pagesQuery<Row>>;

/**
 * The pages of a list that are loaded. Give `near` to the table that shows them: when the list is fetched again, only its first page and what
 * is near the window are asked for, and the rest when it comes near.
 */
export function usePages<Row>(options: PagesQuery<Row>) {
	const queryClient = useQueryClient();
	const { load, keyOf, queryKey } = options;
	const hash = hashKey(queryKey);
	const loader = useMemo(() => ({ hash, pages: new PageLoader() }), [hash]).pages;
	const query = useInfiniteQuery({
		...options,
		queryFn: (context) => loader.load<Row>(context, { load, keyOf }),
	});
	const { data, error, isFetching, isFetchNextPageError, refetch } = query;
	const look = useEffectEvent(() => loader.refreshOld<Row>(queryClient, { queryKey, keyOf }, () => void refetch()));
	useEffect(() => loader.near.listen(() => look()), [loader]);
	useEffect(() => {
		if (!isFetching) look();
	}, [isFetching, loader]);
	// While the list is fetched again after that, the query no longer knows what the error was about.
	const [nextError, setNextError] = useState<Error | null>(null);
	if (isFetchNextPageError && error !== nextError) setNextError(error);
	const hasFailedNext = error !== null && error === nextError;
	return {
		/** The same for the same list. */
		key: hash,
		query,
		rows: data === undefined ? undefined : rowsOf(data, keyOf),
		near: loader.near,
		/** Whether the error is that more could not be loaded, which the end of the list says. */
		hasFailedNext,
		/** Why the list is not there, for its head. */
		error: hasFailedNext ? null : error,
	};
}
