// Sums of changes of the stats: by minute, and in it by webhook or project, named by its number. The changes of one transaction
// have this form, an entry of the journal, and the sum of many entries.
import { DELIVERY_STATUSES } from "../../../core/delivery.ts";

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

/** The stats of one owner (a webhook or a project) in one minute, or in a longer period. */
export interface PeriodStats {
	readonly counts: number[];
	/** Counts above 0 by bucket of the histogram, most of whose hundred buckets are empty. Null: none at all. */
	latency: Map<number, number> | null;
	/** Failed attempts by the number of their cause. Null: none. */
	causes: Map<number, number> | null;
	/** The number of the delivery whose attempt was recorded last; 0: none. No sum: later changes replace it. A project has none. */
	lastAttempt: number;
}

export interface MinuteSums {
	readonly webhooks: Map<number, PeriodStats>;
	/** The events that projects accepted. All other counts of a project are sums over its webhooks. */
	readonly projects: Map<number, number>;
}

/** Finds the project of a webhook; null if the webhook has been deleted completely. */
export type ProjectOf = (webhook: number) => number | null;

export class StatsSums {
	readonly #minutes = new Map<number, MinuteSums>();
	/** By how many bytes what projects have stored has grown; see stored-totals.ts. */
	readonly stored = new Map<number, number>();

	/** By the start of the minute. */
	get minutes(): ReadonlyMap<number, MinuteSums> {
		return this.#minutes;
	}

	/** The number of webhooks and projects, over all minutes, and of projects whose stored bytes have changed. */
	get size(): number {
		let size = this.stored.size;
		for (const { webhooks, projects } of this.#minutes.values()) size += webhooks.size + projects.size;
		return size;
	}

	/** The sums of a minute, which are added if they are missing. */
	at(minute: number): MinuteSums {
		let sums = this.#minutes.get(minute);
		if (sums === undefined) this.#minutes.set(minute, (sums = { webhooks: new Map(), projects: new Map() }));
		return sums;
	}

	*webhook(number: number): Iterable<readonly [minute: number, stats: PeriodStats]> {
		for (const [minute, { webhooks }] of this.#minutes) {
			const stats = webhooks.get(number);
			if (stats !== undefined) yield [minute, stats];
		}
	}

	/** The sums of all projects or of one, computed on demand and not as the journal grows: they are read rarely. */
	*projects(
		projectOf: ProjectOf,
		only: number | null = null,
	): Iterable<readonly [minute: number, stats: PeriodStats, project: number]> {
		for (const [minute, { webhooks, projects }] of this.#minutes) {
			const sums = new Map<number, PeriodStats>();
			for (const [id, accepted] of projects) {
				if (only === null || id === only) increase(statsOf(sums, id).counts, ACCEPTED, accepted);
			}
			for (const [webhook, stats] of webhooks) {
				const project = projectOf(webhook);
				if (project === null || (only !== null && project !== only)) continue;
				// A project accepts an event once, however many webhooks get it.
				addCounts(statsOf(sums, project), stats, ACCEPTED + 1);
			}
			for (const [id, stats] of sums) yield [minute, stats, id];
		}
	}

	/** Adds other sums and takes over parts of them: don't use them afterwards. */
	absorb(other: StatsSums): void {
		for (const [minute, { webhooks, projects }] of other.minutes) {
			const sums = this.at(minute);
			for (const [id, stats] of webhooks) {
				const known = sums.webhooks.get(id);
				if (known === undefined) sums.webhooks.set(id, stats);
				else addStats(known, stats);
			}
			for (const [id, accepted] of projects) sums.projects.set(id, (sums.projects.get(id) ?? 0) + accepted);
		}
		for (const [id, bytes] of other.stored) this.#addStored(id, bytes);
	}

	/** Subtracts other sums, all of which must be contained in these. What becomes 0 is removed. */
	subtract(other: StatsSums): void {
		for (const [minute, { webhooks, projects }] of other.minutes) {
			const sums = this.at(minute);
			for (const [id, taken] of webhooks) {
				const stats = statsOf(sums.webhooks, id);
				for (const [index, count] of taken.counts.entries()) increase(stats.counts, index, -count);
				for (const [bucket, count] of taken.latency ?? []) addLatency(stats, bucket, -count);
				for (const [cause, count] of taken.causes ?? []) addCause(stats, cause, -count);
				if (stats.counts.every((count) => count === 0)) sums.webhooks.delete(id);
			}
			for (const [id, taken] of projects) {
				const rest = (sums.projects.get(id) ?? 0) - taken;
				if (rest === 0) sums.projects.delete(id);
				else sums.projects.set(id, rest);
			}
			if (sums.webhooks.size + sums.projects.size === 0) this.#minutes.delete(minute);
		}
		for (const [id, taken] of other.stored) this.#addStored(id, -taken);
	}

	#addStored(project: number, bytes: number): void {
		const sum = (this.stored.get(project) ?? 0) + bytes;
		if (sum === 0) this.stored.delete(project);
		else this.stored.set(project, sum);
	}

	/** A copy of the first `limit` webhooks and projects. */
	some(limit: number): StatsSums {
		const some = new StatsSums();
		let left = limit;
		for (const [id, bytes] of this.stored) {
			if (left-- <= 0) return some;
			some.stored.set(id, bytes);
		}
		for (const [minute, { webhooks, projects }] of this.#minutes) {
			for (const [id, stats] of webhooks) {
				if (left-- <= 0) return some;
				addStats(statsOf(some.at(minute).webhooks, id), stats);
			}
			for (const [id, accepted] of projects) {
				if (left-- <= 0) return some;
				some.at(minute).projects.set(id, accepted);
			}
		}
		return some;
	}
}

export function emptyStats(): PeriodStats {
	return { counts: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], latency: null, causes: null, lastAttempt: 0 };
}

/** The stats at a key of `all`, which are added if they are missing. */
export function statsOf<Key>(all: Map<Key, PeriodStats>, key: Key): PeriodStats {
	let stats = all.get(key);
	if (stats === undefined) all.set(key, (stats = emptyStats()));
	return stats;
}

/** Adds later stats of the same webhook or project to `sum`, in place. */
export function addStats(sum: PeriodStats, stats: PeriodStats): void {
	addCounts(sum, stats, ACCEPTED);
	if (stats.lastAttempt !== 0) sum.lastAttempt = stats.lastAttempt;
}

/** Adds the counts from index `first` on, the latencies and the causes. */
function addCounts(sum: PeriodStats, { counts, latency, causes }: PeriodStats, first: number): void {
	for (let index = first; index < COUNT_COUNT; index++) increase(sum.counts, index, counts[index]);
	if (latency !== null) for (const [bucket, count] of latency) addLatency(sum, bucket, count);
	if (causes !== null) for (const [cause, count] of causes) addCause(sum, cause, count);
}

/** Adds `by` to a bucket of the histogram, in place. */
export function addLatency(stats: PeriodStats, bucket: number, by: number): void {
	addToCount((stats.latency ??= new Map()), bucket, by);
}

/** Adds `by` failed attempts with a cause, in place. */
export function addCause(stats: PeriodStats, cause: number, by: number): void {
	addToCount((stats.causes ??= new Map()), cause, by);
}

function addToCount(counts: Map<number, number>, key: number, by: number): void {
	const count = (counts.get(key) ?? 0) + by;
	if (count === 0) counts.delete(key);
	else counts.set(key, count);
}

export function increase(counts: number[], index: number, by = 0): void {
	counts[index] = (counts[index] ?? 0) + by;
}
