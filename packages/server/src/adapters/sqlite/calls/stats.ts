// Stats and health. Reading adds the sums that are in memory to the tables.
import type { DatabaseSync } from "node:sqlite";

import type { Scope } from "../../../core/access/principal.ts";
import { DELIVERY_STATUSES, type DeliveryStatus } from "../../../core/delivery.ts";
import { HEALTHY, type WebhookHealth } from "../../../core/policies/webhook-health.ts";
import { STATS_WIDTHS_MS, type StatsBucket } from "../../../core/stats/stats.ts";
import type { RollUpStep, StatsQuery } from "../../../ports/store/stats.ts";
import { qualified } from "../codec/statements.ts";
import { inBackground, type Transact } from "../connection.ts";
import type { Numbers } from "../deliveries/numbers.ts";
import { createReportHealth } from "../stats/health-reports.ts";
import type { HealthTable } from "../stats/health-table.ts";
import type { RecentStats, StatsJournal } from "../stats/stats-journal.ts";
import { addStats, statsOf, type PeriodStats } from "../stats/stats-sums.ts";
import {
	addStatsRow,
	hasCounters,
	STATS_COLUMNS,
	statsStart,
	toBucket,
	toStatusCounts,
} from "../stats/stats-tables.ts";
import { createCountsOf, createOwnersOf, type CountsOf, type OwnersOf } from "./stats/owners.ts";
import { createWebhookSeries } from "./stats/series.ts";
import { createWebhookActivity } from "./stats/webhook-activity.ts";

const NO_COUNTS = DELIVERY_STATUSES.map(() => 0);

/** Prepares the calls of `StatsStore` that write, or read only memory. */
export function createStatsCalls(
	db: DatabaseSync,
	numbers: Numbers,
	transact: Transact,
	journal: StatsJournal,
	health: HealthTable,
) {
	return {
		rollUpStats: (step: RollUpStep): number => inBackground(db, () => journal.rollUp(step)),
		webhookHealth: (webhookIds: readonly string[]): WebhookHealth[] =>
			webhookIds.map((webhookId) => {
				const webhook = numbers.webhooks.find(webhookId);
				return webhook === null ? HEALTHY : health.of(webhook.number);
			}),
		reportHealth: createReportHealth(db, numbers, transact, health),
	};
}

/** Prepares the calls of `StatsStore` that a reader can make. */
export function createStatsReads(db: DatabaseSync, numbers: Numbers, recent: RecentStats) {
	const ownersOf = createOwnersOf(db, numbers, recent);
	const countsOf = createCountsOf(db);
	return {
		stats: createStats(db, ownersOf),
		webhookSeries: createWebhookSeries(db, ownersOf),
		statusCounts: createStatusCounts(countsOf, ownersOf),
		webhookActivity: createWebhookActivity(db, numbers, { countsOf, ownersOf }),
	};
}

/** One seek for each bucket: 1 ms for 1,000 of them. */
function createStats(db: DatabaseSync, ownersOf: OwnersOf) {
	const select = db.prepare(`
		WITH RECURSIVE starts (start) AS (SELECT ?1 UNION ALL SELECT start + ?2 FROM starts WHERE start + ?2 < ?3)
		SELECT ${qualified("stats", ["start", ...STATS_COLUMNS])} FROM starts
		CROSS JOIN stats ON width_ms = ?2 AND stats.start = starts.start AND owner = ?4
	`);

	return ({ scope, webhookId, width, from, to }: StatsQuery): StatsBucket[] => {
		if (from >= to) return [];
		const widthMs = STATS_WIDTHS_MS[width];
		const buckets = new Map<number, PeriodStats>();
		for (const owner of ownersOf(scope, webhookId)) {
			for (const row of select.iterate(from, widthMs, to, owner.bytes)) {
				addStatsRow(statsOf(buckets, statsStart(row)), row);
			}
			for (const [minute, stats] of owner.recent) {
				if (minute >= from && minute < to && hasCounters(stats)) {
					addStats(statsOf(buckets, minute - (minute % widthMs)), stats);
				}
			}
		}
		return [...buckets].sort(([a], [b]) => a - b).map(([start, stats]) => toBucket(start, stats));
	};
}

function createStatusCounts(countsOf: CountsOf, ownersOf: OwnersOf) {
	return (scope: Scope, webhookId: string | null): Record<DeliveryStatus, number> => {
		let sum = toStatusCounts(undefined, NO_COUNTS);
		for (const owner of ownersOf(scope, webhookId)) {
			const counts = countsOf(owner);
			for (const status of DELIVERY_STATUSES) sum = { ...sum, [status]: sum[status] + counts[status] };
		}
		return sum;
	};
}
