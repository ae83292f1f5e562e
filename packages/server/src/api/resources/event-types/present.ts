// Event types as responses show them. They are built as text, since schema and example go out exactly as they came in.
import type { EventType } from "../../../core/event-type.ts";
import type { Page, PageRequest } from "../../../core/page.ts";
import type { Reply } from "../../request/route.ts";
import { textListReply } from "../common/list-reply.ts";

/** The response with one event type. */
export function eventTypeReply(eventType: EventType): Reply {
	return jsonText(presentEventType(eventType));
}

/** The response with a page of event types. */
export function eventTypeListReply(page: Page<EventType>, request: PageRequest): Reply {
	// The name of an event type is its id.
	return textListReply(page, request, { id: ({ name }) => name, text: presentEventType });
}

function presentEventType(eventType: EventType): string {
	const {
		projectId,
		name,
		description,
		schemaJson,
		exampleJson,
		archived,
		visibility,
		createDate,
		updateDate,
		revision,
	} = eventType;
	const head = JSON.stringify({ id: name, object: "eventType", projectId, name, description }).slice(0, -1);
	const tail = JSON.stringify({ archived, visibility, createDate, updateDate, revision }).slice(1);
	return `${head},"schema":${schemaJson ?? "null"},"example":${exampleJson ?? "null"},${tail}`;
}

function jsonText(body: string): Reply {
	return { status: 200, body, contentType: "application/json; charset=utf-8" };
}
