// Event types.
import type { EventType, EventTypeVisibility } from "../../../core/event-type.ts";
import { boolean, code, id, number, orNull, record, text } from "./columns.ts";

/** Permanent, on disk: a number never changes its meaning. */
export const VISIBILITY_CODES = { public: 0, internal: 1 } as const satisfies Record<EventTypeVisibility, number>;

/** A row of `event_types`. */
export const EVENT_TYPE = record<EventType>({
	projectId: id("project_id", "proj"),
	name: text("name"),
	description: orNull(text("description")),
	schemaJson: orNull(text("schema_json")),
	exampleJson: orNull(text("example_json")),
	archived: boolean("archived"),
	visibility: code("visibility", VISIBILITY_CODES),
	createDate: number("create_date"),
	updateDate: number("update_date"),
	revision: number("revision"),
});
