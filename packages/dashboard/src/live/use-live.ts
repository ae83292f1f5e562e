// Hooks for the live feed.
import type { StreamItem } from "@fanfare/sdk";
import { skipToken, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useCallback, useEffect, useEffectEvent, useSyncExternalStore } from "react";

import { catchUp } from "./apply-items.ts";
import { liveModeKey, livePausedKey, type HeardEvent, type LiveMode } from "./live-feed.ts";

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
