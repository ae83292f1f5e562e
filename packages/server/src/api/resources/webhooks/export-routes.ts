// Exports of webhooks as files. As in the list, there are no secrets and no values of headers.
import type { z } from "@hono/zod-openapi";

import { keyOrCustomerWith } from "../../request/route.ts";
import { csvList, csvTime } from "../exports/csv.ts";
import type { Columns } from "../exports/export-reply.ts";
import { exportRoute } from "../exports/export-route.ts";
import { webhookFilter } from "./input.ts";
import { webhookExportQuerySchema } from "./list-query.ts";
import { presentWebhooks } from "./present.ts";
import { webhookSchema } from "./schemas.ts";

/** With its metadata, a webhook can have some 150 KB. */
const ROWS_AT_ONCE = 50;

const COLUMNS: Columns<z.infer<typeof webhookSchema>> = {
	id: ({ id }) => id,
	key: ({ key }) => key ?? null,
	name: ({ name }) => name,
	customerId: ({ customerId }) => customerId ?? null,
	endpoint: ({ endpoint }) => endpoint,
	description: ({ description }) => description,
	createDate: ({ createDate }) => csvTime(createDate),
	updateDate: ({ updateDate }) => csvTime(updateDate),
	status: ({ status }) => status,
	disabledReason: ({ disabledReason }) => disabledReason,
	pausedReason: ({ pausedReason }) => pausedReason,
	health: ({ health }) => health.state,
	failingSince: ({ health }) => csvTime(health.failingSince),
	exhaustedCount: ({ health }) => health.exhaustedCount,
	disableDate: ({ health }) => csvTime(health.disableDate),
	deliveriesPending: ({ deliveries }) => deliveries.Pending,
	deliveriesHeld: ({ deliveries }) => deliveries.Held,
	deliveriesFailed: ({ deliveries }) => deliveries.Failed,
	lastAttemptDate: ({ lastAttempt }) => csvTime(lastAttempt?.date ?? null),
	lastAttemptDeliveryId: ({ lastAttempt }) => lastAttempt?.deliveryId ?? null,
	responseCode: ({ lastAttempt }) => lastAttempt?.responseCode ?? null,
	error: ({ lastAttempt }) => lastAttempt?.error ?? null,
	cause: ({ lastAttempt }) => lastAttempt?.cause ?? null,
	eventTypes: ({ eventTypes }) => csvList(eventTypes),
	headers: ({ headers }) => csvList(Object.keys(headers)),
	metadata: ({ metadata }) => (Object.keys(metadata).length === 0 ? null : JSON.stringify(metadata)),
	maxRetries: ({ retries }) => retries.maxRetries,
	maxBackoffMs: ({ retries }) => retries.maxBackoffMs,
	scheduleMs: ({ retries }) => csvList(retries.scheduleMs?.map(String)),
	timeoutMs: ({ timeoutMs }) => timeoutMs,
	rateLimitPerSecond: ({ rateLimit }) => rateLimit?.perSecond ?? null,
	disableAfterMs: ({ disableAfterMs }) => disableAfterMs,
	secretOverlapUntil: ({ secretOverlapUntil }) => csvTime(secretOverlapUntil),
};

export const webhookExportRoutes = [
	exportRoute({
		id: "exportWebhooks",
		tag: "Webhooks",
		path: "/projects/{projectId}/batch/webhooks:export",
		access: keyOrCustomerWith("read", "read"),
		nouns: "webhooks",
		noun: "webhook",
		remarks:
			"The values of headers are never in it, nor secrets, of which a line of JSON has the last four characters as the list has. A cell with several event types, names of headers or waits has a space between them, " +
			"and the metadata is JSON.",
		query: webhookExportQuerySchema,
		schema: webhookSchema,
		columns: COLUMNS,
		rowsAtOnce: ROWS_AT_ONCE,
		reader({ deps: { engine }, scope, query }) {
			const filter = webhookFilter(query);
			return async (request) => {
				const page = await engine.webhooks.list(scope, filter, request);
				return { ...page, rows: await presentWebhooks(engine, scope, page.rows) };
			};
		},
	}),
];
