// The list of a project's event types.
import { isEventTypeName } from "../../../core/event.ts";
import { decodeCursor, PAGE_LIMIT } from "../../../core/page.ts";
import type { Change, EventTypePatch } from "../../../engine/calls.ts";
import type { ApiDeps } from "../../deps.ts";
import { validate } from "../../request/body/validate.ts";
import { json, keyOrCustomerWith, keyWith, route } from "../../request/route.ts";
import { checkNewValues } from "../common/kept-values.ts";
import { deletedSchema, listOf } from "../common/schemas.ts";
import { createBody, patchBody, replaceBody } from "./input.ts";
import { eventTypeListReply, eventTypeReply } from "./present.ts";
import { eventTypeName, eventTypeQuerySchema, eventTypeSchema, newInEventTypeSchema } from "./schemas.ts";

const COLLECTION = "/projects/{projectId}/event-types";
const ONE = "/projects/{projectId}/event-types/{eventType}";
const changed = { 200: { description: "The event type as it is now.", schema: eventTypeSchema } };

export const eventTypeRoutes = [
	route({
		id: "createEventType",
		tag: "Event types",
		method: "post",
		path: COLLECTION,
		audit: "event_type.create",
		access: keyWith("write"),
		summary: "Create an event type",
		description: "Adds a type to the project's list, which can have up to 1,000. The example must match the schema.",
		body: createBody,
		answers: { 200: { description: "The new event type.", schema: eventTypeSchema } },
		errors: {
			409: "The project already has an event type with this name (`event_type_exists`), or 1,000 event types (`too_many_event_types`).",
		},
		async handle({ deps, change, body }) {
			return eventTypeReply(await deps.engine.eventTypes.create(change, body.name, body.settings));
		},
	}),
	route({
		id: "listEventTypes",
		tag: "Event types",
		method: "get",
		path: COLLECTION,
		access: keyOrCustomerWith("read", "read"),
		summary: "List event types",
		description:
			"Ordered by name. A page can have fewer rows than `limit` if its schemas and examples reach several megabytes.",
		query: eventTypeQuerySchema,
		answers: { 200: { description: "A page of event types.", schema: listOf(eventTypeSchema) } },
		async handle({ deps, scope, query }) {
			const { limit = PAGE_LIMIT.default, page, archived } = query;
			const request = { limit, cursor: page === undefined ? null : decodeCursor(page, isEventTypeName) };
			const wanted = archived === undefined ? null : archived === "true";
			return eventTypeListReply(await deps.engine.eventTypes.list(scope, wanted, request), request);
		},
	}),
	route({
		id: "getEventType",
		tag: "Event types",
		method: "get",
		path: ONE,
		access: keyOrCustomerWith("read", "read"),
		summary: "Get an event type",
		description: "Returns one event type, archived or not.",
		answers: { 200: { description: "The event type.", schema: eventTypeSchema } },
		async handle({ deps, scope, params }) {
			return eventTypeReply(await deps.engine.eventTypes.get(scope, params.eventType));
		},
	}),
	route({
		id: "putEventType",
		tag: "Event types",
		method: "put",
		path: ONE,
		audit: "event_type.put",
		access: keyWith("write"),
		summary: "Create or replace an event type",
		description:
			"Sets all fields; a field that is omitted gets its default. Useful if you keep your event types in files.",
		body: replaceBody,
		answers: changed,
		errors: { 409: "The project already has 1,000 event types (`too_many_event_types`)." },
		async handle({ deps, change, params, body }) {
			const name = validate(eventTypeName, params.eventType, "name");
			await checkDescription(deps, change, name, body);
			return eventTypeReply(await deps.engine.eventTypes.put(change, name, body));
		},
	}),
	route({
		id: "updateEventType",
		tag: "Event types",
		method: "patch",
		path: ONE,
		audit: "event_type.update",
		unsetFields: ["revision"],
		access: keyWith("write"),
		summary: "Update an event type",
		description: "Changes the fields in the body and no others. Null sets a field to its default.",
		body: patchBody,
		answers: changed,
		errors: { 409: "The event type no longer has the given `revision` (`revision_conflict`)." },
		async handle({ deps, change, params, body }) {
			await checkDescription(deps, change, params.eventType, body);
			return eventTypeReply(await deps.engine.eventTypes.update(change, params.eventType, body));
		},
	}),
	route({
		id: "deleteEventType",
		tag: "Event types",
		method: "delete",
		path: ONE,
		audit: "event_type.delete",
		access: keyWith("write"),
		summary: "Delete an event type",
		description: "Accepted events of this type stay. If the project is `catalogued`, new ones are refused.",
		answers: { 200: { description: "The event type is deleted.", schema: deletedSchema } },
		async handle({ deps, change, params }) {
			await deps.engine.eventTypes.delete(change, params.eventType);
			return json({ id: params.eventType, deleted: true });
		},
	}),
];

/** Throws `invalid_request` for a description that only a type that has it already may have. */
function checkDescription(
	{ engine }: Pick<ApiDeps, "engine">,
	{ scope }: Change,
	name: string,
	{ description }: Pick<EventTypePatch, "description">,
): Promise<void> {
	const stored = () => engine.eventTypes.get(scope, name);
	return checkNewValues(newInEventTypeSchema, { description }, stored, (_, type) => type.description === description);
}
