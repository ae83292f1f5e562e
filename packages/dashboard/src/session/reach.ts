// Whether the server answers. Kept in the query cache, where the banner reads it.
import { queryOptions, type QueryClient } from "@tanstack/react-query";

interface Reach {
	/** Since when no call was answered, in milliseconds since the epoch; null if the last one was. */
	readonly awaySince: number | null;
}

export const reachQuery = queryOptions<Reach>({
	queryKey: ["reach"],
	queryFn: () => ({ awaySince: null }),
	initialData: { awaySince: null },
	staleTime: Number.POSITIVE_INFINITY,
	gcTime: Number.POSITIVE_INFINITY,
});

/** A call got an answer. After an absence, everything that is shown is fetched again. */
export function noteAnswer(queryClient: QueryClient): void {
	const wasAway = (queryClient.getQueryData(reachQuery.queryKey)?.awaySince ?? null) !== null;
	if (!wasAway) return;
	queryClient.setQueryData(reachQuery.queryKey, { awaySince: null });
	void queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== reachQuery.queryKey[0] });
}

/** A call got no answer. */
export function noteNoAnswer(queryClient: QueryClient): void {
	queryClient.setQueryData(reachQuery.queryKey, (reach) => ({ awaySince: reach?.awaySince ?? Date.now() }));
}
