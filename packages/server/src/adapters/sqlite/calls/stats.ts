// Stats and health. Reading adds the sums that are in memory to the tables.
import type { DatabaseSync } from "node:sqlite";

import { wholeProject, type Scope } from "../../../core/access/principal.ts";
import type { DeliveryStatus } from "../../../core/delivery.ts";
import { STATS_WIDTHS_MS, type StatsBucket } from "../../../core/stats/stats.ts";
import type { StatsQuery } from "../../../ports/store/stats.ts";
import { idBytes, idHex } from "../codec/ids.ts";
import { list, qualified } from "../codec/statements.ts";
import type { Transact } from "../connection.ts";
import type { HealthTable } from "../stats/health-table.ts";
import { COUNTER_COLUMNS, COUNTER_COUNT } from "../stats/stats-changes.ts";
import type { StatsJournal } from "../stats/stats-journal.ts";
import { createRollUpStats } from "../stats/stats-roll-up.ts";
import { addStatsRow, statsStart, STATUS_COUNT_COLUMNS, toBucket, toStatusCounts } from "../stats/stats-rows.ts";
import { addStats, emptyStats, type PeriodStats } from "../stats/stats-sums.ts";

/** Prepares the calls of `StatsStore`. */
export function createStatsCalls(db: DatabaseSync, transact: Transact, journal: StatsJournal, health: HealthTable) {
	return {
		stats: createStats(db, journal),
		statusCounts: createStatusCounts(db, journal),
		rollUpStats: createRollUpStats(db, transact, journal),
		webhookHealth: (webhookId: string) => health.of(idHex("webhook", webhookId)),
	};
}

/** One seek for each bucket: 1 ms for 1,000 of them. */
function createStats(db: DatabaseSync, journal: StatsJournal) {
	const select = db.prepare(`
		WITH RECURSIVE starts (start) AS (SELECT ?1 UNION ALL SELECT start + ?2 FROM starts WHERE start + ?2 < ?3)
		SELECT ${qualified("stats", ["start", "latency", ...COUNTER_COLUMNS])} FROM starts
		CROSS JOIN stats ON width_ms = ?2 AND stats.start = starts.start AND owner = ?4
	`);

	return ({ scope, webhookId, width, from, to }: StatsQuery): StatsBucket[] => {
		const projectId = wholeProject(scope);
		if (from >= to) return [];
		const widthMs = STATS_WIDTHS_MS[width];
		const buckets = new Map<number, PeriodStats>();
		for (const row of select.iterate(from, widthMs, to, ownerBytes(projectId, webhookId))) {
			addStatsRow(bucketAt(buckets, statsStart(row)), row);
		}
		for (const [minute, stats] of recentStats(journal, projectId, webhookId)) {
			if (minute >= from && minute < to && hasCounters(stats)) {
				addStats(bucketAt(buckets, minute - (minute % widthMs)), stats);
			}
		}
		return [...buckets].sort(([a], [b]) => a - b).map(([start, stats]) => toBucket(start, stats));
	};
}

/** Changes of status alone (by a sweep, for example) make no bucket. */
function hasCounters({ counts }: PeriodStats): boolean {
	return counts.slice(0, COUNTER_COUNT).some((count) => count !== 0);
}

function bucketAt(buckets: Map<number, PeriodStats>, start: number): PeriodStats {
	const known = buckets.get(start);
	if (known !== undefined) return known;
	const bucket = emptyStats();
	buckets.set(start, bucket);
	return bucket;
}

function createStatusCounts(db: DatabaseSync, journal: StatsJournal) {
	const select = db.prepare(`SELECT ${list(STATUS_COUNT_COLUMNS)} FROM status_counts WHERE owner = ?`);
	return (scope: Scope, webhookId: string | null): Record<DeliveryStatus, number> => {
		const projectId = wholeProject(scope);
		const recent = emptyStats();
		for (const stats of recentStats(journal, projectId, webhookId).values()) addStats(recent, stats);
		return toStatusCounts(select.get(ownerBytes(projectId, webhookId)), recent.counts.slice(COUNTER_COUNT));
	};
}

function ownerBytes(projectId: string, webhookId: string | null): Uint8Array {
	return webhookId === null ? idBytes("proj", projectId) : idBytes("webhook", webhookId);
}

/** The stats by minute that are not in the tables yet. */
function recentStats(
	journal: StatsJournal,
	projectId: string,
	webhookId: string | null,
): ReadonlyMap<number, PeriodStats> {
	return webhookId === null ? journal.project(idHex("proj", projectId)) : journal.webhook(idHex("webhook", webhookId));
}
