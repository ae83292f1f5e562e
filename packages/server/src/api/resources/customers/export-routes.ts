// Exports of customers as files.
import type { z } from "@hono/zod-openapi";

import { keyWith } from "../../request/route.ts";
import { csvTime } from "../exports/csv.ts";
import type { Columns } from "../exports/export-reply.ts";
import { exportRoute } from "../exports/export-route.ts";
import { presentCustomer } from "./present.ts";
import { customerExportQuerySchema, customerSchema } from "./schemas.ts";

const COLUMNS: Columns<z.infer<typeof customerSchema>> = {
	id: ({ id }) => id,
	name: ({ name }) => name,
	webhooksTotal: ({ webhooks }) => webhooks.total,
	webhooksFailing: ({ webhooks }) => webhooks.failing,
	createDate: ({ createDate }) => csvTime(createDate),
	updateDate: ({ updateDate }) => csvTime(updateDate),
	metadata: ({ metadata }) => (Object.keys(metadata).length === 0 ? null : JSON.stringify(metadata)),
	deletionStartDate: ({ deletion }) => csvTime(deletion?.startDate ?? null),
	deletionWebhooksLeft: ({ deletion }) => deletion?.webhooksLeft ?? null,
	deletionWebhookCount: ({ deletion }) => deletion?.webhookCount ?? null,
	deletionDeliveryCount: ({ deletion }) => deletion?.deliveryCount ?? null,
	deletionEventCount: ({ deletion }) => deletion?.eventCount ?? null,
};

/** Of each customer, all webhooks are counted, and what they fail by is looked up. */
const ROWS_AT_ONCE = 100;

export const customerExportRoutes = [
	exportRoute({
		id: "exportCustomers",
		tag: "Customers",
		path: "/projects/{projectId}/customers:export",
		access: keyWith("read"),
		nouns: "customers",
		noun: "customer",
		order: "ordered by id",
		remarks: "The metadata is JSON.",
		query: customerExportQuerySchema,
		schema: customerSchema,
		columns: COLUMNS,
		rowsAtOnce: ROWS_AT_ONCE,
		reader({ deps: { engine }, scope, query: { q = null } }) {
			return async (request) => {
				const page = await engine.customers.list(scope, q, request);
				return { ...page, rows: page.rows.map(presentCustomer) };
			};
		},
	}),
];
