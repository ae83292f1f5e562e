// Replays.
import {
	REPLAY_OUTCOMES,
	type Replay,
	type ReplayFilter,
	type ReplayOutcome,
	type ReplayStatus,
} from "../../../core/replay.ts";
import { code, computed, id, json, number, orNull, record, text, timeOfId, type Codec } from "./columns.ts";
import { json as parsed, numberOrNull } from "./rows.ts";

/** Permanent, on disk: a number never changes its meaning. */
export const REPLAY_STATUS_CODES = { Running: 0, Finished: 1, Cancelled: 2 } as const satisfies Record<
	ReplayStatus,
	number
>;

const OUTCOMES: Codec<readonly ReplayOutcome[]> = {
	...json<readonly ReplayOutcome[]>("outcomes"),
	read: (row) => {
		const outcomes = parsed<readonly string[]>(row["outcomes"]);
		return REPLAY_OUTCOMES.filter((outcome) => outcomes.includes(outcome));
	},
};

/**
 * A row of `replays`. The columns `position_seq` and `position_date` are written by the replay's steps alone. `chosen` is for these, and is
 * not read for lists, since it may be long.
 */
export const REPLAY = record<Replay>({
	id: id("id", "replay"),
	projectId: id("project_id", "proj"),
	webhookId: id("webhook_id", "webhook"),
	customerId: orNull(text("customer_id")),
	filter: record<ReplayFilter>({
		since: number("since"),
		until: number("until"),
		outcomes: OUTCOMES,
		eventTypes: orNull(json<readonly string[]>("event_types")),
		missedEventTypes: orNull(json<readonly string[]>("missed_event_types")),
	}),
	chosenCount: orNull(number("chosen_count")),
	status: code("status", REPLAY_STATUS_CODES),
	scannedCount: number("scanned_count"),
	deliveryCount: number("delivery_count"),
	firstEventDate: orNull(number("first_event_date")),
	lastEventDate: orNull(number("last_event_date")),
	position: computed((row) => numberOrNull(row["position_date"])),
	createDate: timeOfId,
	updateDate: number("update_date"),
	endDate: orNull(number("end_date")),
});

/** What a replay is read from. */
export const REPLAY_COLUMNS: readonly string[] = [...REPLAY.columns, "position_date"];
