// Between rows of the figures' tables and the domain; with rows.ts, the only place with casts.
import type { DeliveryStatus } from "../../../core/delivery.ts";
import type { WebhookHealth } from "../../../core/policies/webhook-health.ts";
import { addLatencyCount, emptyLatencyCounts } from "../../../core/stats/latency-histogram.ts";
import type { StatsBucket } from "../../../core/stats/stats.ts";
import { bytes, number, STATUS_CODES, text, type Row } from "../codec/rows.ts";
import { decodeLatency } from "./latency-blob.ts";
import {
	ACCEPTED,
	ATTEMPTS_FAILED,
	ATTEMPTS_SUCCEEDED,
	EXHAUSTED,
	SUCCEEDED,
	type MinuteChanges,
} from "./stats-changes.ts";
import type { Figure } from "./stats-sums.ts";

/** In the order of the status codes. */
export const STATUS_COUNT_COLUMNS = "pending, succeeded, failed, held, cancelled";

/** The one text of a row such as `SELECT … AS hex`. */
export function hexOf(row: Row): string {
	return text(row["hex"]);
}

/** Of a row of the journal. */
export function toMinuteChanges(row: Row): readonly MinuteChanges[] {
	return JSON.parse(text(row["changes"])) as MinuteChanges[];
}

export function toFigureState(row: Row | undefined): { through: number; lastSeq: number } {
	return { through: number(row?.["through"]), lastSeq: number(row?.["last_seq"]) };
}

export function toOpenCounts(row: Row | undefined): { Pending: number; Held: number } {
	return { Pending: number(row?.["pending"]), Held: number(row?.["held"]) };
}

/** Where a row of `stats` begins. */
export function statsStart(row: Row): number {
	return number(row["start"]);
}

/** Adds a row of `stats` to a figure, in place. */
export function addStatsRow({ counts, latency }: Figure, row: Row): void {
	for (const [index, column] of COUNTERS.entries()) counts[index] = (counts[index] ?? 0) + number(row[column]);
	decodeLatency(bytes(row["latency"]), (bucket, count) => latency.set(bucket, (latency.get(bucket) ?? 0) + count));
}

/** In the order of figure-changes.ts. */
const COUNTERS = ["accepted", "attempts_succeeded", "attempts_failed", "succeeded", "exhausted"] as const;

export function toBucket(start: number, { counts, latency }: Figure): StatsBucket {
	const latencyCounts = emptyLatencyCounts();
	// Should there ever be fewer buckets, what an older program wrote counts as the last.
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

/** A row of `status_counts` and what was moved since, by the status codes. */
export function toStatusCounts(row: Row | undefined, moves: readonly number[]): Record<DeliveryStatus, number> {
	const count = (status: DeliveryStatus): number => {
		const settled = row === undefined ? 0 : number(row[status.toLowerCase()]);
		return settled + (moves[STATUS_CODES[status]] ?? 0);
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
