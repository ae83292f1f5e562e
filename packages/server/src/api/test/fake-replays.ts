// Fake replays, for tests of the API alone.
import { FanfareError } from "../../core/errors.ts";
import type { Replay } from "../../core/replay.ts";
import type { ReplayRequest, Replays } from "../../engine/calls.ts";

/** A request that reached the engine, with the call and the webhook. */
export interface AskedReplay extends ReplayRequest {
	readonly call: "start" | "estimate";
	readonly webhookId: string;
}

/** `check` throws for a webhook that is not in the project. Every replay stays Running until it is cancelled. */
export function fakeReplays(
	makeId: () => string,
	now: number,
	check: (projectId: string, webhookId: string | null) => void,
	asked: AskedReplay[] = [],
): Replays {
	const replays = new Map<string, Replay>();
	const get = (projectId: string, id: string): Replay => {
		check(projectId, null);
		const replay = replays.get(id);
		if (replay?.projectId !== projectId) throw new FanfareError("replay_not_found", "There is no such replay.");
		return replay;
	};
	const save = (replay: Replay): Replay => {
		replays.set(replay.id, replay);
		return replay;
	};
	return {
		start: async (projectId, webhookId, request) => {
			check(projectId, webhookId);
			asked.push({ call: "start", webhookId, ...request });
			const filter = { ...request, until: request.until ?? now, missedEventTypes: null };
			const counts = { scannedCount: 0, deliveryCount: 0, firstEventDate: null, lastEventDate: null, position: null };
			const dates = { createDate: now, updateDate: now, endDate: null };
			return save({ id: makeId(), projectId, webhookId, filter, status: "Running", ...counts, ...dates });
		},
		estimate: async (projectId, webhookId, request) => {
			check(projectId, webhookId);
			asked.push({ call: "estimate", webhookId, ...request });
			return { count: 3, complete: true };
		},
		list: async (projectId, webhookId) => {
			check(projectId, null);
			const rows = [...replays.values()].filter(
				(replay) => replay.projectId === projectId && (webhookId === null || replay.webhookId === webhookId),
			);
			return { rows: rows.toReversed(), hasNewer: false, hasOlder: false };
		},
		get: async (projectId, id) => get(projectId, id),
		cancel: async (projectId, id) => {
			const replay = get(projectId, id);
			if (replay.status !== "Running") throw new FanfareError("replay_ended", "This replay has ended.");
			return save({ ...replay, status: "Cancelled", endDate: now });
		},
	};
}
