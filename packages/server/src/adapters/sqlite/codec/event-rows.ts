// Events. Part of the busy path: values are bound by position, in the order of the columns.
import type { Event } from "../../../core/event.ts";
import { idText } from "./ids.ts";
import { bytes, number, rowId, text, type Row } from "./rows.ts";

/** The columns of an event that `toEvent` reads: all but its body. */
export const EVENT_COLUMNS = ["id", "project_id", "type", "timestamp", "create_date", "delivery_count"] as const;

export function toEvent(row: Row): Event {
	return {
		id: idText("evt", rowId(row)),
		projectId: idText("proj", bytes(row["project_id"])),
		type: text(row["type"]),
		timestamp: number(row["timestamp"]),
		createDate: number(row["create_date"]),
		deliveryCount: number(row["delivery_count"]),
	};
}
