// Sums of changes: by webhook or project, named by the bytes of its id in hex, and by minute.
import { ACCEPTED, COUNT_COUNT, type MinuteChanges, type ProjectEntry, type WebhookEntry } from "./stats-changes.ts";

/** The stats of one owner (a webhook or a project) in one minute, or in a longer period. */
export interface PeriodStats {
	/** stats-changes.ts defines the counter at each index. */
	readonly counts: number[];
	/** Counts by bucket of the histogram; most of its hundred buckets are empty. */
	readonly latency: Map<number, number>;
}

type Minutes = ReadonlyMap<number, PeriodStats>;

const NO_MINUTES: Minutes = new Map<number, PeriodStats>();

/** The sums of some changes. */
export class StatsSums {
	readonly #projectOf: (webhook: string) => string | null;
	readonly #webhooks = new OwnerSums();
	/** Only the events that projects accepted: all other counts are sums over their webhooks. */
	readonly #projects = new OwnerSums();

	/** `projectOf` returns the project of a webhook, or null if the webhook has been deleted completely. */
	constructor(projectOf: (webhook: string) => string | null) {
		this.#projectOf = projectOf;
	}

	/** The number of minutes, over all webhooks and projects. */
	get size(): number {
		return this.#webhooks.size + this.#projects.size;
	}

	webhook(id: string): Minutes {
		return this.#webhooks.of(id);
	}

	/** Computed on demand, and not as the journal grows: the stats of projects are read rarely. */
	project(id: string): Minutes {
		const sums = new OwnerSums();
		sums.addMinutes(id, this.#projects.of(id), ACCEPTED);
		for (const [webhook, minutes] of this.#webhooks) {
			if (this.#projectOf(webhook) === id) sums.addMinutes(id, minutes, ACCEPTED + 1);
		}
		return sums.of(id);
	}

	/** Every webhook and every project. */
	owners(): Iterable<readonly [owner: string, minutes: Minutes]> {
		const sums = new OwnerSums();
		for (const [id, minutes] of this.#projects) sums.addMinutes(id, minutes, ACCEPTED);
		for (const [webhook, minutes] of this.#webhooks) {
			const project = this.#projectOf(webhook);
			// A project accepts an event once, however many webhooks get it.
			if (project !== null) sums.addMinutes(project, minutes, ACCEPTED + 1);
		}
		return [...this.#webhooks, ...sums];
	}

	add(changes: readonly MinuteChanges[]): void {
		for (const { minute, webhooks, projects } of changes) {
			for (const [id, counts, latencies] of webhooks) {
				const stats = this.#webhooks.at(id, minute);
				for (let index = 0; index < COUNT_COUNT; index++) increase(stats.counts, index, counts[index]);
				for (let at = 0; at < latencies.length; at += 2) {
					addLatency(stats.latency, latencies[at] ?? 0, latencies[at + 1] ?? 0);
				}
			}
			for (const [id, accepted] of projects) increase(this.#projects.at(id, minute).counts, ACCEPTED, accepted);
		}
	}

	/** Subtracts other sums, all of which must be contained in these. */
	subtract(other: StatsSums): void {
		this.#webhooks.subtract(other.#webhooks);
		this.#projects.subtract(other.#projects);
	}

	/** A copy of the first `limit` minutes, or some more: no owner's minutes are divided. */
	some(limit: number): StatsSums {
		const some = new StatsSums(this.#projectOf);
		for (const [owners, taken] of [
			[this.#webhooks, some.#webhooks],
			[this.#projects, some.#projects],
		] as const) {
			for (const [id, minutes] of owners) {
				if (some.size >= limit) return some;
				for (const [minute, stats] of minutes) addStats(taken.at(id, minute), stats);
			}
		}
		return some;
	}

	/** The sums in the form of a row of the journal. */
	list(): readonly MinuteChanges[] {
		const minutes = new Map<number, { webhooks: WebhookEntry[]; projects: ProjectEntry[] }>();
		const listed = (minute: number) => {
			const known = minutes.get(minute) ?? { webhooks: [], projects: [] };
			minutes.set(minute, known);
			return known;
		};
		for (const [id, of] of this.#webhooks) {
			for (const [minute, { counts, latency }] of of) listed(minute).webhooks.push([id, counts, [...latency].flat()]);
		}
		for (const [id, of] of this.#projects) {
			for (const [minute, { counts }] of of) listed(minute).projects.push([id, counts[ACCEPTED] ?? 0]);
		}
		return [...minutes].map(([minute, lists]) => ({ minute, ...lists }));
	}
}

/** Stats by owner and minute. */
class OwnerSums {
	readonly #owners = new Map<string, Map<number, PeriodStats>>();
	#size = 0;

	get size(): number {
		return this.#size;
	}

	[Symbol.iterator](): IterableIterator<[string, Minutes]> {
		return this.#owners.entries();
	}

	of(id: string): Minutes {
		return this.#owners.get(id) ?? NO_MINUTES;
	}

	/** The stats of an owner and minute, which are added if they are missing. */
	at(id: string, minute: number): PeriodStats {
		return this.#owners.get(id)?.get(minute) ?? this.put(id, minute, emptyStats());
	}

	put(id: string, minute: number, stats: PeriodStats): PeriodStats {
		let minutes = this.#owners.get(id);
		if (minutes === undefined) this.#owners.set(id, (minutes = new Map()));
		if (!minutes.has(minute)) this.#size++;
		minutes.set(minute, stats);
		return stats;
	}

	addMinutes(id: string, minutes: Minutes, firstCount: number): void {
		for (const [minute, stats] of minutes) addStats(this.at(id, minute), stats, firstCount);
	}

	subtract(other: OwnerSums): void {
		for (const [id, taken] of other) {
			for (const [minute, stats] of taken) {
				const { counts, latency } = this.at(id, minute);
				for (const [index, count] of stats.counts.entries()) increase(counts, index, -count);
				for (const [bucket, count] of stats.latency) addLatency(latency, bucket, -count);
				if (counts.every((count) => count === 0)) this.#remove(id, minute);
			}
		}
	}

	#remove(id: string, minute: number): void {
		const minutes = this.#owners.get(id);
		if (minutes?.delete(minute) === true) this.#size--;
		if (minutes?.size === 0) this.#owners.delete(id);
	}
}

export function emptyStats(): PeriodStats {
	return { counts: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], latency: new Map() };
}

/** Adds stats to `sum`, in place; of the counts only those from index `first` on. */
export function addStats(sum: PeriodStats, { counts, latency }: PeriodStats, first = ACCEPTED): void {
	for (let index = first; index < COUNT_COUNT; index++) increase(sum.counts, index, counts[index]);
	for (const [bucket, count] of latency) addLatency(sum.latency, bucket, count);
}

function increase(numbers: number[], index: number, by = 0): void {
	numbers[index] = (numbers[index] ?? 0) + by;
}

function addLatency(latency: Map<number, number>, bucket: number, by: number): void {
	const count = (latency.get(bucket) ?? 0) + by;
	if (count === 0) latency.delete(bucket);
	else latency.set(bucket, count);
}
