// Events: send one, send many, look them up.
import { seesPayloads, type Scope } from "../../../core/access/principal.ts";
import { FanfareError } from "../../../core/errors.ts";
import { dataJsonOf, MAX_EVENT_BYTES, traceparentOf, type EventDetails, type EventInput } from "../../../core/event.ts";
import type { Intake } from "../../../engine/calls.ts";
import { problemItem } from "../../request/problem.ts";
import {
	json,
	keyOrCustomerWith,
	keyWith,
	route,
	type BodyRule,
	type Connection,
	type Reply,
} from "../../request/route.ts";
import { bodyReply, pageRequest } from "../common/list-reply.ts";
import { scannedListOf } from "../common/schemas.ts";
import { eventQuerySchema, wantedEvents } from "./filters.ts";
import { readBatch, readEvent } from "./input.ts";
import { eventNotFound, presentEvent, presentLoggedEvent } from "./present.ts";
import {
	batchSchema,
	eventSchema,
	eventWithDataSchema,
	loggedEventSchema,
	sendBatchSchema,
	sendEventSchema,
} from "./schemas.ts";

const BATCH_MAX_BYTES = 5 * 1_024 * 1_024;
/** The most issues in the response to a batch, which has up to 50 for each event. */
const MAX_BATCH_ISSUES = 1_000;
const OVER_QUOTA =
	"A quota of the project is used up: `event_rate_exceeded` or `stored_bytes_exceeded`. See `Retry-After`. A repeat of an " +
	"accepted send with its idempotency key is never refused so.";
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
	textMembers: ["events"],
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
			"Receivers get `data` byte for byte as you sent it, and the header `traceparent` (W3C Trace Context) of your request if it is valid.",
		body: eventBody,
		answers: { 202: { description: "The accepted event.", schema: eventSchema } },
		errors: {
			400: "The request is not valid; `issues` says where. Or `webhookIds` names a webhook that the project lacks (`unknown_webhook`).",
			409: "A different event was already sent with this idempotency key (`idempotency_conflict`), or the customer is being deleted (`customer_being_deleted`).",
			429: OVER_QUOTA,
		},
		async handle({ deps, scope, body, connection }) {
			const { event, duplicate } = await deps.engine.intake.send(scope, traced(body, connection));
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
			"Up to 1,000 events and 5 MiB. Each event is accepted or refused by itself, so check the status of each result. " +
			"A batch that is more than what is left of a quota is refused as a whole, with 429. " +
			"The header `traceparent` of your request, if it is valid, belongs to each of the events.",
		body: batchBody,
		answers: { 202: { description: "One result for each event, in order.", schema: batchSchema } },
		errors: { 429: OVER_QUOTA },
		async handle({ deps, scope, body, connection }) {
			const events = body.map((event) => (event instanceof FanfareError ? event : traced(event, connection)));
			return json({ object: "batch", data: await sendAll(deps.engine.intake, scope, events) }, 202);
		},
	}),
	route({
		id: "listEvents",
		tag: "Events",
		method: "get",
		path: "/projects/{projectId}/events",
		access: keyOrCustomerWith("read", "read"),
		summary: "List events",
		description:
			"Newest first, without their data. An event is listed if it matches all filters. If few match, a page can have fewer rows than " +
			"`limit`, even none: `scannedTo` says how far it has looked, and `nextPage` goes on.",
		query: eventQuerySchema,
		answers: { 200: { description: "A page of events.", schema: scannedListOf(loggedEventSchema) } },
		async handle({ deps, scope, query }) {
			const request = pageRequest(query, "evt");
			const { wanted, filter } = wantedEvents(scope, query);
			return bodyReply(await deps.lists.events(wanted, filter, request));
		},
	}),
	route({
		id: "getEvent",
		tag: "Events",
		method: "get",
		path: "/projects/{projectId}/events/{eventId}",
		access: keyOrCustomerWith("read", "read"),
		summary: "Get an event",
		description: "Returns one event with its data.",
		answers: { 200: { description: "The event.", schema: eventWithDataSchema } },
		async handle({ deps, principal, scope, params }) {
			const event = await deps.store.event(scope, params.eventId);
			if (event === null) throw eventNotFound();
			const details = await deps.store.eventDetails(scope, params.eventId);
			const body = await deps.store.eventBody(scope, params.eventId);
			const shown = { ...presentLoggedEvent(event), ...(details ?? UNKNOWN) };
			if (!seesPayloads(principal)) return json({ ...shown, dataErased: body === null, dataHidden: true, data: null });
			return withData(shown, body === null ? null : dataJsonOf(event, body));
		},
	}),
];

/** The details of an event that was deleted between two reads. */
const UNKNOWN: EventDetails = { idempotencyKey: null, targets: null, traceparent: null };

/** The event with the trace of the request that it came with. */
function traced(input: EventInput, { header }: Connection): EventInput {
	const traceparent = traceparentOf(header("traceparent") ?? null);
	return traceparent === null ? input : { ...input, traceparent };
}

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
	let issuesLeft = MAX_BATCH_ISSUES;
	return events.map((event, index) => {
		const result = event instanceof FanfareError ? event : sent.next().value;
		if (result === undefined) throw new Error("the engine gave fewer results than it was sent events");
		if (result instanceof FanfareError) {
			const item = problemItem(result, `events.${index}`, issuesLeft);
			issuesLeft -= item.error.issues?.length ?? 0;
			return item;
		}
		return { status: 202, event: presentEvent(result.event, result.duplicate) };
	});
}
