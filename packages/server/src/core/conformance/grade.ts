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

/** Runs the checks, one after the other. After a basic one has failed, or once the probe is over, the others are skipped. */
export async function grade(checks: readonly Check[], context: CheckContext): Promise<Graded[]> {
	const { probe } = context;
	const graded: Graded[] = [];
	let isOver = probe.isOver();
	for (const { name, title, isBasic = false, run } of checks) {
		const startedAt = probe.monotonicMs();
		const found: string | null = isOver ? null : await run(context);
		isOver ||= probe.isOver();
		const result = isOver ? "skipped" : found === null ? "passed" : "failed";
		const problem = isOver ? null : found;
		graded.push({ name, title, result, problem, durationMs: Math.round(probe.monotonicMs() - startedAt) });
		isOver ||= isBasic && found !== null;
	}
	return graded;
}
