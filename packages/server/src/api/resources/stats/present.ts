// Stats as responses show them.
import type { z } from "@hono/zod-openapi";

import { latencyQuantileMs } from "../../../core/stats/latency-histogram.ts";
import type { StatsBucket } from "../../../core/stats/stats.ts";
import type { SeriesReport, StatsReport } from "../../../engine/stats-calls.ts";
import type { statsSchema, webhookStatsSchema } from "./schemas.ts";

export function presentStats(report: StatsReport): z.infer<typeof statsSchema> {
	const { width, from, to, buckets, totals, deliveries, waitingSince } = report;
	return {
		object: "stats",
		width,
		from,
		to,
		data: buckets.map((bucket) => ({ start: bucket.start, ...presentCounts(bucket) })),
		totals: presentCounts(totals),
		deliveries: { ...deliveries },
		waitingSince: { ...waitingSince },
	};
}

export function presentSeries({ width, from, to, series }: SeriesReport): z.infer<typeof webhookStatsSchema> {
	const data = series.map(({ webhookId, attemptsSucceeded, attemptsFailed }) => ({
		webhookId,
		attempts: { succeeded: [...attemptsSucceeded], failed: [...attemptsFailed] },
	}));
	return { object: "webhookStats", width, from, to, data };
}

function presentCounts({
	accepted,
	attemptsSucceeded,
	attemptsFailed,
	succeeded,
	exhausted,
	latency,
	failures,
}: StatsBucket) {
	const quantile = (q: number) => latencyQuantileMs(latency, q);
	return {
		accepted,
		attempts: { succeeded: attemptsSucceeded, failed: attemptsFailed },
		succeeded,
		exhausted,
		failures: Object.fromEntries(failures),
		latencyMs: { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) },
	};
}
