// Between the rows of replays and the domain.
import { REPLAY_OUTCOMES, type Replay, type ReplayStatus } from "../../../core/replay.ts";
import { idBytes, idText, idTime } from "./ids.ts";
import { bytes, bytesOrNull, nameOf, names, namesByCode, number, numberOrNull, type Row } from "./rows.ts";

// On disk for good: a number never changes its meaning.
export const REPLAY_STATUS_CODES = { Running: 0, Finished: 1, Cancelled: 2 } as const satisfies Record<
	ReplayStatus,
	number
>;
const REPLAY_STATUSES = namesByCode(REPLAY_STATUS_CODES);

/** The values of a new replay's columns, in the order of the table up to `delivery_count`, and `update_date`. */
export function replayValues({ id, projectId, webhookId, filter, ...replay }: Replay) {
	return [
		idBytes("replay", id),
		idBytes("proj", projectId),
		idBytes("webhook", webhookId),
		filter.since,
		filter.until,
		JSON.stringify(filter.outcomes),
		filter.eventTypes === null ? null : JSON.stringify(filter.eventTypes),
		filter.missedEventTypes === null ? null : JSON.stringify(filter.missedEventTypes),
		REPLAY_STATUS_CODES[replay.status],
		replay.scannedCount,
		replay.deliveryCount,
		replay.updateDate,
	] as const;
}

export function toReplay(row: Row): Replay {
	const id = bytes(row["id"]);
	const position = bytesOrNull(row["position"]);
	const outcomes = names(row["outcomes"]);
	return {
		id: idText("replay", id),
		projectId: idText("proj", bytes(row["project_id"])),
		webhookId: idText("webhook", bytes(row["webhook_id"])),
		filter: {
			since: number(row["since"]),
			until: number(row["until"]),
			outcomes: REPLAY_OUTCOMES.filter((outcome) => outcomes.includes(outcome)),
			eventTypes: row["event_types"] === null ? null : names(row["event_types"]),
			missedEventTypes: row["missed_event_types"] === null ? null : names(row["missed_event_types"]),
		},
		status: nameOf(REPLAY_STATUSES, row["status"]),
		scannedCount: number(row["scanned_count"]),
		deliveryCount: number(row["delivery_count"]),
		firstEventDate: numberOrNull(row["first_event_date"]),
		lastEventDate: numberOrNull(row["last_event_date"]),
		position: position === null ? null : idTime(position),
		createDate: idTime(id),
		updateDate: number(row["update_date"]),
		endDate: numberOrNull(row["end_date"]),
	};
}
