// Runs the checks of a receiver.
import type { Check, CheckContext } from "./checks.ts";

/** A check and its result. */
export interface Graded {
	readonly name: string;
	readonly title: string;
	readonly result: "passed" | "failed" | "skipped";
	/** What is wrong, and what to do; null if nothing is. */
	readonly problem: string | null;
	readonly durationMs: number;
}

/** Runs the checks, one after the other. After a basic one has failed, the others are skipped. */
export async function grade(checks: readonly Check[], context: CheckContext): Promise<Graded[]> {
	const graded: Graded[] = [];
	let isOver = false;
	for (const { name, title, isBasic = false, run } of checks) {
		const startedAt = performance.now();
		const problem: string | null = isOver ? null : await run(context);
		const result = isOver ? "skipped" : problem === null ? "passed" : "failed";
		graded.push({ name, title, result, problem, durationMs: Math.round(performance.now() - startedAt) });
		isOver ||= isBasic && problem !== null;
	}
	return graded;
}
