// The changes of the stats in one transaction: what the calls of the store report while it runs.
import type { DeliveryStatus } from "../../../core/delivery.ts";
import { NO_CAUSE } from "../../../core/log/attempt-cause.ts";
import { latencyBucket } from "../../../core/stats/latency-histogram.ts";
import { STATS_WIDTHS_MS } from "../../../core/stats/stats.ts";
import { STATUS_CODES } from "../codec/delivery-rows.ts";
import {
	ACCEPTED,
	addCause,
	addLatency,
	ATTEMPTS_FAILED,
	ATTEMPTS_SUCCEEDED,
	COUNTER_COUNT,
	EXHAUSTED,
	increase,
	statsOf,
	StatsSums,
	SUCCEEDED,
	type MinuteSums,
	type PeriodStats,
} from "./stats-sums.ts";

/** What is counted of an attempt. */
export interface AttemptCounts {
	readonly success: boolean;
	readonly latencyMs: number | null;
	readonly cause: number;
}

/** Webhooks and projects are named by their numbers. */
export class StatsChanges {
	/** The sums of the changes so far; empty if nothing changed. */
	readonly sums = new StatsSums();
	/** Nearly always, all changes of a transaction belong to one minute, and those of one webhook come one after the other. */
	#minute = -1;
	#minuteSums: MinuteSums | null = null;

	/** Counts an event that a project accepted. */
	eventAccepted(project: number, at: number): void {
		const { projects } = this.#at(at);
		projects.set(project, (projects.get(project) ?? 0) + 1);
	}

	/** Counts a delivery of an event that is being accepted. */
	deliveryAccepted(webhook: number, at: number, status: DeliveryStatus): void {
		const { counts } = this.#webhook(webhook, at);
		increase(counts, ACCEPTED, 1);
		move(counts, null, status, 1);
	}

	/**
	 * Counts an attempt of the delivery with the number `seq`. `latencyMs` is null if it says nothing about how fast the receiver
	 * responds. `cause` is the number of the cause of a failure, or `NO_CAUSE`.
	 */
	attempted(webhook: number, seq: number, at: number, { success, latencyMs, cause }: AttemptCounts): void {
		const stats = this.#webhook(webhook, at);
		stats.lastAttempt = seq;
		increase(stats.counts, success ? ATTEMPTS_SUCCEEDED : ATTEMPTS_FAILED, 1);
		if (latencyMs !== null) addLatency(stats, latencyBucket(latencyMs), 1);
		if (cause !== NO_CAUSE) addCause(stats, cause, 1);
	}

	/**
	 * Counts deliveries that change from one status to another. `from` null: they are new; `to` null: they are deleted. Every call
	 * that inserts, changes or deletes deliveries must report it here.
	 */
	moved(webhook: number, at: number, from: DeliveryStatus | null, to: DeliveryStatus | null, times = 1): void {
		if (from !== to) move(this.#webhook(webhook, at).counts, from, to, times);
	}

	/** Counts bytes that a project has stored, or (negative) that were deleted. Every call that inserts or deletes them must report it here. */
	storedBytes(project: number, bytes: number): void {
		// A change of nothing leaves nothing in the journal.
		if (bytes === 0) return;
		const { stored } = this.sums;
		stored.set(project, (stored.get(project) ?? 0) + bytes);
	}

	#webhook(webhook: number, at: number): PeriodStats {
		return statsOf(this.#at(at).webhooks, webhook);
	}

	#at(at: number): MinuteSums {
		// A comparison, since `%` of a number this large takes 0.2 µs.
		const isSame = at >= this.#minute && at < this.#minute + STATS_WIDTHS_MS.minute;
		if (isSame && this.#minuteSums !== null) return this.#minuteSums;
		this.#minute = at - (at % STATS_WIDTHS_MS.minute);
		this.#minuteSums = this.sums.at(this.#minute);
		return this.#minuteSums;
	}
}

function move(counts: number[], from: DeliveryStatus | null, to: DeliveryStatus | null, times: number): void {
	if (from !== null) increase(counts, COUNTER_COUNT + STATUS_CODES[from], -times);
	if (to !== null) increase(counts, COUNTER_COUNT + STATUS_CODES[to], times);
	if (to === "Succeeded") increase(counts, SUCCEEDED, times);
	else if (to === "Failed") increase(counts, EXHAUSTED, times);
}
