// Facts of live streams that wait to be written for other processes, divided by topic: a project, or the customers of one.
import type { SharedFact } from "../../../../ports/live-wire.ts";
import type { Publication } from "./live-rows.ts";

/** Facts that wait at most, of all topics. */
const MAX_WAITING = 2_000;

/** When there is no room, the topic that has most loses what waits of it: its watchers are told that they miss some, and others miss nothing. */
export class WaitingFacts {
	readonly #max: number;
	readonly #facts = new Map<string, SharedFact[]>();
	readonly #lost = new Set<string>();
	#count = 0;

	/** With room for `max`. Defaults to 2,000. */
	constructor(max = MAX_WAITING) {
		this.#max = max;
	}

	/** Whether there is nothing to write. */
	get isEmpty(): boolean {
		return this.#count + this.#lost.size === 0;
	}

	add(topic: string, fact: SharedFact): void {
		if (this.#count >= this.#max && !this.#makeRoom(topic)) {
			this.#lost.add(topic);
			return;
		}
		this.#count++;
		const facts = this.#facts.get(topic);
		if (facts === undefined) this.#facts.set(topic, [fact]);
		else facts.push(fact);
	}

	/** Facts of a topic were lost in another way. */
	lose(topic: string): void {
		this.#lost.add(topic);
	}

	/** What is to be written, for each topic its facts, and then that some were lost. Afterwards there is nothing. */
	take(): Publication[] {
		const all: Publication[] = [
			...[...this.#facts].map(([topic, facts]) => ({ topic, facts })),
			...[...this.#lost].map((topic) => ({ topic, facts: null })),
		];
		this.#facts.clear();
		this.#lost.clear();
		this.#count = 0;
		return all;
	}

	/** Drops the facts of the topic that has most, unless that is this one, or as many as this one would have. */
	#makeRoom(topic: string): boolean {
		// It has had its part already.
		if (this.#lost.has(topic)) return false;
		let [most, count] = [topic, (this.#facts.get(topic)?.length ?? 0) + 1];
		for (const [other, { length }] of this.#facts) if (length > count) [most, count] = [other, length];
		if (most === topic) return false;
		this.#facts.delete(most);
		this.#count -= count;
		this.#lost.add(most);
		return true;
	}
}
