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

/** No fewer rows at once than of other lists: however large the metadata, a page of customers ends at about 4 MiB. */
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
		reader({ deps: { engine }, scope, query: { q = null } }) {
			return async (request) => {
				const page = await engine.customers.list(scope, q, request);
				return { ...page, rows: page.rows.map(presentCustomer) };
			};
		},
	}),
];
