// Loads the next page of a list, and lets a refetch that is under way come to its end.
import type { InfiniteData, Query } from "@tanstack/react-query";

interface Outcome {
	readonly isError: boolean;
	readonly hasNextPage: boolean;
}

/**
 * Loads the next page when nothing else is under way: a refetch that was cancelled would leave the list as old as it is. If a refetch begins
 * meanwhile, it takes the place of the call for the next page, which is then made again.
 */
export async function loadNext(
	query: Query | undefined,
	fetchNextPage: (options: { readonly cancelRefetch: boolean }) => Promise<Outcome>,
): Promise<void> {
	const pages = () => (query?.state.data as InfiniteData<unknown> | undefined)?.pages.length;
	for (;;) {
		// oxlint-disable-next-line no-await-in-loop -- one after the other
		await settled(query);
		// Nobody looks any more.
		if (query?.isActive() !== true) return;
		const before = pages();
		// oxlint-disable-next-line no-await-in-loop -- one after the other
		const { isError, hasNextPage } = await fetchNextPage({ cancelRefetch: false });
		if (isError || !hasNextPage || pages() !== before) return;
	}
}

/** Resolves when the query fetches nothing, or will never settle, since it was removed. */
async function settled(query: Query | undefined): Promise<void> {
	let last: Promise<unknown> | undefined;
	while (query?.state.fetchStatus === "fetching" && query.promise !== last) {
		last = query.promise;
		// oxlint-disable-next-line no-await-in-loop -- another one may have taken its place
		await last?.catch(() => {});
	}
}
