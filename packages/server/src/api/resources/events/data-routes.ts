// The payload of an event: its bytes, and erasing them by hand.
import { FanfareError } from "../../../core/errors.ts";
import { dataBytesOf } from "../../../core/event.ts";
import { json, keyOrCustomerWith, keyWith, route } from "../../request/route.ts";
import { eventNotFound } from "./present.ts";
import { erasureSchema, eventDataQuerySchema, eventDataSchema } from "./schemas.ts";

/** Data comes from strangers: a browser that is sent to it saves it as a file, and runs nothing in it. */
const NEVER_RUN = { "content-security-policy": "default-src 'none'; sandbox" };

export const eventDataRoutes = [
	route({
		id: "getEventData",
		tag: "Events",
		method: "get",
		path: "/projects/{projectId}/events/{eventId}/data",
		access: keyOrCustomerWith("read", "payloads.read"),
		summary: "Get an event's data",
		description:
			"Returns `data` byte for byte as it was sent, so that no parser has rounded its numbers; with `as=body`, the request " +
			"body that receivers get.",
		query: eventDataQuerySchema,
		answers: { 200: { description: "The bytes, which are JSON in UTF-8.", schema: eventDataSchema } },
		errors: { 410: "The data was erased (`data_erased`): by hand, or because of its age." },
		async handle({ deps, scope, params: { eventId }, query }) {
			const event = await deps.store.event(scope, eventId);
			if (event === null) throw eventNotFound();
			const body = await deps.store.eventBody(scope, eventId);
			if (body === null) {
				throw new FanfareError("data_erased", "The event's data was erased. The event itself is still in the log.");
			}
			return {
				status: 200,
				body: new Uint8Array(query.as === "body" ? body : dataBytesOf(event, body)),
				contentType: "application/json",
				headers: { ...NEVER_RUN, "content-disposition": `attachment; filename="${event.id}.json"` },
			};
		},
	}),
	route({
		id: "eraseEventData",
		tag: "Events",
		method: "delete",
		path: "/projects/{projectId}/events/{eventId}/data",
		audit: "event.erase",
		access: keyWith("write"),
		summary: "Erase an event's data",
		description:
			"Erases the payload and the stored responses of receivers, for good. Deliveries of the event that are Pending " +
			"or Held are cancelled, with the reason. An attempt in flight cannot be stopped. The event, its deliveries " +
			"and its attempts stay in the log, but the deliveries can no longer be retried, and the event can no longer " +
			"be replayed.",
		answers: { 200: { description: "The payload is erased.", schema: erasureSchema } },
		async handle({ deps, change, params }) {
			const { cancelledCount } = await deps.engine.events.erasePayload(change, params.eventId);
			return json({ id: params.eventId, object: "erasure", dataErased: true, cancelledCount });
		},
	}),
];
