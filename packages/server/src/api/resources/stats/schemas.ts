// Stats on the wire.
import { z } from "@hono/zod-openapi";

import { DELIVERY_STATUSES } from "../../../core/delivery.ts";
import { MAX_STATS_BUCKETS, STATS_WIDTHS } from "../../../core/stats/stats.ts";
import { integerParameter, MAX_TIME_MS, timeOut } from "../common/schemas.ts";

export const statsQuerySchema = z.strictObject({
	width: z.enum(STATS_WIDTHS).optional().openapi({
		description:
			"The width of a bucket. Defaults to `hour`. Minutes are kept for 48 hours, hours for 90 days, days for ever.",
	}),
	from: integerParameter(
		0,
		MAX_TIME_MS,
		"Start of the range, inclusive, in milliseconds since the epoch. Rounded down to the start of its bucket. The range may " +
			`have at most ${MAX_STATS_BUCKETS} buckets. Defaults to 60 minutes, 24 hours or 30 days before \`to\`.`,
	).optional(),
	to: integerParameter(
		0,
		MAX_TIME_MS,
		"End of the range, exclusive, in milliseconds since the epoch. Rounded up to the end of its bucket. Defaults to now.",
	).optional(),
});

const latency = z.int().nullable().openapi({
	description: "The latency of attempts that got a response or timed out, accurate to 5 %. Null if there were none.",
});

const counts = {
	accepted: z.int().openapi({ description: "Accepted events. For a webhook, only events with a delivery to it." }),
	attempts: z.object({ succeeded: z.int(), failed: z.int() }),
	succeeded: z.int().openapi({ description: "Deliveries that became `Succeeded` in this time." }),
	exhausted: z.int().openapi({ description: "Deliveries that became `Failed` in this time." }),
	latencyMs: z.object({ p50: latency, p95: latency, p99: latency }),
};

export const statsSchema = z
	.object({
		object: z.literal("stats"),
		width: z.enum(STATS_WIDTHS),
		from: timeOut,
		to: timeOut,
		data: z.array(z.object({ start: timeOut, ...counts })).openapi({
			description: "All buckets from `from` to `to`, oldest first, including those in which nothing happened.",
		}),
		totals: z.object(counts).openapi({ description: "The same for the whole range." }),
		deliveries: z
			.object(Object.fromEntries(DELIVERY_STATUSES.map((status) => [status, z.int()])))
			.openapi({ description: "The number of deliveries in each status now, whenever they were created." }),
	})
	.openapi("Stats");
