// Erases the payload of an event by hand.
import { json, keyWith, route } from "../../request/route.ts";
import { erasureSchema } from "./schemas.ts";

export const eventDataRoutes = [
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
