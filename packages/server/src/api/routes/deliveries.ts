// The delivery log.
import { FanfareError } from "../../core/errors.ts";
import { listReply, pageRequest } from "../list-reply.ts";
import { presentAttempt, presentDelivery } from "../present.ts";
import { json, keyWith, route } from "../route.ts";
import { listOf } from "../schemas/common.ts";
import { deliveryQuerySchema, deliverySchema, deliveryWithAttemptsSchema } from "../schemas/deliveries.ts";

export const deliveryRoutes = [
	route({
		id: "listDeliveries",
		tag: "Deliveries",
		method: "get",
		path: "/projects/{projectId}/deliveries",
		access: keyWith("read"),
		summary: "List deliveries",
		description: "Newest first. Filters work together.",
		query: deliveryQuerySchema,
		answers: { 200: { description: "A page of deliveries.", schema: listOf(deliverySchema) } },
		async handle({ deps, params, query }) {
			const request = pageRequest(query, "dlv");
			const { webhookId = null, eventId = null, eventType = null, status = null, responseCode = null } = query;
			const { after = null, before = null } = query;
			const filter = { webhookId, eventId, eventType, status, responseCode, after, before };
			return listReply(await deps.store.deliveries(params.projectId, filter, request), request, presentDelivery);
		},
	}),
	route({
		id: "getDelivery",
		tag: "Deliveries",
		method: "get",
		path: "/projects/{projectId}/deliveries/{deliveryId}",
		access: keyWith("read"),
		summary: "Get a delivery",
		description: "One delivery with all its attempts.",
		answers: { 200: { description: "The delivery.", schema: deliveryWithAttemptsSchema } },
		async handle({ deps, params }) {
			const delivery = await deps.store.delivery(params.projectId, params.deliveryId);
			if (delivery === null) {
				throw new FanfareError("delivery_not_found", "There is no such delivery in this project.");
			}
			const attempts = await deps.store.attempts(delivery.id);
			return json({ ...presentDelivery(delivery), attempts: attempts.map(presentAttempt) });
		},
	}),
];
