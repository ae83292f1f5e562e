// Who gets an event, on the wire.
import { z } from "@hono/zod-openapi";

import { DELIVERY_STATUSES } from "../../../core/delivery.ts";
import { ROUTING_REASONS } from "../../../core/log/routing.ts";
import { PAGE_LIMIT } from "../../../core/page.ts";
import { WEBHOOK_STATUSES } from "../../../core/webhook.ts";
import { shortText } from "../common/bounded.ts";
import { customerIdOut, customerIdText, idText, integer, listOf, pageQuery } from "../common/schemas.ts";
import { eventTypeName } from "../event-types/schemas.ts";
import { customerIds } from "./schemas.ts";

export const routingQuerySchema = z.strictObject({
	...pageQuery,
	webhookId: idText("webhook").optional().openapi({ description: "Only this webhook." }),
	customerId: customerIdText.optional().openapi({ description: "Only webhooks of this customer." }),
});

export const matchEventSchema = z
	.strictObject({
		type: eventTypeName.openapi({ description: "The type of the event, which no event needs to have had yet." }),
		customerId: customerIdText.nullish().openapi({ description: "The customer of yours that it is for." }),
		customerIds: customerIds.nullish().openapi({
			description: 'The same for several customers, or `"*"` for all. Not together with `customerId`.',
		}),
		limit: integer(PAGE_LIMIT.min, PAGE_LIMIT.max)
			.optional()
			.openapi({ description: `The largest number of rows. Defaults to ${PAGE_LIMIT.default}.` }),
		page: shortText(400)
			.optional()
			.openapi({ description: "`nextPage` or `prevPage` of an earlier response, unchanged." }),
	})
	.openapi("MatchEvent", { example: { type: "order.paid", customerId: "acme" } });

const ROUTING = {
	object: "routing",
	webhookId: "webhook_f7d8aec2-7e2b-4d2c-a103-c8dd575c29c7",
	webhookName: "billing",
	customerId: "acme",
	status: "Enabled",
	gets: true,
	reason: "matches",
	delivery: { id: "dlv_01936a2e-5c3b-7c10-8001-3b2f5d1e9a77", status: "Succeeded" },
} as const;

const REASONS = [
	"`matches`: its filter and its customer let the event through.",
	"`named`: the sender named it in `webhookIds`.",
	"`replayed`: only a replay has sent the event to it.",
	"`not_named`: the sender named other webhooks, or none.",
	"`created_later`: it was created after the event was accepted.",
	"`other_customer`: it belongs to a customer that the event is not for.",
	"`internal_type`: it belongs to a customer, and the event type is internal.",
	"`own_event`: the event is one of Fanfare's own, which only a filter that names them lets through.",
	"`type_filter`: its `eventTypes` do not let the type through.",
	"`changed_since`: it would get the event now, so something has changed since the event was accepted: its filter, or the visibility of the type.",
].join("\n- ");

export const routingSchema = z
	.object({
		object: z.literal("routing"),
		webhookId: z.string(),
		webhookName: z.string().openapi({ description: "The name of the webhook." }),
		customerId: customerIdOut,
		status: z.enum(WEBHOOK_STATUSES).openapi({
			description:
				"That of the webhook now. It does not decide who gets an event: deliveries to a webhook that is not Enabled are Held.",
		}),
		gets: z.boolean().openapi({ description: "Whether the webhook gets, or got, the event." }),
		reason: z.enum(ROUTING_REASONS).openapi({
			description: `Why. If it did not get an event that was accepted, the webhook is judged as it is now.\n\n- ${REASONS}`,
		}),
		delivery: z
			.object({
				id: z.string(),
				status: z.enum(DELIVERY_STATUSES).openapi({ description: "The status of the delivery now." }),
			})
			.nullable()
			.openapi({
				description:
					"Its newest delivery of the event; null if there is none, and always of an event that could be sent.",
			}),
	})
	.openapi("Routing", { example: ROUTING });

export const matchSchema = listOf(routingSchema)
	.extend({
		matchedCount: z.int().openapi({
			description:
				"How many webhooks would get the event, on all pages together; with a customer's token, of those of the customer.",
		}),
	})
	.openapi("EventMatch", {
		example: { matchedCount: 1, nextPage: null, prevPage: null, data: [{ ...ROUTING, delivery: null }] },
	});
