// Looks every few seconds what has changed, and by that also whether the session still stands.
//
// Many customers may have their portal open for hours, so none of them holds a stream.
import type { ProjectHandle } from "@fanfare/sdk";
import { skipToken, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { applyItems, catchUp } from "../../live/apply-items.ts";

const LOOK_EVERY_MS = 3_000;
const AFTER_FAILURE_MS = 10_000;

/**
 * Applies changes since the position to what is shown while the tab is visible. Without one, everything is fetched again first. Returns whether
 * the server has not answered last.
 */
export function useChanges(project: ProjectHandle, position: string | undefined): boolean {
	const queryClient = useQueryClient();
	const isAway = useIsAway(project.id);
	useEffect(() => {
		const end = new AbortController();
		const { signal } = end;
		const setAway = (isAway: boolean) => queryClient.setQueryData(awayKey(project.id), isAway);
		const follow = async () => {
			let lastEventId = position;
			while (!signal.aborted) {
				let pause = LOOK_EVERY_MS;
				try {
					const polled = await project.pollStream({ lastEventId }, { signal, maxRetries: 0 });
					// What has happened since the screens were loaded is in no answer without a position.
					if (lastEventId === undefined) catchUp(queryClient, project.id);
					if (polled.data.length > 0) {
						applyItems(queryClient, project.id, polled.data);
						if (polled.data.some(({ kind }) => kind === "event.accepted")) {
							queryClient.setQueryData(freshKey(project.id), true);
						}
					}
					lastEventId = polled.lastEventId;
					setAway(false);
				} catch {
					// A refusal has ended the session already. Anything else is tried again.
					if (!signal.aborted) setAway(true);
					pause = AFTER_FAILURE_MS;
				}
				await pauseFor(pause, signal);
			}
		};
		void follow();
		return () => end.abort();
	}, [project, position, queryClient]);
	return isAway;
}

const awayKey = (projectId: string) => ["project", projectId, "away"] as const;

/** Whether the server has not answered when it was asked last what has changed. */
export function useIsAway(projectId: string): boolean {
	const { data = false } = useQuery<boolean>({ queryKey: awayKey(projectId), queryFn: skipToken });
	return data;
}

/** True in the query cache if there may be deliveries that the lists do not show yet. */
export const freshKey = (projectId: string) => ["project", projectId, "fresh"] as const;

/** Ends after the time if somebody can see the tab, and otherwise as soon as somebody can. */
async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
	await new Promise<void>((resolve) => {
		const timer = setTimeout(resolve, ms);
		signal.addEventListener("abort", () => {
			clearTimeout(timer);
			resolve();
		});
	});
	if (document.visibilityState === "visible" || signal.aborted) return;
	await new Promise<void>((resolve) => {
		document.addEventListener("visibilitychange", () => resolve(), { once: true, signal });
		signal.addEventListener("abort", () => resolve(), { once: true });
	});
}
