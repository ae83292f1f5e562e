// Events: send one, send many, look them up.
import type { Scope } from "../../../core/access/principal.ts";
import { FanfareError } from "../../../core/errors.ts";
import { dataJsonOf, MAX_EVENT_BYTES, type EventInput } from "../../../core/event.ts";
import type { Intake } from "../../../engine/calls.ts";
import { listReply, pageRequest } from "../../request/list-reply.ts";
import { problemItem } from "../../request/problem.ts";
import { json, keyWith, route, type BodyRule, type Reply } from "../../request/route.ts";
import { listOf } from "../common/schemas.ts";
import { readBatch, readEvent } from "./input.ts";
import { presentEvent } from "./present.ts";
import {
	batchSchema,
	eventQuerySchema,
	eventSchema,
	eventWithDataSchema,
	sendBatchSchema,
	sendEventSchema,
} from "./schemas.ts";

const BATCH_MAX_BYTES = 5 * 1_024 * 1_024;
const example = { type: "user.created", data: { id: 4711, plan: "pro" }, idempotencyKey: "user-4711-created" };

const eventBody: BodyRule<EventInput> = {
	schema: sendEventSchema,
	maxBytes: MAX_EVENT_BYTES,
	example,
	read: readEvent,
};
const batchBody: BodyRule<(EventInput | FanfareError)[]> = {
	schema: sendBatchSchema,
	maxBytes: BATCH_MAX_BYTES,
	example: { events: [example, { type: "user.deleted", data: { id: 12 } }] },
	read: readBatch,
};

export const eventRoutes = [
	route({
		id: "sendEvent",
		tag: "Events",
		method: "post",
		path: "/projects/{projectId}/events",
		audit: null,
		access: keyWith("write"),
		summary: "Send an event",
		description:
			"A 202 means that the event and all its deliveries are stored on disk. The body may have up to 256 KiB. " +
			"Receivers get `data` byte for byte as you sent it.",
		body: eventBody,
		answers: { 202: { description: "The accepted event.", schema: eventSchema } },
		errors: { 409: "A different event was already sent with this idempotency key." },
		async handle({ deps, scope, body }) {
			const { event, duplicate } = await deps.engine.intake.send(scope, body);
			return json(presentEvent(event, duplicate), 202);
		},
	}),
	route({
		id: "sendEvents",
		tag: "Events",
		method: "post",
		path: "/projects/{projectId}/events:batch",
		audit: null,
		access: keyWith("write"),
		summary: "Send many events",
		description:
			"Up to 1,000 events and 5 MiB. Each event is accepted or refused by itself, so check the status of each result.",
		body: batchBody,
		answers: { 202: { description: "One result for each event, in order.", schema: batchSchema } },
		async handle({ deps, scope, body }) {
			return json({ object: "batch", data: await sendAll(deps.engine.intake, scope, body) }, 202);
		},
	}),
	route({
		id: "listEvents",
		tag: "Events",
		method: "get",
		path: "/projects/{projectId}/events",
		access: keyWith("read"),
		summary: "List events",
		description: "Newest first, without their data. An event is listed if it matches all filters.",
		query: eventQuerySchema,
		answers: { 200: { description: "A page of events.", schema: listOf(eventSchema) } },
		async handle({ deps, scope, query }) {
			const request = pageRequest(query, "evt");
			const { type = null, after = null, before = null } = query;
			const page = await deps.store.events(scope, { type, after, before }, request);
			return listReply(page, request, (event) => presentEvent(event, false));
		},
	}),
	route({
		id: "getEvent",
		tag: "Events",
		method: "get",
		path: "/projects/{projectId}/events/{eventId}",
		access: keyWith("read"),
		summary: "Get an event",
		description: "Returns one event with its data.",
		answers: { 200: { description: "The event.", schema: eventWithDataSchema } },
		async handle({ deps, scope, params }) {
			const event = await deps.store.event(scope, params.eventId);
			if (event === null) throw new FanfareError("event_not_found", "There is no such event in this project.");
			const body = await deps.store.eventBody(scope, params.eventId);
			return withData(presentEvent(event, false), body === null ? null : dataJsonOf(event, body));
		},
	}),
];

/** Adds the data to an event as text: parsed and written again, it could change. */
function withData(event: object, dataJson: string | null): Reply {
	const rest = JSON.stringify({ ...event, dataErased: dataJson === null });
	return { ...json(null), body: `${rest.slice(0, -1)},"data":${dataJson ?? "null"}}` };
}

/** Sends the events that were not refused, and returns one result for each event, in order. */
async function sendAll(
	intake: Intake,
	scope: Scope,
	events: readonly (EventInput | FanfareError)[],
): Promise<unknown[]> {
	const inputs = events.filter((event): event is EventInput => !(event instanceof FanfareError));
	const sent = (inputs.length === 0 ? [] : await intake.sendBatch(scope, inputs)).values();
	return events.map((event, index) => {
		const result = event instanceof FanfareError ? event : sent.next().value;
		if (result === undefined) throw new Error("the engine gave fewer results than it was sent events");
		if (result instanceof FanfareError) return problemItem(result, `events.${index}`);
		return { status: 202, event: presentEvent(result.event, result.duplicate) };
	});
}
