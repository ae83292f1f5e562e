// A child process of the simulation: runs the seeds that its parent sends, one after the other.
import { describeFailure, type Failure } from "./describe.ts";
import { runSeed } from "./run-seed.ts";

/** What a parent sends. */
export interface Order {
	readonly seed: number;
	readonly engines: number | null;
	/** Whether a failing history is made shorter. */
	readonly shrinks: boolean;
}

/** What it gets back for each order. */
export interface Report {
	readonly seed: number;
	readonly hash: string;
	readonly steps: number;
	readonly attempts: number;
	readonly events: number;
	readonly faults: number;
	readonly runs: number;
	/** Null if no promise was broken. */
	readonly failure: Failure | null;
}

process.on("message", (order: Order) => {
	void run(order);
});

async function run({ seed, engines, shrinks }: Order): Promise<void> {
	const { first, failure } = await runSeed({ seed, engines, shrinks });
	const { breaches: _, ...counts } = first;
	const report: Report = {
		seed,
		...counts,
		failure: failure === null ? null : describeFailure(failure),
	};
	process.send?.(report);
}
