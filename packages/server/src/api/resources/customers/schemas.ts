// Customers on the wire.
import { z } from "@hono/zod-openapi";

import { CUSTOMER_NAME_MAX_LENGTH } from "../../../core/access/customer.ts";
import { shortText } from "../common/bounded.ts";
import { nameText, pageQuery, timeOut } from "../common/schemas.ts";
import { formatParameter } from "../exports/export-route.ts";
import { metadata, storedMetadata } from "../webhooks/schemas.ts";

export const updateCustomerSchema = z
	.strictObject({
		name: nameText(CUSTOMER_NAME_MAX_LENGTH, { stored: true })
			.nullish()
			.openapi({ description: "For your own lists.", example: "Acme Inc." }),
		metadata: storedMetadata,
	})
	.openapi("UpdateCustomer", {
		description: "Fields that are omitted do not change. Null removes a name, or all metadata.",
	});

/** What is new in an update must be as for a new customer. */
export const newInCustomerSchema = z.object({ name: nameText(CUSTOMER_NAME_MAX_LENGTH).nullish(), metadata });

export const customerSchema = z
	.object({
		id: z.string().openapi({ description: "The `customerId` of webhooks and events." }),
		object: z.literal("customer"),
		projectId: z.string(),
		name: z.string().nullable().openapi({ description: "The name that you keep for it; null if you keep none." }),
		metadata: z.record(z.string(), z.string()),
		webhooks: z
			.object({
				total: z.int().openapi({ description: "Webhooks of the customer, whatever their status." }),
				failing: z.int().openapi({
					description:
						"Of these, those whose `health` is Failing or Disabling, or that have exhausted a delivery since their last success.",
				}),
			})
			.openapi({ description: "How many webhooks it has." }),
		deletion: z
			.object({
				startDate: timeOut,
				webhooksLeft: z.int().openapi({
					description: "Webhooks of which something is left, among them those that were deleted earlier.",
				}),
				webhookCount: z.int().openapi({ description: "Webhooks of which nothing is left." }),
				deliveryCount: z
					.int()
					.openapi({ description: "Deliveries to the customer's webhooks that keep no response any more." }),
				eventCount: z.int().openapi({ description: "Payloads that were erased." }),
			})
			.optional()
			.openapi({
				description: "How far the deletion of the customer is. Present only while it is being deleted.",
				example: { startDate: 1_723_736_909_980, webhooksLeft: 2, webhookCount: 1, deliveryCount: 800, eventCount: 0 },
			}),
		createDate: timeOut.openapi({
			description: "When the customer was first named by a webhook or by a call to this path.",
		}),
		updateDate: timeOut,
	})
	.openapi("Customer", {
		example: {
			id: "acme",
			object: "customer",
			projectId: "proj_ca5fe71e7592bbcf7705ea36e4f29ed4",
			name: "Acme Inc.",
			metadata: { plan: "pro" },
			webhooks: { total: 3, failing: 1 },
			deletion: { startDate: 1_723_736_909_980, webhooksLeft: 2, webhookCount: 1, deliveryCount: 800, eventCount: 0 },
			createDate: 1_723_633_671_620,
			updateDate: 1_723_736_909_980,
		},
	});

export const customerWebhooksSchema = z
	.object({
		object: z.literal("webhooksChanged"),
		matched: z.int().openapi({ description: "Webhooks of the customer." }),
		changed: z.int().openapi({ description: "Webhooks that were paused or resumed." }),
	})
	.openapi("WebhooksChanged", { example: { object: "webhooksChanged", matched: 3, changed: 2 } });

/** The filter of lists and exports. */
const filterQuery = {
	q: shortText(CUSTOMER_NAME_MAX_LENGTH)
		.optional()
		.openapi({ description: "Only customers whose id or name contains this text, in upper or lower case." }),
};

export const customerQuerySchema = z.strictObject({ ...pageQuery, ...filterQuery });

export const customerExportQuerySchema = z.strictObject({ ...filterQuery, format: formatParameter });
