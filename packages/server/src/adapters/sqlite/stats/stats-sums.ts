// Rows of the journal added up: by webhook or project, named by its id's bytes in hex, and by minute.
import { ACCEPTED, COUNT_COUNT, type MinuteChanges, type ProjectEntry, type WebhookEntry } from "./stats-changes.ts";

/** What happened in one minute, or in a longer time. */
export interface Figure {
	readonly counts: number[];
	/** Counts by bucket of the histogram; of its hundred, most have none. */
	readonly latency: Map<number, number>;
}

type Minutes = ReadonlyMap<number, Figure>;

const NOTHING: Minutes = new Map<number, Figure>();

export class Tally {
	readonly #projectOf: (webhook: string) => string | null;
	readonly #webhooks = new Owners();
	/** What projects have beside the sum over their webhooks. */
	readonly #projects = new Owners();

	/** `projectOf` gives the project of a webhook, null if the webhook is gone without a trace. */
	constructor(projectOf: (webhook: string) => string | null) {
		this.#projectOf = projectOf;
	}

	/** How many minutes of webhooks and projects there are. */
	get size(): number {
		return this.#webhooks.size + this.#projects.size;
	}

	webhook(id: string): Minutes {
		return this.#webhooks.of(id);
	}

	/** Added up here and not as the journal grows: projects are seldom asked for. */
	project(id: string): Minutes {
		const sums = new Owners();
		sums.addMinutes(id, this.#projects.of(id), ACCEPTED);
		for (const [webhook, minutes] of this.#webhooks) {
			if (this.#projectOf(webhook) === id) sums.addMinutes(id, minutes, ACCEPTED + 1);
		}
		return sums.of(id);
	}

	/** Every webhook and every project. */
	owners(): Iterable<readonly [owner: string, minutes: Minutes]> {
		const sums = new Owners();
		for (const [id, minutes] of this.#projects) sums.addMinutes(id, minutes, ACCEPTED);
		for (const [webhook, minutes] of this.#webhooks) {
			const project = this.#projectOf(webhook);
			// A project accepts an event once, to however many webhooks it goes.
			if (project !== null) sums.addMinutes(project, minutes, ACCEPTED + 1);
		}
		return [...this.#webhooks, ...sums];
	}

	add(changes: readonly MinuteChanges[]): void {
		for (const { minute, webhooks, projects } of changes) {
			for (const [id, counts, latencies] of webhooks) {
				const figure = this.#webhooks.at(id, minute);
				for (let index = 0; index < COUNT_COUNT; index++) increase(figure.counts, index, counts[index]);
				for (let at = 0; at < latencies.length; at += 2) {
					addLatency(figure.latency, latencies[at] ?? 0, latencies[at + 1] ?? 0);
				}
			}
			for (const [id, accepted] of projects) increase(this.#projects.at(id, minute).counts, ACCEPTED, accepted);
		}
	}

	/** Takes out what another tally has, all of which is in this one. */
	subtract(other: Tally): void {
		this.#webhooks.subtract(other.#webhooks);
		this.#projects.subtract(other.#projects);
	}

	/** The first `limit` minutes of webhooks and projects, which stay in this one too. */
	some(limit: number): Tally {
		const some = new Tally(this.#projectOf);
		for (const [owners, taken] of [
			[this.#webhooks, some.#webhooks],
			[this.#projects, some.#projects],
		] as const) {
			for (const [id, minutes] of owners) {
				if (some.size >= limit) return some;
				for (const [minute, figure] of minutes) addFigure(taken.at(id, minute), figure);
			}
		}
		return some;
	}

	/** As a row of the journal. */
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

/** Figures by owner and minute. */
class Owners {
	readonly #owners = new Map<string, Map<number, Figure>>();
	#size = 0;

	get size(): number {
		return this.#size;
	}

	[Symbol.iterator](): IterableIterator<[string, Minutes]> {
		return this.#owners.entries();
	}

	of(id: string): Minutes {
		return this.#owners.get(id) ?? NOTHING;
	}

	at(id: string, minute: number): Figure {
		return this.#owners.get(id)?.get(minute) ?? this.put(id, minute, emptyFigure());
	}

	put(id: string, minute: number, figure: Figure): Figure {
		let minutes = this.#owners.get(id);
		if (minutes === undefined) this.#owners.set(id, (minutes = new Map()));
		if (!minutes.has(minute)) this.#size++;
		minutes.set(minute, figure);
		return figure;
	}

	addMinutes(id: string, minutes: Minutes, firstCount: number): void {
		for (const [minute, figure] of minutes) addFigure(this.at(id, minute), figure, firstCount);
	}

	subtract(other: Owners): void {
		for (const [id, taken] of other) {
			for (const [minute, figure] of taken) {
				const { counts, latency } = this.at(id, minute);
				for (const [index, count] of figure.counts.entries()) increase(counts, index, -count);
				for (const [bucket, count] of figure.latency) addLatency(latency, bucket, -count);
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

export function emptyFigure(): Figure {
	return { counts: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], latency: new Map() };
}

/** Adds a figure to that of a longer time, in place; of the counts only those from `first` on. */
export function addFigure(sum: Figure, { counts, latency }: Figure, first = ACCEPTED): void {
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
