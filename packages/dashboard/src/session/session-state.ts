// What the page knows of its session. Kept in the query cache, beside what the server has told.
import { skipToken, useQuery, type Query, type QueryClient } from "@tanstack/react-query";

import { reachQuery } from "./reach.ts";

/** Who is signed in. */
export const callerKey = ["caller"] as const;
/** True after a call was refused because the session has ended, until somebody signs in again. */
export const sessionEndedKey = ["session-ended"] as const;
/** What became of the sign-in link that the page was opened with. */
export const linkResultKey = ["sign-in-link"] as const;

export interface LinkResult {
	/** Null if it has signed somebody in. */
	readonly error: unknown;
}

/** What is the page's own, and not the server's. */
const OWN = new Set<unknown>([
	reachQuery.queryKey[0],
	callerKey[0],
	sessionEndedKey[0],
	linkResultKey[0],
	"toasts",
	"live-mode",
	"inbox",
	// Code of the page.
	"part",
]);
const isOfServer = ({ queryKey }: { readonly queryKey: readonly unknown[] }) => !OWN.has(queryKey[0]);

/** Everything that is shown is fetched again, and stays until then. */
export function refreshAll(queryClient: QueryClient): void {
	void queryClient.invalidateQueries({ predicate: isOfServer });
}

/** Drops what was fetched with another key, which may have seen more. */
export function forgetOtherKey(queryClient: QueryClient): void {
	forget(queryClient, isOfServer);
}

/** Drops everything, when somebody has signed out. */
export function forgetAll(queryClient: QueryClient): void {
	queryClient.getMutationCache().clear();
	forget(queryClient, () => true);
}

/** What is shown, such as the corner of the screen, is made empty and not taken from under it: it would hear of nothing that comes later. */
function forget(queryClient: QueryClient, isMeant: (query: Query) => boolean): void {
	queryClient.removeQueries({ predicate: (query) => query.getObserversCount() === 0 && isMeant(query) });
	void queryClient.resetQueries({ predicate: isMeant });
}

export function useSessionEnded(): boolean {
	const { data = false } = useQuery<boolean>({
		queryKey: sessionEndedKey,
		queryFn: skipToken,
		gcTime: Number.POSITIVE_INFINITY,
	});
	return data;
}

export function useLinkResult(): LinkResult | undefined {
	return useQuery<LinkResult>({ queryKey: linkResultKey, queryFn: skipToken, gcTime: Number.POSITIVE_INFINITY }).data;
}
