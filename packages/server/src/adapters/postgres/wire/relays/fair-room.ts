// Room for the bytes of requests, divided between projects.
import { shareOf } from "../../../../core/policies/share.ts";

/** A project has at most its share of what the others leave free, so that some is left for the next one. */
export class FairRoom {
	readonly #max: number;
	readonly #taken = new Map<string, number>();
	#total = 0;

	constructor(max: number) {
		this.#max = max;
	}

	/** Takes room for a project. Returns false if there is none for it now. */
	take(projectId: string, bytes: number): boolean {
		const own = this.#taken.get(projectId) ?? 0;
		if (this.#total + bytes > this.#max) return false;
		if (own > 0 && own + bytes > shareOf(this.#max, this.#total, own)) return false;
		this.#taken.set(projectId, own + bytes);
		this.#total += bytes;
		return true;
	}

	giveBack(projectId: string, bytes: number): void {
		const rest = (this.#taken.get(projectId) ?? 0) - bytes;
		if (rest > 0) this.#taken.set(projectId, rest);
		else this.#taken.delete(projectId);
		this.#total -= bytes;
	}
}

/** Takes one from each project in turn, in the order that they have, until `take` refuses one of each or there are none left. */
export function inTurn<T>(all: readonly T[], projectOf: (one: T) => string, take: (one: T) => boolean): T[] {
	const taken: T[] = [];
	let projects = [...Map.groupBy(all, projectOf).values()].map((ones) => ones.toReversed());
	while (projects.length > 0) {
		const rest: T[][] = [];
		for (const ones of projects) {
			const one = ones.pop();
			if (one === undefined || !take(one)) continue;
			taken.push(one);
			if (ones.length > 0) rest.push(ones);
		}
		projects = rest;
	}
	return taken;
}
