// What one transaction changes of the figures: gathered in memory while it runs, then one row of the journal.
import type { DeliveryStatus } from "../../../core/delivery.ts";
import { latencyBucket } from "../../../core/stats/latency-histogram.ts";
import { STATS_WIDTHS_MS } from "../../../core/stats/stats.ts";
import { STATUS_CODES } from "../codec/rows.ts";

// Where each number stands among the counts, in the journal and in the table; on disk for good.
export const ACCEPTED = 0;
export const ATTEMPTS_SUCCEEDED = 1;
export const ATTEMPTS_FAILED = 2;
export const SUCCEEDED = 3;
export const EXHAUSTED = 4;
/** So many are of a minute. After them comes, for each status by its code, how many deliveries more or fewer are in it. */
export const COUNTER_COUNT = 5;
export const COUNT_COUNT = COUNTER_COUNT + 5;
export const COUNTER_COLUMNS = "accepted, attempts_succeeded, attempts_failed, succeeded, exhausted";

/** A webhook: its counts, and its latencies as pairs of a bucket of the histogram and a count, one pair after the other. */
export type WebhookEntry = readonly [id: string, counts: number[], latencies: number[]];
/** A project: how many events it has accepted. All else is the sum over its webhooks. */
export type ProjectEntry = [id: string, accepted: number];

/** What has changed in one minute. Webhooks and projects are named by their ids' bytes in hex. */
export interface MinuteChanges {
	readonly minute: number;
	readonly webhooks: readonly WebhookEntry[];
	readonly projects: readonly ProjectEntry[];
}

/** The figures' changes of one transaction. Ids are those of `idHex`. */
export class FigureChanges {
	readonly #minutes: MinuteEntries[] = [];
	/** Nearly always all of a transaction is of one minute. */
	#last: MinuteEntries | null = null;

	/** A project has accepted an event. */
	eventAccepted(project: string, at: number): void {
		this.#at(at).project(project)[1]++;
	}

	/** A delivery was made for an event that was just accepted. */
	deliveryAccepted(webhook: string, at: number, status: DeliveryStatus): void {
		const [, counts] = this.#at(at).webhook(webhook);
		increase(counts, ACCEPTED, 1);
		move(counts, null, status, 1);
	}

	/** An attempt has ended. `latencyMs` is null if it says nothing about how fast the receiver answers. */
	attempted(webhook: string, at: number, success: boolean, latencyMs: number | null): void {
		const [, counts, latencies] = this.#at(at).webhook(webhook);
		increase(counts, success ? ATTEMPTS_SUCCEEDED : ATTEMPTS_FAILED, 1);
		if (latencyMs !== null) latencies.push(latencyBucket(latencyMs), 1);
	}

	/**
	 * Deliveries have come from one status to another; null stands for not being there. Whoever writes, makes or deletes
	 * deliveries must say so here.
	 */
	moved(webhook: string, at: number, from: DeliveryStatus | null, to: DeliveryStatus | null, times = 1): void {
		if (from !== to) move(this.#at(at).webhook(webhook)[1], from, to, times);
	}

	/** What is to be written; nothing if nothing has changed. */
	list(): readonly MinuteChanges[] {
		return this.#minutes.map(({ minute, webhooks, projects }) => ({ minute, webhooks, projects }));
	}

	#at(at: number): MinuteEntries {
		// By comparing, since `%` of so large a number takes 0.2 µs.
		const last = this.#last;
		if (last !== null && at >= last.minute && at < last.minute + STATS_WIDTHS_MS.minute) return last;
		const minute = at - (at % STATS_WIDTHS_MS.minute);
		const known = this.#minutes.find((entries) => entries.minute === minute);
		this.#last = known ?? new MinuteEntries(minute);
		if (known === undefined) this.#minutes.push(this.#last);
		return this.#last;
	}
}

/** Finds an entry by its id, or makes it. */
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

	/** By looking through the list: few projects share a transaction, and hardly ever many. */
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
