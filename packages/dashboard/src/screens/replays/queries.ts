// The replays of a project, and what one would send.
import type { ProjectHandle, Replay, ReplayOutcome } from "@fanfare/sdk";
import { queryOptions } from "@tanstack/react-query";

import { pagesQuery } from "../../parts/list/pages.ts";

const PAGE_ROWS = 50;
/** As long as the live feed is down. */
const LOOK_EVERY_MS = 10_000;
const SLICES = 24;
/** Shorter slices would say less than a number. */
const LEAST_SLICE_MS = 60_000;

/** The replays, newest first. The live feed says how far each is; without it, the list is looked at again while one runs. */
export function replaysQuery(project: ProjectHandle, webhookId: string | undefined, isLive: boolean) {
	return pagesQuery<Replay>({
		queryKey: ["project", project.id, "replays", { webhookId }],
		load: ({ page, signal }) =>
			project.replays.list({ webhookId, limit: PAGE_ROWS, page: page ?? undefined }, { signal }),
		keyOf: ({ id }) => id,
		refetchInterval: (loaded) =>
			!isLive && loaded?.pages.some(({ data }) => data.some(({ status }) => status === "Running")) === true
				? LOOK_EVERY_MS
				: false,
	});
}

export function replayQuery(project: ProjectHandle, replayId: string, isLive: boolean) {
	return queryOptions({
		queryKey: ["project", project.id, "replay", replayId],
		queryFn: ({ signal }) => project.replays.get(replayId, { signal }),
		refetchInterval: ({ state }) => (!isLive && state.data?.status === "Running" ? LOOK_EVERY_MS : false),
	});
}

/** What to replay. */
export interface Selection {
	readonly webhookId: string;
	/** In milliseconds since the epoch. */
	readonly since: number;
	/** Null for now by the server's clock. */
	readonly until: number | null;
	readonly status: readonly ReplayOutcome[];
	/** Empty for all types. */
	readonly eventTypes: readonly string[];
}

export interface Slice {
	readonly start: number;
	readonly count: number;
}

export interface Estimate {
	readonly slices: readonly Slice[];
	readonly count: number;
	/** False if counting stopped early, so that there are more. */
	readonly isComplete: boolean;
	/** The end of what was counted. A replay up to there has none of the events that are accepted after the count. */
	readonly until: number;
}

/** Counts what a replay would send, by slices of its time: each is counted by the server, so the bars are exact. */
export function estimateQuery(project: ProjectHandle, selection: Selection | null) {
	return queryOptions({
		queryKey: ["project", project.id, "replay-estimate", selection],
		queryFn: async ({ signal }): Promise<Estimate> => {
			if (selection === null) throw new Error("nothing is selected");
			const { webhookId, since, until, status, eventTypes } = selection;
			const slices: Slice[] = [];
			let isComplete = true;
			let countedTo = until;
			const end = until ?? Math.max(Date.now(), since + 1);
			const width = Math.max(LEAST_SLICE_MS, Math.ceil((end - since) / SLICES));
			for (let start = since; start < end; start += width) {
				// The browser's clock may be behind, so it does not say when now is.
				const isLast = start + width >= end;
				const range = { since: start, until: isLast ? (until ?? undefined) : start + width };
				const types = eventTypes.length === 0 ? {} : { eventTypes };
				const {
					count,
					complete,
					until: to,
				} = await project.batch.webhooks.replay(webhookId, { ...range, status, ...types, dryRun: true }, { signal });
				slices.push({ start, count });
				isComplete &&= complete;
				if (isLast) countedTo = to;
			}
			const count = slices.reduce((sum, slice) => sum + slice.count, 0);
			// The server's clock may be behind the beginning.
			return { slices, count, isComplete, until: Math.max(countedTo ?? end, since + 1) };
		},
		enabled: selection !== null,
		staleTime: 30_000,
	});
}
