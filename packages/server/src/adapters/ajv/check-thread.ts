// One thread that checks by schemas: its life, the checks that wait for it, and what happens to a check in which it gets stuck.
import { Worker } from "node:worker_threads";

import type { Clock } from "../../core/clock.ts";
import type { Issue } from "../../core/errors.ts";
import { SchemaCheckError } from "../../ports/schema-validator.ts";
import { Lines, type Waiting } from "./lines.ts";
import type { Batch, ThreadData, ThreadMessage } from "./messages.ts";
import { SchemaTable } from "./schema-table.ts";

/** One call that waits for its result. */
export interface Job extends Waiting {
	readonly schemaJson: string;
	/** When the call was made, in monotonic time. */
	readonly since: number;
	/** Null if the schema itself is to be inspected. */
	readonly dataJson: string | null;
	readonly resolve: (issues: readonly Issue[]) => void;
	readonly reject: (error: SchemaCheckError) => void;
}

export interface CheckThreadOptions {
	readonly clock: Clock;
	/** A check that makes no progress for this long (at most twice as long) is aborted. */
	readonly timeLimitMs: number;
	/** Limit of the thread's heap. */
	readonly memoryLimitMb: number;
	/** After the thread has worked for some time, it rests for this many times as long. */
	readonly restFactor: number;
	/** The thread ends when it has had nothing to do for this long. Null: it stays. */
	readonly idleMs: number | null;
	/** Called when a check has ended, before its result is known to the caller. */
	readonly ended: (job: Job, cpuMs: number) => void;
	/** Called when a check was aborted, with the message for its caller and the time that it has taken. */
	readonly aborted: (job: Job, message: string, cpuMs: number) => void;
}

/** How long a check waits for a thread that is starting, from its own call on: a client waits for 30 s. */
const START_WAIT_MS = 25_000;
/** How often it is seen to that none waits longer. */
const START_LOOK_MS = 1_000;
/** A thread that has not started after this long is given up. On a machine that is very busy, one takes more than ten seconds. */
const START_LIMIT_MS = 180_000;
/** How much of the thread's memory new objects may take, in MB. What a check makes lives shortly, and V8 would let it grow to 48 MB. */
const YOUNG_GENERATION_MB = 6;
const MAX_BATCH = 64;
const MAX_BATCH_BYTES = 1_024 * 1_024;

/**
 * States of the thread:
 *
 * ```
 * none ──start, first check──▶ starting ──"ready"──▶ ready
 *  ▲                              │                    │
 *  └─────────did not start────────┴──stuck, crashed, idle for `idleMs`
 * ```
 *
 * - none: there is no thread (`#thread` is null).
 * - starting: the thread is loading; checks wait, each for `START_WAIT_MS` at most. If it fails to start, all are rejected.
 * - ready: batches run, one at a time; checks that arrive meanwhile form the next batch, which takes from each project's line in
 *   turn. A batch that takes long is answered in part, and the rest waits again. When the thread gets stuck or
 *   runs out of memory, the check it was working on is given the blame, and the others run in a new thread.
 */
export class CheckThread {
	readonly #options: CheckThreadOptions;
	readonly #clock: Clock;
	readonly #timeLimitMs: number;
	readonly #waiting = new Lines<Job>();
	#underWay: readonly Job[] = [];
	#thread: Worker | null = null;
	#ready = false;
	#closed = false;
	#table = new SchemaTable();
	#finished: Int32Array = new Int32Array(1);
	/** The value of `#finished` when the current batch was sent, and when it was last read. */
	#finishedBefore = 0;
	#finishedSeen = 0;
	#cancelTimer = (): void => {};
	/** Cancels the rest between two batches; null if the thread does not rest. */
	#cancelRest: (() => void) | null = null;
	#cancelIdle = (): void => {};

	constructor(options: CheckThreadOptions) {
		this.#options = options;
		this.#clock = options.clock;
		this.#timeLimitMs = options.timeLimitMs;
	}

