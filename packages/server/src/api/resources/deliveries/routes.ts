// The delivery log.
import { FanfareError } from "../../../core/errors.ts";
import { jsonBody } from "../../request/body/body-rule.ts";
import { listReply, pageRequest } from "../../request/list-reply.ts";
import { json, keyWith, route } from "../../request/route.ts";
import { listOf } from "../common/schemas.ts";
import { deliveryFilter } from "./input.ts";
import { presentAttempt, presentDelivery } from "./present.ts";
import {
	deliveryFilterSchema,
	deliveryQuerySchema,
	deliverySchema,
	deliveryWithAttemptsSchema,
	manyChangedSchema,
} from "./schemas.ts";

const logRoutes = [
	route({
		id: "listDeliveries",
		tag: "Deliveries",
		method: "get",
		path: "/projects/{projectId}/deliveries",
		access: keyWith("read"),
		summary: "List deliveries",
		description: "Newest first. A delivery is listed if it matches all filters.",
		query: deliveryQuerySchema,
		answers: { 200: { description: "A page of deliveries.", schema: listOf(deliverySchema) } },
		async handle({ deps, scope, query }) {
			const request = pageRequest(query, "dlv");
			const page = await deps.store.deliveries(scope, deliveryFilter(query), request);
			return listReply(page, request, presentDelivery);
		},
	}),
	route({
		id: "getDelivery",
		tag: "Deliveries",
		method: "get",
		path: "/projects/{projectId}/deliveries/{deliveryId}",
		access: keyWith("read"),
		summary: "Get a delivery",
		description: "Returns one delivery with all its attempts.",
		answers: { 200: { description: "The delivery.", schema: deliveryWithAttemptsSchema } },
		async handle({ deps, scope, params }) {
			const delivery = await deps.store.delivery(scope, params.deliveryId);
			if (delivery === null) {
				throw new FanfareError("delivery_not_found", "There is no such delivery in this project.");
			}
			const attempts = await deps.store.attempts(delivery.id);
			return json({ ...presentDelivery(delivery), attempts: attempts.map(presentAttempt) });
		},
	}),
];

const changed = { 200: { description: "The delivery as it is now.", schema: deliverySchema } };
const manyChanged = {
	200: { description: "The number of deliveries that matched and were changed.", schema: manyChangedSchema },
};
const filterExample = { status: "Failed", after: 1_723_633_671_620 };

const changeRoutes = [
	route({
		id: "retryDelivery",
		tag: "Deliveries",
		method: "post",
		path: "/projects/{projectId}/deliveries/{deliveryId}:retry",
		audit: "delivery.retry",
		access: keyWith("write"),
		summary: "Retry a delivery",
		description:
			"Makes an attempt now. The delivery must be Failed, Cancelled or Pending. If the attempt fails, the automatic " +
			"schedule continues as before.",
		answers: changed,
		errors: { 409: "The delivery is Succeeded or Held, its webhook is not Enabled, or its payload was erased." },
		async handle({ deps, change, params }) {
			return json(presentDelivery(await deps.engine.deliveries.retry(change, params.deliveryId)));
		},
	}),
	route({
		id: "cancelDelivery",
		tag: "Deliveries",
		method: "post",
		path: "/projects/{projectId}/deliveries/{deliveryId}:cancel",
		audit: "delivery.cancel",
		access: keyWith("write"),
		summary: "Cancel a delivery",
		description:
			"The delivery must be Pending or Held. An attempt in flight cannot be stopped: the receiver may still get it.",
		answers: changed,
		errors: { 409: "The delivery has already ended." },
		async handle({ deps, change, params }) {
			return json(presentDelivery(await deps.engine.deliveries.cancel(change, params.deliveryId)));
		},
	}),
	route({
		id: "retryDeliveries",
		tag: "Deliveries",
		method: "post",
		path: "/projects/{projectId}/deliveries:retry",
		audit: "delivery.retry_many",
		access: keyWith("write"),
		summary: "Retry many deliveries",
		description:
			"Retries all deliveries that match all filters and can be retried, newest first. One call looks at up to " +
			"10,000. At least one filter is required.",
		body: jsonBody(deliveryFilterSchema, filterExample),
		answers: manyChanged,
		async handle({ deps, change, body }) {
			const result = await deps.engine.deliveries.retryMany(change, deliveryFilter(body));
			return json({ object: "deliveriesChanged", ...result });
		},
	}),
	route({
		id: "cancelDeliveries",
		tag: "Deliveries",
		method: "post",
		path: "/projects/{projectId}/deliveries:cancel",
		audit: "delivery.cancel_many",
		access: keyWith("write"),
		summary: "Cancel many deliveries",
		description:
			"Cancels all deliveries that match all filters and are Pending or Held, newest first. One call looks at up to " +
			"10,000. At least one filter is required.",
		body: jsonBody(deliveryFilterSchema, filterExample),
		answers: manyChanged,
		async handle({ deps, change, body }) {
			const result = await deps.engine.deliveries.cancelMany(change, deliveryFilter(body));
			return json({ object: "deliveriesChanged", ...result });
		},
	}),
];

export const deliveryRoutes = [...logRoutes, ...changeRoutes];
