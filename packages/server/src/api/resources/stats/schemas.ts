// Stats on the wire.
import { z } from "@hono/zod-openapi";

import { DELIVERY_STATUSES } from "../../../core/delivery.ts";
import { ATTEMPT_CAUSES } from "../../../core/log/attempt-cause.ts";
import { MAX_SERIES_BUCKETS, MAX_SERIES_WEBHOOKS, MAX_STATS_BUCKETS, STATS_WIDTHS } from "../../../core/stats/stats.ts";
import { distinctIds } from "../common/lists.ts";
import { idText, integerParameter, MAX_TIME_MS, timeOut } from "../common/schemas.ts";

const rangeQuery = (maxBuckets: number) => ({
	width: z.enum(STATS_WIDTHS).optional().openapi({
		description:
			"The width of a bucket. Defaults to `hour`. Minutes are kept for 48 hours, hours for 90 days, days for ever.",
	}),
	from: integerParameter(
		0,
		MAX_TIME_MS,
		"Start of the range, inclusive, in milliseconds since the epoch. Rounded down to the start of its bucket. The range may " +
			`have at most ${maxBuckets} buckets. Defaults to 60 minutes, 24 hours or 30 days before \`to\`.`,
	).optional(),
	to: integerParameter(
		0,
		MAX_TIME_MS,
		"End of the range, exclusive, in milliseconds since the epoch. Rounded up to the end of its bucket. Defaults to now.",
	).optional(),
});

export const statsQuerySchema = z.strictObject(rangeQuery(MAX_STATS_BUCKETS));

export const seriesQuerySchema = z.strictObject({
	ids: distinctIds("webhook", MAX_SERIES_WEBHOOKS, "The ids of the webhooks"),
	...rangeQuery(MAX_SERIES_BUCKETS),
});

const latency = z.int().nullable().openapi({
	description: "The latency of attempts that got a response or timed out, accurate to 5 %. Null if there were none.",
});

const failuresOf = z.int().optional().openapi({ description: "The attempts that failed for this cause." });

const counts = {
	accepted: z.int().openapi({ description: "Accepted events. For a webhook, only events with a delivery to it." }),
	attempts: z
		.object({
			succeeded: z.int().openapi({ description: "Those that got a 2xx." }),
			failed: z.int().openapi({ description: "All others." }),
		})
		.openapi({ description: "Attempts that ended in this time." }),
	succeeded: z.int().openapi({ description: "Deliveries that became `Succeeded` in this time." }),
	exhausted: z.int().openapi({ description: "Deliveries that became `Failed` in this time." }),
	failures: z.object(Object.fromEntries(ATTEMPT_CAUSES.map((cause) => [cause, failuresOf]))).openapi({
		description:
			"The failed attempts by cause; causes without any are omitted. Attempts that version 0.1 has made are in none.",
	}),
	latencyMs: z
		.object({ p50: latency, p95: latency, p99: latency })
		.openapi({ description: "Percentiles of the latency." }),
};

const COUNTS = {
	accepted: 120,
	attempts: { succeeded: 118, failed: 7 },
	succeeded: 118,
	exhausted: 1,
	failures: { connect_timeout: 2, status_5xx: 5 },
	latencyMs: { p50: 48, p95: 180, p99: 420 },
};

export const statsSchema = z
	.object({
		object: z.literal("stats"),
		width: z.enum(STATS_WIDTHS).openapi({ description: "The width of a bucket." }),
		from: timeOut.openapi({ description: "The start of the first bucket. Milliseconds since the epoch." }),
		to: timeOut.openapi({ description: "The end of the last bucket. Milliseconds since the epoch." }),
		data: z.array(z.object({ start: timeOut, ...counts })).openapi({
			description: "All buckets from `from` to `to`, oldest first, including those in which nothing happened.",
		}),
		totals: z.object(counts).openapi({ description: "The same for the whole range." }),
		deliveries: z
			.object(Object.fromEntries(DELIVERY_STATUSES.map((status) => [status, z.int()])))
			.openapi({ description: "The number of deliveries in each status now, whenever they were created." }),
		waitingSince: z.object({ Pending: timeOut.nullable(), Held: timeOut.nullable() }).openapi({
			description:
				"The `createDate` of the oldest delivery that is `Pending` now, and of the oldest that is `Held`. Null if there is none.",
		}),
	})
	.openapi("Stats", {
		example: {
			object: "stats",
			width: "hour",
			from: 1_723_633_200_000,
			to: 1_723_636_800_000,
			data: [{ start: 1_723_633_200_000, ...COUNTS }],
			totals: COUNTS,
			deliveries: { Pending: 3, Succeeded: 4_711, Failed: 2, Held: 0, Cancelled: 1 },
			waitingSince: { Pending: 1_723_636_741_120, Held: null },
		},
	});

const eachBucket = z.array(z.int());

export const webhookStatsSchema = z
	.object({
		object: z.literal("webhookStats"),
		width: z.enum(STATS_WIDTHS).openapi({ description: "The width of a bucket." }),
		from: timeOut.openapi({ description: "The start of the first bucket. Milliseconds since the epoch." }),
		to: timeOut.openapi({ description: "The end of the last bucket. Milliseconds since the epoch." }),
		data: z
			.array(
				z.object({
					webhookId: idText("webhook").openapi({ description: "The webhook." }),
					attempts: z
						.object({
							succeeded: eachBucket.openapi({ description: "Those that got a 2xx, in each bucket." }),
							failed: eachBucket.openapi({ description: "All others, in each bucket." }),
						})
						.openapi({
							description:
								"Attempts that ended in each bucket from `from` to `to`, oldest first, with 0 where there were none.",
						}),
				}),
			)
			.openapi({ description: "One entry for each webhook, in the order of `ids`." }),
	})
	.openapi("WebhookStats", {
		example: {
			object: "webhookStats",
			width: "hour",
			from: 1_723_633_200_000,
			to: 1_723_640_400_000,
			data: [
				{
					webhookId: "webhook_f7d8aec2-7e2b-4d2c-a103-c8dd575c29c7",
					attempts: { succeeded: [118, 97], failed: [7, 0] },
				},
			],
		},
	});
