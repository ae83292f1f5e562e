// Who gets an event, and why: before it is sent, or afterwards.
import type { z } from "@hono/zod-openapi";

import { isRouted } from "../../../core/log/routing.ts";
import type { Page, PageRequest } from "../../../core/page.ts";
import type { RoutedWebhook } from "../../../engine/calls.ts";
import { jsonBody } from "../../request/body/body-rule.ts";
import { keyOrCustomerWith, route, type Reply } from "../../request/route.ts";
import { pageRequest, textListReply } from "../common/list-reply.ts";
import { listOf } from "../common/schemas.ts";
import { customersOf } from "./input.ts";
import { matchEventSchema, matchSchema, routingQuerySchema, routingSchema } from "./routing-schemas.ts";

export const eventRoutingRoutes = [
	route({
		id: "matchEvent",
		tag: "Events",
		method: "post",
		path: "/projects/{projectId}/events:match",
		audit: null,
		access: keyOrCustomerWith("read", "read"),
		summary: "Ask who would get an event",
		description:
			"Says for each webhook whether it would get an event of this type for these customers, and why, newest webhooks first; `matchedCount` " +
			"counts those that would. Nothing is sent, and it is not checked whether the project accepts the event. A customer's token gets only the " +
			"customer's webhooks, and learns nothing of internal event types: they are like types that nobody has listed.",
		body: jsonBody(matchEventSchema, { type: "order.paid", customerId: "acme" }),
		answers: { 200: { description: "A page of webhooks.", schema: matchSchema } },
		errors: {
			400: "The request is not valid; `issues` says where. Or `page` is no cursor of this list (`invalid_cursor`).",
			404: "There is no such customer in this project, or it is not the one of the token (`customer_not_found`).",
		},
		async handle({ deps, scope, body }) {
			const request = pageRequest(body, "webhook");
			const event = { type: body.type, customers: customersOf(body) };
			const { page, matchedCount } = await deps.engine.events.match(scope, event, request);
			return routingList(page, request, { matchedCount });
		},
	}),
	route({
		id: "getEventRouting",
		tag: "Events",
		method: "get",
		path: "/projects/{projectId}/events/{eventId}/routing",
		access: keyOrCustomerWith("read", "read"),
		summary: "Explain who got an event",
		description:
			"Says for each webhook that exists now whether it got the event, and why, newest webhooks first. Deliveries to webhooks that were deleted " +
			"are in the list of deliveries. A customer's token gets only the customer's webhooks.",
		query: routingQuerySchema,
		answers: { 200: { description: "A page of webhooks.", schema: listOf(routingSchema) } },
		errors: {
			404: "There is no such event (`event_not_found`), or none of the webhook (`webhook_not_found`) or customer (`customer_not_found`) that is asked for.",
		},
		async handle({ deps, scope, params, query }) {
			const request = pageRequest(query, "webhook");
			const { webhookId = null, customerId = null } = query;
			const filter = { webhookId, customerId };
			return routingList(await deps.engine.events.routing(scope, params.eventId, filter, request), request);
		},
	}),
];

function routingList(page: Page<RoutedWebhook>, request: PageRequest, more: object = {}): Reply {
	const text = (row: RoutedWebhook) => JSON.stringify(presentRouting(row));
	return textListReply(page, request, { id: ({ webhook }) => webhook.id, text }, more);
}

function presentRouting({ webhook, reason, delivery }: RoutedWebhook): z.infer<typeof routingSchema> {
	return {
		object: "routing",
		webhookId: webhook.id,
		webhookName: webhook.name,
		...(webhook.customerId !== null && { customerId: webhook.customerId }),
		status: webhook.status,
		gets: isRouted(reason),
		reason,
		delivery: delivery === null ? null : { id: delivery.deliveryId, status: delivery.status },
	};
}