	/** Starts the thread if there is none. Otherwise the first check does. */
	start(): void {
		if (!this.#closed && this.#thread === null) this.#start();
	}

	submit(job: Job): void {
		if (this.#closed) return job.reject(new SchemaCheckError("the validator is closed"));
		this.#waiting.push(job);
		this.#sendNext();
	}

	/** Takes the waiting checks that match out of their lines. */
	remove(matches: (job: Job) => boolean): Job[] {
		return this.#waiting.remove(matches);
	}

	/** Rejects all checks and ends the thread. May be called twice. */
	async close(): Promise<void> {
		this.#closed = true;
		this.#cancelRest?.();
		this.#cancelIdle();
		const thread = this.#detachThread();
		this.#fail([...this.#underWay, ...this.#waiting.remove(() => true)], "the validator is closed");
		await thread?.terminate();
	}

	/** Sends the next batch if no batch is under way. */
	#sendNext(): void {
		if (this.#closed || this.#underWay.length > 0 || this.#cancelRest !== null) return;
		if (this.#waiting.size === 0) return this.#endWhenIdle();
		this.#cancelIdle();
		if (this.#thread === null) this.#start();
		if (!this.#ready || this.#thread === null) return;
		this.#underWay = this.#waiting.take(MAX_BATCH, MAX_BATCH_BYTES);
		this.#finishedBefore = this.#finishedSeen = Atomics.load(this.#finished, 0);
		// A pending check keeps the process alive; an idle thread does not.
		this.#thread.ref();
		// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
		this.#thread.postMessage(this.#batchOf(this.#underWay));
		this.#watch();
	}

	#batchOf(jobs: readonly Job[]): Batch {
		const schemas: { id: number; schemaJson: string }[] = [];
		const checks = jobs.map(({ projectId, schemaJson, dataJson }) => {
			const { id, isNew } = this.#table.use(projectId, schemaJson);
			if (isNew) schemas.push({ id, schemaJson });
			return { schemaId: id, dataJson };
		});
		// Trim last, so that no schema of this batch is dropped before it is used.
		return { schemas, checks, drop: this.#table.trim(new Set(checks.map(({ schemaId }) => schemaId))) };
	}

	#start(): void {
		const finished = new SharedArrayBuffer(4);
		this.#finished = new Int32Array(finished);
		this.#table = new SchemaTable();
		const workerData: ThreadData = { finished };
		const thread = new Worker(threadFile(), {
			// Shown by the system's tools.
			name: "fanfare-schemas",
			workerData,
			resourceLimits: {
				maxOldGenerationSizeMb: this.#options.memoryLimitMb,
				maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
			},
			// The thread needs nothing from this process's environment or arguments.
			env: {},
			argv: [],
		});
		thread.on("message", (message: ThreadMessage) => this.#receive(thread, message));
		thread.on("error", (error: Error) => this.#died(thread, error));
		thread.on("exit", (code) => this.#died(thread, new Error(`the thread ended with code ${code}`)));
		this.#thread = thread;
		this.#watchStart(thread, this.#clock.monotonicMs() + START_LIMIT_MS);
	}

	/** Rejects the checks that have waited too long for a thread that is starting, and gives it up in the end. */
	#watchStart(thread: Worker, until: number): void {
		const late = new Error("the thread did not start in time");
		this.#cancelTimer = this.#clock.after(START_LOOK_MS, () => {
			const now = this.#clock.monotonicMs();
			if (now >= until) return this.#died(thread, late);
			this.#fail(
				this.#waiting.remove(({ since }) => now - since >= START_WAIT_MS),
				notStarted(late),
			);
			this.#watchStart(thread, until);
		});
	}

	#receive(thread: Worker, message: ThreadMessage): void {
		if (thread !== this.#thread) return;
		this.#stopWatching();
		thread.unref();
		if (message === "ready") {
			this.#ready = true;
		} else {
			const jobs = this.#underWay;
			this.#underWay = [];
			this.#waiting.putBack(jobs.slice(message.length));
			let batchMs = 0;
			for (const [index, { issues, cpuMs }] of message.entries()) {
				const job = jobs[index];
				if (job === undefined) continue;
				batchMs += cpuMs;
				this.#waiting.used(job.projectId, cpuMs);
				this.#options.ended(job, cpuMs);
				job.resolve(issues);
			}
			this.#rest(batchMs);
		}
		this.#sendNext();
	}

	/** Sends no batch for a while after the thread has worked for so long. */
	#rest(workedMs: number): void {
		const restMs = workedMs * this.#options.restFactor;
		if (restMs === 0 || this.#closed) return;
		this.#cancelRest = this.#clock.after(restMs, () => {
			this.#cancelRest = null;
			this.#sendNext();
		});
	}

	#endWhenIdle(): void {
		const { idleMs } = this.#options;
		if (idleMs === null || this.#thread === null) return;
		this.#cancelIdle();
		this.#cancelIdle = this.#clock.after(idleMs, () => {
			this.#detachThread()
				?.terminate()
				.catch(() => undefined);
		});
	}

	/** Checks regularly whether the thread makes progress. */
	#watch(): void {
		const since = this.#clock.monotonicMs();
		this.#cancelTimer = this.#clock.after(this.#timeLimitMs, () => {
			const finished = Atomics.load(this.#finished, 0);
			// If this timer itself is late, the whole machine is slow, and that says nothing about the schema.
			const late = this.#clock.monotonicMs() - since > 2 * this.#timeLimitMs;
			if (finished !== this.#finishedSeen || late) {
				this.#finishedSeen = finished;
				this.#watch();
			} else if (this.#thread !== null) {
				this.#giveUp(`takes longer than ${this.#timeLimitMs} ms to check: simplify the schema`);
			}
		});
	}

	#died(thread: Worker, cause: Error): void {
		if (thread !== this.#thread) return;
		if (this.#ready) {
			this.#giveUp(
				"code" in cause && cause.code === "ERR_WORKER_OUT_OF_MEMORY"
					? "takes more memory than allowed to check: simplify the schema"
					: "can't be checked: simplify the schema",
			);
			return;
		}
		void this.#detachThread()?.terminate();
		this.#fail(
			this.#waiting.remove(() => true),
			notStarted(cause),
		);
	}

	/** Ends the thread during a check and refuses that check's schema. The other checks continue in a new thread. */
	#giveUp(message: string): void {
		const thread = this.#detachThread();
		const jobs = this.#underWay;
		const culprit = jobs[Atomics.load(this.#finished, 0) - this.#finishedBefore];
		this.#underWay = [];
		this.#waiting.putBack(jobs.filter((job) => job !== culprit));
		// Nobody waits for the old thread: the new one shares nothing with it.
		thread?.terminate().catch(() => undefined);
		if (culprit !== undefined) {
			this.#waiting.used(culprit.projectId, this.#timeLimitMs);
			culprit.resolve([{ path: "", message }]);
			this.#options.aborted(culprit, message, this.#timeLimitMs);
			this.#rest(this.#timeLimitMs);
		}
		this.#sendNext();
	}

	/** Forgets the current thread and returns it, so that the caller can terminate it. */
	#detachThread(): Worker | null {
		this.#stopWatching();
		const thread = this.#thread;
		this.#thread = null;
		this.#ready = false;
		return thread;
	}

	#stopWatching(): void {
		this.#cancelTimer();
	}

	#fail(jobs: readonly Job[], message: string): void {
		this.#underWay = [];
		for (const { reject } of jobs) reject(new SchemaCheckError(message));
	}
}

function notStarted(cause: Error): string {
	return `schemas can't be checked: ${cause.message}`;
}

/** The thread's program, beside this file: TypeScript in the sources, JavaScript in the built package. */
function threadFile(): URL {
	return new URL(import.meta.url.endsWith(".ts") ? "./thread.ts" : "./thread.js", import.meta.url);
}
