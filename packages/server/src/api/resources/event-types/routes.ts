// The catalogue of event types.
import { isEventTypeName } from "../../../core/event.ts";
import { decodeCursor, PAGE_LIMIT } from "../../../core/page.ts";
import { validate } from "../../request/body/validate.ts";
import { json, keyWith, route } from "../../request/route.ts";
import { deletedSchema, listOf } from "../common/schemas.ts";
import { createBody, patchBody, replaceBody } from "./input.ts";
import { eventTypeListReply, eventTypeReply } from "./present.ts";
import { eventTypeName, eventTypeQuerySchema, eventTypeSchema } from "./schemas.ts";

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
		description: "Adds a type to the project's catalogue, of at most 1,000. The example must fit the schema.",
		body: createBody,
		answers: { 200: { description: "The new event type.", schema: eventTypeSchema } },
		errors: { 409: "There is one of this name, or 1,000 in all." },
		async handle({ deps, params, body }) {
			return eventTypeReply(await deps.engine.eventTypes.create(params.projectId, body.name, body.settings));
		},
	}),
	route({
		id: "listEventTypes",
		tag: "Event types",
		method: "get",
		path: COLLECTION,
		access: keyWith("read"),
		summary: "List event types",
		description:
			"By name, A first. A page ends before `limit` when its schemas and examples grow beyond some megabytes.",
		query: eventTypeQuerySchema,
		answers: { 200: { description: "A page of event types.", schema: listOf(eventTypeSchema) } },
		async handle({ deps, params, query }) {
			const { limit = PAGE_LIMIT.default, page, archived } = query;
			const request = { limit, cursor: page === undefined ? null : decodeCursor(page, isEventTypeName) };
			const wanted = archived === undefined ? null : archived === "true";
			return eventTypeListReply(await deps.engine.eventTypes.list(params.projectId, wanted, request), request);
		},
	}),
	route({
		id: "getEventType",
		tag: "Event types",
		method: "get",
		path: ONE,
		access: keyWith("read"),
		summary: "Get an event type",
		description: "One event type, archived or not.",
		answers: { 200: { description: "The event type.", schema: eventTypeSchema } },
		async handle({ deps, params }) {
			return eventTypeReply(await deps.engine.eventTypes.get(params.projectId, params.eventType));
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
		description: "Sets all of it; what is left out is set to nothing. For catalogues that are kept as files.",
		body: replaceBody,
		answers: changed,
		errors: { 409: "It would be one more than 1,000." },
		async handle({ deps, params, body }) {
			const name = validate(eventTypeName, params.eventType, "name");
			return eventTypeReply(await deps.engine.eventTypes.put(params.projectId, name, body));
		},
	}),
	route({
		id: "updateEventType",
		tag: "Event types",
		method: "patch",
		path: ONE,
		audit: "event_type.update",
		access: keyWith("write"),
		summary: "Update an event type",
		description: "Changes what is there and leaves the rest. Null sets a field back.",
		body: patchBody,
		answers: changed,
		async handle({ deps, params, body }) {
			return eventTypeReply(await deps.engine.eventTypes.update(params.projectId, params.eventType, body));
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
		description: "Events of this type stay. A catalogued project takes no new ones.",
		answers: { 200: { description: "It is gone.", schema: deletedSchema } },
		async handle({ deps, params }) {
			await deps.engine.eventTypes.delete(params.projectId, params.eventType);
			return json({ id: params.eventType, deleted: true });
		},
	}),
];
