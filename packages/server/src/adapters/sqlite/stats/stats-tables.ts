// The tables that the journal is rolled up into: `stats` by minute, hour and day, and `status_counts`.
import type { DatabaseSync } from "node:sqlite";

import type { DeliveryStatus } from "../../../core/delivery.ts";
import { addLatencyCount, emptyLatencyCounts } from "../../../core/stats/latency-histogram.ts";
import { causeCounts, STATS_WIDTHS_MS, type StatsBucket } from "../../../core/stats/stats.ts";
import { STATUS_CODES, STATUSES } from "../codec/delivery-rows.ts";
import { bytes, number, type Row } from "../codec/rows.ts";
import { list, placeholders, prepareReplace } from "../codec/statements.ts";
import type { Numbered, Numbers } from "../deliveries/numbers.ts";
import { addCauseBytes, addLatencyBytes, encodeCauses, encodeLatency } from "./stats-bytes.ts";
import {
	ACCEPTED,
	addStats,
	ATTEMPTS_FAILED,
	ATTEMPTS_SUCCEEDED,
	COUNTER_COLUMNS,
	COUNTER_COUNT,
	emptyStats,
	EXHAUSTED,
	increase,
	SUCCEEDED,
	type PeriodStats,
	type ProjectOf,
	type StatsSums,
} from "./stats-sums.ts";
import { createAddStored } from "./stored-totals.ts";

/** What a row of `stats` counts. */
export const STATS_COLUMNS: readonly string[] = [...COUNTER_COLUMNS, "latency", "causes"];
/** The columns of `status_counts`, in the order of the status codes. */
export const STATUS_COUNT_COLUMNS = STATUSES.map((status) => status.toLowerCase());

/**
 * Prepares adding sums to the tables, for each webhook and its project: about 30 µs for one minute of one of them. The tables name
 * them by their ids. What a webhook or a project left that was deleted completely is dropped.
 */
export function createAddToTables(
	db: DatabaseSync,
	{ webhooks, projects }: Numbers,
	projectOf: ProjectOf,
): (sums: StatsSums) => void {
	const addToStats = createAddToStats(db);
	const addCounts = db.prepare(`
		INSERT INTO status_counts (owner, last_attempt, ${list(STATUS_COUNT_COLUMNS)}) VALUES (?, ?, ${placeholders(STATUS_COUNT_COLUMNS)})
		ON CONFLICT (owner) DO UPDATE SET last_attempt = coalesce(excluded.last_attempt, last_attempt),
			${list(STATUS_COUNT_COLUMNS.map((name) => `${name} = ${name} + excluded.${name}`))}
	`);
	const add = (minute: number, owner: Numbered | null, stats: PeriodStats): void => {
		if (owner === null) return;
		addToStats(minute, owner.bytes, stats);
		const changes = stats.counts.slice(COUNTER_COUNT);
		const lastAttempt = stats.lastAttempt === 0 ? null : stats.lastAttempt;
		if (lastAttempt !== null || changes.some((count) => count !== 0))
			addCounts.run(owner.bytes, lastAttempt, ...changes);
	};
	const addStored = createAddStored(db, (project) => projects.atOrNull(project) !== null);
	return (sums) => {
		addStored(sums.stored);
		for (const [minute, { webhooks: all }] of sums.minutes) {
			for (const [webhook, stats] of all) add(minute, webhooks.atOrNull(webhook), stats);
		}
		for (const [minute, stats, project] of sums.projects(projectOf)) add(minute, projects.atOrNull(project), stats);
	};
}

function createAddToStats(db: DatabaseSync) {
	const select = db.prepare(`SELECT ${list(STATS_COLUMNS)} FROM stats WHERE width_ms = ? AND start = ? AND owner = ?`);
	const put = prepareReplace(db, "stats", ["width_ms", "start", "owner", ...STATS_COLUMNS]);
	return (minute: number, owner: Uint8Array, stats: PeriodStats): void => {
		if (!hasCounters(stats)) return;
		for (const widthMs of Object.values(STATS_WIDTHS_MS)) {
			const start = minute - (minute % widthMs);
			const sum = emptyStats();
			addStats(sum, stats);
			const row = select.get(widthMs, start, owner);
			if (row !== undefined) addStatsRow(sum, row);
			const counters = sum.counts.slice(0, COUNTER_COUNT);
			put.run(widthMs, start, owner, ...counters, encodeLatency(sum.latency), encodeCauses(sum.causes));
		}
	};
}

/** Changes of status alone (by a sweep, for example) make no bucket. */
export function hasCounters({ counts }: PeriodStats): boolean {
	return counts.slice(0, COUNTER_COUNT).some((count) => count !== 0);
}

/** Prepares deleting rows of `stats` that are too old. */
export function createDeleteOld(db: DatabaseSync) {
	const deleteBefore = db.prepare(`
		DELETE FROM stats WHERE (width_ms, start, owner) IN (
			SELECT width_ms, start, owner FROM stats WHERE width_ms = ? AND start < ? LIMIT ?
		)
	`);
	return (keepMinutesFrom: number, keepHoursFrom: number, limit: number): number => {
		const minutes = Number(deleteBefore.run(STATS_WIDTHS_MS.minute, keepMinutesFrom, limit).changes);
		if (minutes > 0) return minutes;
		return Number(deleteBefore.run(STATS_WIDTHS_MS.hour, keepHoursFrom, limit).changes);
	};
}

/** The start of the period of a row of `stats`. */
export function statsStart(row: Row): number {
	return number(row["start"]);
}

/** Adds a row of `stats` to `sum`, in place. */
export function addStatsRow(sum: PeriodStats, row: Row): void {
	for (const [index, column] of COUNTER_COLUMNS.entries()) increase(sum.counts, index, number(row[column]));
	addLatencyBytes(sum, bytes(row["latency"]));
	addCauseBytes(sum, bytes(row["causes"]));
}

export function toBucket(start: number, { counts, latency, causes }: PeriodStats): StatsBucket {
	const latencyCounts = emptyLatencyCounts();
	// If there are ever fewer buckets, counts that an older program wrote for a higher one go into the last.
	for (const [bucket, count] of latency ?? []) addLatencyCount(latencyCounts, bucket, count);
	return {
		start,
		accepted: counts[ACCEPTED] ?? 0,
		attemptsSucceeded: counts[ATTEMPTS_SUCCEEDED] ?? 0,
		attemptsFailed: counts[ATTEMPTS_FAILED] ?? 0,
		succeeded: counts[SUCCEEDED] ?? 0,
		exhausted: counts[EXHAUSTED] ?? 0,
		latency: latencyCounts,
		failures: causeCounts(causes ?? []),
	};
}

/** The counts of a row of `status_counts`, with the changes since, which are ordered by the status codes. */
export function toStatusCounts(row: Row | undefined, changes: readonly number[]): Record<DeliveryStatus, number> {
	const count = (status: DeliveryStatus): number => {
		const rolledUp = row === undefined ? 0 : number(row[status.toLowerCase()]);
		return rolledUp + (changes[STATUS_CODES[status]] ?? 0);
	};
	return {
		Pending: count("Pending"),
		Succeeded: count("Succeeded"),
		Failed: count("Failed"),
		Held: count("Held"),
		Cancelled: count("Cancelled"),
	};
}
