// Reads the figures: what is in the tables, and what is in the journal still.
import type { DatabaseSync } from "node:sqlite";

import type { DeliveryStatus } from "../../../core/delivery.ts";
import { STATS_WIDTHS_MS, type StatsBucket } from "../../../core/stats/stats.ts";
import type { StatsQuery } from "../../../ports/store/stats.ts";
import { idBytes, idHex } from "../codec/ids.ts";
import { COUNTER_COLUMNS, COUNTER_COUNT } from "./stats-changes.ts";
import type { Figures } from "./stats-journal.ts";
import { addStatsRow, statsStart, STATUS_COUNT_COLUMNS, toBucket, toStatusCounts } from "./stats-rows.ts";
import { addFigure, emptyFigure, type Figure } from "./stats-sums.ts";

/** Prepares `stats` and `statusCounts`. */
export function createStatsCalls(db: DatabaseSync, figures: Figures) {
	return { stats: createStats(db, figures), statusCounts: createStatusCounts(db, figures) };
}

/** A seek for each bucket: 1 ms for 1,000 of them. */
function createStats(db: DatabaseSync, figures: Figures) {
	const select = db.prepare(`
		WITH RECURSIVE starts (start) AS (SELECT ?1 UNION ALL SELECT start + ?2 FROM starts WHERE start + ?2 < ?3)
		SELECT stats.start, ${COUNTER_COLUMNS}, latency FROM starts
		CROSS JOIN stats ON width_ms = ?2 AND stats.start = starts.start AND owner = ?4
	`);

	return ({ projectId, webhookId, width, from, to }: StatsQuery): StatsBucket[] => {
		if (from >= to) return [];
		const widthMs = STATS_WIDTHS_MS[width];
		const buckets = new Map<number, Figure>();
		for (const row of select.iterate(from, widthMs, to, ownerBytes(projectId, webhookId))) {
			addStatsRow(bucketAt(buckets, statsStart(row)), row);
		}
		for (const [minute, figure] of recentOf(figures, projectId, webhookId)) {
			if (minute >= from && minute < to && hasHappened(figure)) {
				addFigure(bucketAt(buckets, minute - (minute % widthMs)), figure);
			}
		}
		return [...buckets].sort(([a], [b]) => a - b).map(([start, figure]) => toBucket(start, figure));
	};
}

/** Moves alone, of a sweep say, make no bucket. */
function hasHappened({ counts }: Figure): boolean {
	return counts.slice(0, COUNTER_COUNT).some((count) => count !== 0);
}

function bucketAt(buckets: Map<number, Figure>, start: number): Figure {
	const known = buckets.get(start);
	if (known !== undefined) return known;
	const bucket = emptyFigure();
	buckets.set(start, bucket);
	return bucket;
}

function createStatusCounts(db: DatabaseSync, figures: Figures) {
	const select = db.prepare(`SELECT ${STATUS_COUNT_COLUMNS} FROM status_counts WHERE owner = ?`);
	return (projectId: string, webhookId: string | null): Record<DeliveryStatus, number> => {
		const moved = emptyFigure();
		for (const figure of recentOf(figures, projectId, webhookId).values()) addFigure(moved, figure);
		return toStatusCounts(select.get(ownerBytes(projectId, webhookId)), moved.counts.slice(COUNTER_COUNT));
	};
}

function ownerBytes(projectId: string, webhookId: string | null): Uint8Array {
	return webhookId === null ? idBytes("proj", projectId) : idBytes("webhook", webhookId);
}

function recentOf(figures: Figures, projectId: string, webhookId: string | null): ReadonlyMap<number, Figure> {
	return webhookId === null ? figures.project(idHex("proj", projectId)) : figures.webhook(idHex("webhook", webhookId));
}
