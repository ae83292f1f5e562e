// The request for a replay, in the form that the engine takes.
import { DEFAULT_REPLAY_OUTCOMES, REPLAY_OUTCOMES } from "../../../core/replay.ts";
import type { ReplayRequest } from "../../../engine/calls.ts";
import type { ReplayEvents } from "./schemas.ts";

/** What the engine is asked for: fields that were omitted get their defaults. */
export function replayRequest({ since, until, eventIds, status, eventTypes }: ReplayEvents): ReplayRequest {
	const isChosen = eventIds !== null && eventIds !== undefined;
	return {
		eventIds: eventIds ?? null,
		since: since ?? 0,
		until: until ?? null,
		outcomes: status ?? (isChosen ? REPLAY_OUTCOMES : DEFAULT_REPLAY_OUTCOMES),
		eventTypes: eventTypes ?? null,
	};
}
