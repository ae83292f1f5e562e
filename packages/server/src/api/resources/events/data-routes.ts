// Payloads: erased by hand.
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
			"Takes out the payload, and what receivers answered to it, for good. What waits of it is cancelled, with the reason; an " +
			"attempt in flight can't be called back. The event, its deliveries and attempts stay in the log. It can't be retried or " +
			"replayed any more.",
		answers: { 200: { description: "It is erased.", schema: erasureSchema } },
		async handle({ deps, params }) {
			const { cancelledCount } = await deps.engine.events.erasePayload(params.projectId, params.eventId);
			return json({ id: params.eventId, object: "erasure", dataErased: true, cancelledCount });
		},
	}),
];
