// Hooks for the live feed.
import type { StreamItem } from "@fanfare/sdk";
import { hashKey, skipToken, useQuery, useQueryClient, type QueryKey } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useCallback, useEffect, useEffectEvent, useRef, useSyncExternalStore } from "react";

import { catchUp } from "./apply-items.ts";
import { liveModeKey, livePausedKey, type HeardEvent, type LiveMode } from "./live-feed.ts";
import { Refresher } from "./refresher.ts";

/** A list whose rows can't be told from the items alone is fetched again this often at most. */
const REFRESH_EVERY_MS = 3_000;

/** Calls `listener` with what happens in the project, as long as the component is shown. */
export function useLiveItems(projectId: string, listener: (items: readonly StreamItem[]) => void): void {
	const { live } = useRouter().options.context;
	const onItems = useEffectEvent(listener);
	useEffect(() => live.follow(projectId, (items) => onItems(items)), [live, projectId]);
}

/** The latest events that were accepted while this tab shows the project, also those that came while another screen was shown. */
export function useHeardEvents(projectId: string): readonly HeardEvent[] {
	const { live } = useRouter().options.context;
	const subscribe = useCallback((onChange: () => void) => live.follow(projectId, onChange), [live, projectId]);
	return useSyncExternalStore(subscribe, () => live.heard(projectId));
}

/**
 * Fetches a list again some seconds after an item that may have brought rows into it; not while the feed is paused. Nobody hears the items while
 * the list is not shown, so it is then fetched again when it is shown again. `mayBring` is null for a list that is told what comes otherwise.
 * What is fetched may also be a number of rows. `everyMs` is how often that is at most; another value counts from the next item on.
 */
export function useRefreshOn(
	projectId: string,
	queryKey: QueryKey,
	mayBring: ((item: StreamItem) => boolean) | null,
	everyMs = REFRESH_EVERY_MS,
): void {
	const queryClient = useQueryClient();
	const [isPaused] = useLivePause(projectId);
	const refresher = useRef<Refresher | null>(null);
	useLiveItems(projectId, (items) => {
		if (!isPaused && mayBring !== null && items.some(mayBring)) refresher.current?.want();
	});
	const hash = hashKey(queryKey);
	const afterMs = useEffectEvent(() => everyMs);
	const isListening = mayBring !== null;
	useEffect(() => {
		if (!isListening) return;
		const list = { queryKey, exact: true };
		const refresh = async () => {
			// What is under way was perhaps read before the item, and is not broken off: it might never come to its end.
			const query = queryClient.getQueryCache().find(list);
			if (query?.state.fetchStatus === "fetching") await query.promise?.catch(() => {});
			// A tab that nobody sees fetches what is old when it is seen again.
			const refetchType = document.visibilityState === "visible" ? "active" : "none";
			return queryClient.invalidateQueries({ ...list, refetchType });
		};
		const made = new Refresher(refresh, () => afterMs());
		refresher.current = made;
		return () => {
			made.end();
			refresher.current = null;
			void queryClient.invalidateQueries({ ...list, refetchType: "none" });
		};
	}, [hash, isListening]);
}

/** Whether the project's items arrive. */
export function useIsLive(projectId: string): boolean {
	const mode = useLiveMode(projectId);
	return mode === "live" || mode === "polling";
}

/** How the project's items arrive; undefined until that is known. */
export function useLiveMode(projectId: string): LiveMode | undefined {
	const { data } = useQuery<LiveMode>({ queryKey: liveModeKey(projectId), queryFn: skipToken });
	return data;
}

/** Whether what happens in the project is not shown in this tab for now, and what changes that. */
export function useLivePause(projectId: string): readonly [isPaused: boolean, toggle: () => void] {
	const queryClient = useQueryClient();
	const queryKey = livePausedKey(projectId);
	const { data: isPaused = false } = useQuery<boolean>({ queryKey, queryFn: skipToken });
	const toggle = () => {
		queryClient.setQueryData<boolean>(queryKey, !isPaused);
		if (isPaused) catchUp(queryClient, projectId);
	};
	return [isPaused, toggle];
}
