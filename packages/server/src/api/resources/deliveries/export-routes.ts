// Exports of deliveries as files.
import type { z } from "@hono/zod-openapi";

import { keyOrCustomerWith } from "../../request/route.ts";
import { csvTime } from "../exports/csv.ts";
import type { Columns } from "../exports/export-reply.ts";
import { exportRoute } from "../exports/export-route.ts";
import { deliveryExportQuerySchema } from "./filters.ts";
import { deliveryFilter, withinScope } from "./input.ts";
import { presentDelivery } from "./present.ts";
import { deliverySchema } from "./schemas.ts";

const COLUMNS: Columns<z.infer<typeof deliverySchema>> = {
	id: ({ id }) => id,
	createDate: ({ createDate }) => csvTime(createDate),
	updateDate: ({ updateDate }) => csvTime(updateDate),
	status: ({ status }) => status,
	reason: ({ reason }) => reason,
	eventId: ({ eventId }) => eventId,
	eventType: ({ eventType }) => eventType,
	webhookId: ({ webhookId }) => webhookId,
	webhookName: ({ webhookName }) => webhookName,
	webhookHost: ({ webhookHost }) => webhookHost,
	customerId: ({ customerId }) => customerId ?? null,
	attemptCount: ({ attemptCount }) => attemptCount,
	nextAttemptDate: ({ nextAttemptDate }) => csvTime(nextAttemptDate),
	responseCode: ({ responseCode }) => responseCode,
	error: ({ lastAttempt }) => lastAttempt?.error ?? null,
	cause: ({ lastAttempt }) => lastAttempt?.cause ?? null,
	lastAttemptDate: ({ lastAttempt }) => csvTime(lastAttempt?.startDate ?? null),
	lastAttemptDurationMs: ({ lastAttempt }) => lastAttempt?.durationMs ?? null,
	lastAttemptTrigger: ({ lastAttempt }) => lastAttempt?.trigger ?? null,
};

export const deliveryExportRoutes = [
	exportRoute({
		id: "exportDeliveries",
		tag: "Deliveries",
		path: "/projects/{projectId}/deliveries:export",
		access: keyOrCustomerWith("read", "read"),
		nouns: "deliveries",
		noun: "delivery",
		query: deliveryExportQuerySchema,
		schema: deliverySchema,
		columns: COLUMNS,
		reader({ deps, scope, query }) {
			const [wanted, filter] = [withinScope(scope, query), deliveryFilter(query)];
			return async (request) => {
				const page = await deps.store.deliveries(wanted, filter, request);
				return { ...page, rows: page.rows.map((row) => presentDelivery(row)) };
			};
		},
	}),
];
