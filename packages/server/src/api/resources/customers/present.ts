// Customers as responses show them.
import type { z } from "@hono/zod-openapi";

import type { CustomerSummary } from "../../../ports/store/customers.ts";
import type { customerSchema } from "./schemas.ts";

export function presentCustomer(customer: CustomerSummary): z.infer<typeof customerSchema> {
	const { customerId, projectId, name, metadata, webhookCount, failingCount, createDate, updateDate } = customer;
	const { deletion } = customer;
	const webhooks = { total: webhookCount, failing: failingCount };
	const shown = { id: customerId, object: "customer", projectId, name, metadata, webhooks } as const;
	return { ...shown, ...(deletion !== null && { deletion: { ...deletion } }), createDate, updateDate };
}
