// Event types.
import type { EventType } from "../../../core/event-type.ts";
import { boolean, id, number, orNull, record, text } from "./columns.ts";

/** A row of `event_types`. */
export const EVENT_TYPE = record<EventType>({
	projectId: id("project_id", "proj"),
	name: text("name"),
	description: orNull(text("description")),
	schemaJson: orNull(text("schema_json")),
	exampleJson: orNull(text("example_json")),
	archived: boolean("archived"),
	createDate: number("create_date"),
	updateDate: number("update_date"),
	revision: number("revision"),
});
