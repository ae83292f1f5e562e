// Rows of the tables of stats and health.
import type { DeliveryStatus } from "../../../core/delivery.ts";
import type { WebhookHealth } from "../../../core/policies/webhook-health.ts";
import { addLatencyCount, emptyLatencyCounts } from "../../../core/stats/latency-histogram.ts";
import type { StatsBucket } from "../../../core/stats/stats.ts";
import { STATUS_CODES, STATUSES } from "../codec/delivery-rows.ts";
import { bytes, json, number, type Row } from "../codec/rows.ts";
import { decodeLatency } from "./latency-blob.ts";
import {
	ACCEPTED,
	ATTEMPTS_FAILED,
	ATTEMPTS_SUCCEEDED,
	COUNTER_COLUMNS,
	EXHAUSTED,
	SUCCEEDED,
	type MinuteChanges,
} from "./stats-changes.ts";
import type { PeriodStats } from "./stats-sums.ts";

/** The columns of `status_counts`, in the order of the status codes. */
export const STATUS_COUNT_COLUMNS = STATUSES.map((status) => status.toLowerCase());

/** The changes in a row of the journal. */
export function toMinuteChanges(row: Row): readonly MinuteChanges[] {
	return json<MinuteChanges[]>(row["changes"]);
}

export function toJournalState(row: Row | undefined): { through: number; lastSeq: number } {
	return { through: number(row?.["through"]), lastSeq: number(row?.["last_seq"]) };
}

export function toOpenCounts(row: Row | undefined): { Pending: number; Held: number } {
	return { Pending: number(row?.["pending"]), Held: number(row?.["held"]) };
}

/** The start of the period of a row of `stats`. */
export function statsStart(row: Row): number {
	return number(row["start"]);
}

/** Adds a row of `stats` to `sum`, in place. */
export function addStatsRow({ counts, latency }: PeriodStats, row: Row): void {
	for (const [index, column] of COUNTER_COLUMNS.entries()) counts[index] = (counts[index] ?? 0) + number(row[column]);
	decodeLatency(bytes(row["latency"]), (bucket, count) => latency.set(bucket, (latency.get(bucket) ?? 0) + count));
}

export function toBucket(start: number, { counts, latency }: PeriodStats): StatsBucket {
	const latencyCounts = emptyLatencyCounts();
	// If there are ever fewer buckets, counts that an older program wrote for a higher one go into the last.
	for (const [bucket, count] of latency) addLatencyCount(latencyCounts, bucket, count);
	return {
		start,
		accepted: counts[ACCEPTED] ?? 0,
		attemptsSucceeded: counts[ATTEMPTS_SUCCEEDED] ?? 0,
		attemptsFailed: counts[ATTEMPTS_FAILED] ?? 0,
		succeeded: counts[SUCCEEDED] ?? 0,
		exhausted: counts[EXHAUSTED] ?? 0,
		latency: latencyCounts,
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

export function toWebhookHealth(row: Row): WebhookHealth {
	return { failingSince: number(row["failing_since"]), exhaustedCount: number(row["exhausted_count"]) };
}
