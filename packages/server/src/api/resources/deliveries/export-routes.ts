// Exports of deliveries as files.
import type { z } from "@hono/zod-openapi";

import type { LoggedDelivery } from "../../../ports/store/log.ts";
import { keyOrCustomerWith, route } from "../../request/route.ts";
import { csvLine, csvTime, type Cell } from "../exports/csv.ts";
import { EXPORT_CONTENT_TYPES, exportReply, type ExportedList } from "../exports/export-reply.ts";
import { deliveryExportQuerySchema } from "./filters.ts";
import { deliveryFilter, withinScope } from "./input.ts";
import { presentDelivery } from "./present.ts";
import { deliverySchema } from "./schemas.ts";

type Shown = z.infer<typeof deliverySchema>;

const ACCESS = keyOrCustomerWith("read", "read");

const COLUMNS: Readonly<Record<string, (shown: Shown) => Cell>> = {
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
	route({
		id: "exportDeliveries",
		tag: "Deliveries",
		method: "get",
		path: "/projects/{projectId}/deliveries:export",
		access: ACCESS,
		summary: "Export deliveries",
		description:
			"All deliveries that match all filters, newest first, as a file that is streamed: with `format=ndjson` one delivery of the list a line, " +
			"with `format=csv` a line of column names and then one delivery a line, with dates as ISO 8601, for spreadsheets. There, an apostrophe " +
			"stands before a character that would begin a formula. Each delivery is as it was when it was read. A response that is cut off is not complete: " +
			"an export ends early if its key or session does, with the server, and if the client reads nothing while others wait for the place. A project can " +
			"have 2 exports at once, and its customers 8, 1 each.",
		query: deliveryExportQuerySchema,
		answers: {
			200: {
				description: "The file.",
				schema: deliverySchema,
				contentType: EXPORT_CONTENT_TYPES.ndjson,
				text: { contentType: EXPORT_CONTENT_TYPES.csv, example: csvLine(Object.keys(COLUMNS)) },
			},
		},
		errors: { 429: "Too many exports run already (`too_many_exports`). See `Retry-After`." },
		handle({ deps, scope, params, query: { format = "ndjson", ...filters }, connection }) {
			const [wanted, filter] = [withinScope(scope, filters), deliveryFilter(filters)];
			const list: ExportedList<LoggedDelivery, Shown> = {
				name: "deliveries",
				read: (request) => deps.store.deliveries(wanted, filter, request),
				present: presentDelivery,
				columns: COLUMNS,
			};
			return exportReply({ deps, scope, params, connection }, ACCESS, format, list);
		},
	}),
];
