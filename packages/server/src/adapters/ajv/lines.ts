// The checks that wait for the thread: a line for each project. Projects are served in turn, by the CPU time that their checks
// take, so that slow schemas of one project delay only its own checks.
import { LRUCache } from "lru-cache";

/** A check, as the lines need it. */
export interface Waiting {
	readonly projectId: string;
	/** The length of its data. */
	readonly length: number;
}

/** The time that a project gets in each round. */
const QUANTUM_MS = 10;
/** A check whose cost is not known yet: most take less than a tenth of this. */
const EXPECTED_MS = 0.2;
/** How much of its last checks a project must make up for at most, and for how many projects that is remembered. */
const MAX_DEBT_MS = 10_000;
const REMEMBERED_PROJECTS = 10_000;

/**
 * Deficit round robin: in its turn, a project gets credit, and its checks are taken while it has some. What a check has really
 * cost is subtracted afterwards, so a project with slow checks sits out the next rounds. Debt is kept while its line is empty.
 */
export class Lines<W extends Waiting> {
	/** The project whose turn is next comes first. */
	readonly #lines = new Map<string, W[]>();
	readonly #credit = new LRUCache<string, number>({ max: REMEMBERED_PROJECTS });
	#size = 0;

	get size(): number {
		return this.#size;
	}

	push(check: W): void {
		this.#size++;
		const line = this.#lines.get(check.projectId);
		if (line === undefined) this.#lines.set(check.projectId, [check]);
		else line.push(check);
	}

	/** Puts checks that were taken back, before those of their projects that wait. */
	putBack(checks: readonly W[]): void {
		for (const check of checks.toReversed()) {
			this.#size++;
			const line = this.#lines.get(check.projectId);
			if (line === undefined) this.#lines.set(check.projectId, [check]);
			else line.unshift(check);
		}
	}

	/** Takes the next checks: at least one if one waits, at most `maxCount`, and no more after `maxLength` of data. */
	take(maxCount: number, maxLength: number): W[] {
		const taken: W[] = [];
		let length = 0;
		while (this.#size > 0 && taken.length < maxCount && length < maxLength) {
			const [first] = this.#lines;
			if (first === undefined) break;
			const [projectId, line] = first;
			this.#lines.delete(projectId);
			let credit = Math.min(QUANTUM_MS, (this.#credit.get(projectId) ?? 0) + QUANTUM_MS);
			while (credit > 0 && line.length > 0 && taken.length < maxCount && length < maxLength) {
				const check = line.shift();
				if (check === undefined) break;
				this.#size--;
				credit -= EXPECTED_MS;
				length += check.length;
				taken.push(check);
			}
			this.#credit.set(projectId, credit);
			if (line.length > 0) this.#lines.set(projectId, line);
		}
		return taken;
	}

	/** A check that was taken has used this much CPU time. */
	used(projectId: string, ms: number): void {
		const credit = (this.#credit.get(projectId) ?? 0) + EXPECTED_MS - ms;
		this.#credit.set(projectId, Math.max(-MAX_DEBT_MS, credit));
	}

	/** Removes the checks that match, and returns them. */
	remove(matches: (check: W) => boolean): W[] {
		const removed: W[] = [];
		for (const [projectId, line] of this.#lines) {
			const gone = line.filter(matches);
			if (gone.length === 0) continue;
			removed.push(...gone);
			const left = line.filter((check) => !matches(check));
			if (left.length > 0) this.#lines.set(projectId, left);
			else this.#lines.delete(projectId);
		}
		this.#size -= removed.length;
		return removed;
	}
}
