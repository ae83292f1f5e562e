// Statistics on the wire.
import { z } from "@hono/zod-openapi";

import { DELIVERY_STATUSES } from "../../../core/delivery.ts";
import { MAX_STATS_BUCKETS, STATS_WIDTHS } from "../../../core/stats/stats.ts";
import { integerParameter, MAX_TIME_MS, timeOut } from "../common/schemas.ts";

export const statsQuerySchema = z.strictObject({
	width: z
		.enum(STATS_WIDTHS)
		.optional()
		.openapi({ description: "Of a bucket. Left out: `hour`. Minutes are kept for 48 hours, hours for 90 days." }),
	from: integerParameter(
		0,
		MAX_TIME_MS,
		`In milliseconds since the epoch; taken back to the beginning of its bucket. At most ${MAX_STATS_BUCKETS} buckets are given. Left out: 60 minutes, 24 hours or 30 days before \`to\`.`,
	).optional(),
	to: integerParameter(
		0,
		MAX_TIME_MS,
		"The end, not included; taken on to the end of its bucket. Left out: now.",
	).optional(),
});

const latency = z
	.int()
	.nullable()
	.openapi({ description: "Of attempts that got an answer or timed out, to within 5 %; null if there were none." });

const figures = {
	accepted: z.int().openapi({ description: "Events accepted; of a webhook, those with a delivery to it." }),
	attempts: z.object({ succeeded: z.int(), failed: z.int() }),
	succeeded: z.int().openapi({ description: "Deliveries that succeeded in this time." }),
	exhausted: z.int().openapi({ description: "Deliveries that became `Failed` in this time." }),
	latencyMs: z.object({ p50: latency, p95: latency, p99: latency }),
};

export const statsSchema = z
	.object({
		object: z.literal("stats"),
		width: z.enum(STATS_WIDTHS),
		from: timeOut,
		to: timeOut,
		data: z.array(z.object({ start: timeOut, ...figures })).openapi({
			description: "Every bucket from `from` to `to`, oldest first, also those in which nothing happened.",
		}),
		totals: z.object(figures).openapi({ description: "Of all buckets together." }),
		deliveries: z
			.object(Object.fromEntries(DELIVERY_STATUSES.map((status) => [status, z.int()])))
			.openapi({ description: "How many deliveries are in each status now, whenever they were made." }),
	})
	.openapi("Stats");
