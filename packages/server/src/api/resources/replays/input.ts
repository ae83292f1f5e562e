// The request for a replay, in the form that the engine takes.
import { DEFAULT_REPLAY_OUTCOMES } from "../../../core/replay.ts";
import type { ReplayRequest } from "../../../engine/calls.ts";
import type { ReplayWebhook } from "./schemas.ts";

/** What the engine is asked for: fields that were omitted get their defaults. */
export function replayRequest({ since, until, status, eventTypes }: ReplayWebhook): ReplayRequest {
	return {
		since,
		until: until ?? null,
		outcomes: status ?? DEFAULT_REPLAY_OUTCOMES,
		eventTypes: eventTypes ?? null,
	};
}
