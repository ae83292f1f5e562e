// The changes of the stats in one transaction: collected in memory while it runs, then written as one row of the journal.
import { DELIVERY_STATUSES, type DeliveryStatus } from "../../../core/delivery.ts";
import { latencyBucket } from "../../../core/stats/latency-histogram.ts";
import { STATS_WIDTHS_MS } from "../../../core/stats/stats.ts";
import { STATUS_CODES } from "../codec/delivery-rows.ts";

// The index of each counter among the counts. Permanent: the journal on disk has the counts in this order.
export const ACCEPTED = 0;
export const ATTEMPTS_SUCCEEDED = 1;
export const ATTEMPTS_FAILED = 2;
export const SUCCEEDED = 3;
export const EXHAUSTED = 4;
/** The columns of the counters in table `stats`, by their indexes. */
export const COUNTER_COLUMNS = ["accepted", "attempts_succeeded", "attempts_failed", "succeeded", "exhausted"] as const;
export const COUNTER_COUNT = COUNTER_COLUMNS.length;
/** After the counters comes, for each status by its code, the change of the number of deliveries in it. */
export const COUNT_COUNT = COUNTER_COUNT + DELIVERY_STATUSES.length;

/** A webhook: its counts, and its latencies as pairs (a bucket of the histogram, then its count), one after the other. */
export type WebhookEntry = readonly [id: string, counts: number[], latencies: number[]];
/** A project: the number of events that it accepted. All other counts are sums over its webhooks. */
export type ProjectEntry = [id: string, accepted: number];

/** The changes of one minute. Webhooks and projects are named by the bytes of their ids in hex. */
export interface MinuteChanges {
	readonly minute: number;
	readonly webhooks: readonly WebhookEntry[];
	readonly projects: readonly ProjectEntry[];
}

/** The changes of the stats in one transaction. Ids are those of `idHex`. */
export class StatsChanges {
	readonly #minutes: MinuteEntries[] = [];
	/** Nearly always, all changes of a transaction belong to one minute. */
	#last: MinuteEntries | null = null;

	/** Counts an event that a project accepted. */
	eventAccepted(project: string, at: number): void {
		this.#at(at).project(project)[1]++;
	}

	/** Counts a delivery of an event that is being accepted. */
	deliveryAccepted(webhook: string, at: number, status: DeliveryStatus): void {
		const [, counts] = this.#at(at).webhook(webhook);
		increase(counts, ACCEPTED, 1);
		move(counts, null, status, 1);
	}

	/** Counts an attempt. `latencyMs` is null if it says nothing about how fast the receiver responds. */
	attempted(webhook: string, at: number, success: boolean, latencyMs: number | null): void {
		const [, counts, latencies] = this.#at(at).webhook(webhook);
		increase(counts, success ? ATTEMPTS_SUCCEEDED : ATTEMPTS_FAILED, 1);
		if (latencyMs !== null) latencies.push(latencyBucket(latencyMs), 1);
	}

	/**
	 * Counts deliveries that change from one status to another. `from` null: they are new; `to` null: they are deleted. Every call
	 * that inserts, changes or deletes deliveries must report it here.
	 */
	moved(webhook: string, at: number, from: DeliveryStatus | null, to: DeliveryStatus | null, times = 1): void {
		if (from !== to) move(this.#at(at).webhook(webhook)[1], from, to, times);
	}

	/** The changes by minute; empty if nothing changed. */
	list(): readonly MinuteChanges[] {
		return this.#minutes.map(({ minute, webhooks, projects }) => ({ minute, webhooks, projects }));
	}

	#at(at: number): MinuteEntries {
		// A comparison, since `%` of a number this large takes 0.2 µs.
		const last = this.#last;
		if (last !== null && at >= last.minute && at < last.minute + STATS_WIDTHS_MS.minute) return last;
		const minute = at - (at % STATS_WIDTHS_MS.minute);
		const known = this.#minutes.find((entries) => entries.minute === minute);
		this.#last = known ?? new MinuteEntries(minute);
		if (known === undefined) this.#minutes.push(this.#last);
		return this.#last;
	}
}

/** The entries of one minute. `webhook` and `project` add an entry if it is missing. */
class MinuteEntries implements MinuteChanges {
	readonly minute: number;
	readonly webhooks: WebhookEntry[] = [];
	readonly projects: ProjectEntry[] = [];
	readonly #webhooks = new Map<string, WebhookEntry>();
	#last: WebhookEntry | null = null;

	constructor(minute: number) {
		this.minute = minute;
	}

	webhook(id: string): WebhookEntry {
		if (this.#last?.[0] === id) return this.#last;
		let entry = this.#webhooks.get(id);
		if (entry === undefined) {
			entry = [id, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], []];
			this.#webhooks.set(id, entry);
			this.webhooks.push(entry);
		}
		this.#last = entry;
		return entry;
	}

	/** A linear search, since a transaction is about few projects. */
	project(id: string): ProjectEntry {
		const known = this.projects.find((entry) => entry[0] === id);
		if (known !== undefined) return known;
		const entry: ProjectEntry = [id, 0];
		this.projects.push(entry);
		return entry;
	}
}

function move(counts: number[], from: DeliveryStatus | null, to: DeliveryStatus | null, times: number): void {
	if (from !== null) increase(counts, COUNTER_COUNT + STATUS_CODES[from], -times);
	if (to !== null) increase(counts, COUNTER_COUNT + STATUS_CODES[to], times);
	if (to === "Succeeded") increase(counts, SUCCEEDED, times);
	else if (to === "Failed") increase(counts, EXHAUSTED, times);
}

function increase(counts: number[], index: number, by: number): void {
	counts[index] = (counts[index] ?? 0) + by;
}
