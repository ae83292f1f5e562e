// Counts the schema checks that wait for the validator, so that no project fills the room for them alone.
import type { EngineLimits } from "../parts.ts";

interface Count {
	checks: number;
	length: number;
}

/** A project has at most half of the room that the others leave. One check is accepted while there is room at all. */
export class WaitingChecks {
	readonly #all: Count = { checks: 0, length: 0 };
	readonly #byProject = new Map<string, Count>();

	/** Counts a check with texts of this length; false if there is no room for it. */
	add(
		projectId: string,
		length: number,
		{ maxWaitingSends, maxWaitingBytes }: Pick<EngineLimits, "maxWaitingSends" | "maxWaitingBytes">,
	): boolean {
		const own = this.#byProject.get(projectId) ?? { checks: 0, length: 0 };
		const all = this.#all;
		if (all.checks + 1 > maxWaitingSends || all.length + length > maxWaitingBytes) return false;
		const isOverShare =
			own.checks + 1 > (maxWaitingSends - all.checks + own.checks) / 2 ||
			own.length + length > (maxWaitingBytes - all.length + own.length) / 2;
		if (own.checks > 0 && isOverShare) return false;
		for (const count of [own, all]) {
			count.checks++;
			count.length += length;
		}
		this.#byProject.set(projectId, own);
		return true;
	}

	/** A check that was counted has ended. */
	remove(projectId: string, length: number): void {
		const own = this.#byProject.get(projectId);
		if (own === undefined) throw new Error("a schema check ended that was not counted");
		for (const count of [own, this.#all]) {
			count.checks--;
			count.length -= length;
		}
		if (own.checks === 0) this.#byProject.delete(projectId);
	}
}
