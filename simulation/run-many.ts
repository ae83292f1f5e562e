// Runs many seeds in child processes, each of which works on one seed at a time.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

import type { Order, Report } from "./worker.ts";

export interface ManyOptions {
	readonly from: number;
	readonly seeds: number;
	readonly jobs: number;
	/** See `SeedOptions`. */
	readonly engines: number | null;
	/** Ends after this time, in milliseconds; null for no limit. */
	readonly limitMs: number | null;
	/** Whether failing histories are made shorter. */
	readonly shrinks: boolean;
	/** No further seed begins once a report of this has returned true. */
	readonly onReport: (report: Report) => boolean;
	/** The program of the child processes. Defaults to `worker.ts` beside this file. */
	readonly worker?: string;
}

const WORKER = fileURLToPath(new URL("worker.ts", import.meta.url));

/** Resolves when all seeds are done, or when no further one is to begin and those under way are done. */
export async function runMany(options: ManyOptions): Promise<void> {
	const queue = new SeedQueue(options);
	await Promise.all(Array.from({ length: Math.min(options.jobs, options.seeds) }, () => runOne(options, queue)));
}

/** The seeds that are still to be run. */
class SeedQueue {
	readonly #endsAt: number;
	#next: number;
	#left: number;

	constructor({ from, seeds, limitMs }: ManyOptions) {
		this.#next = from;
		this.#left = seeds;
		this.#endsAt = performance.now() + (limitMs ?? Infinity);
	}

	take(): number | null {
		if (this.#left === 0 || performance.now() > this.#endsAt) return null;
		this.#left--;
		return this.#next++;
	}

	end(): void {
		this.#left = 0;
	}
}

function runOne({ engines, shrinks, onReport, worker }: ManyOptions, queue: SeedQueue): Promise<void> {
	// Nothing is found in the cache for a copy that is removed afterwards, and nothing is to be left there.
	const env = worker === undefined ? process.env : { ...process.env, NODE_DISABLE_COMPILE_CACHE: "1" };
	const child = fork(worker ?? WORKER, { execArgv: ["--conditions=@fanfare/source"], env });
	return new Promise((resolve, reject) => {
		let seed: number | null = null;
		const next = () => {
			seed = queue.take();
			if (seed === null) child.disconnect();
			else child.send({ seed, engines, shrinks } satisfies Order);
		};
		child.on("message", (report: Report) => {
			if (onReport(report)) queue.end();
			next();
		});
		child.on("error", reject);
		child.on("exit", (code) => {
			queue.end();
			if (seed === null) resolve();
			else reject(new Error(`the process that ran seed ${seed} ended with code ${code}`));
		});
		next();
	});
}
