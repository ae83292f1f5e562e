// JSON Schema validation by ajv in a worker thread: ajv compiles schemas to code, and a customer's schema can be
// written to run forever.
import { Worker } from "node:worker_threads";

import { LRUCache } from "lru-cache";

import type { Clock } from "../../core/clock.ts";
import type { Issue } from "../../core/errors.ts";
import { SchemaCheckError, type SchemaValidator } from "../../ports/schema-validator.ts";
import type { Batch, ThreadData, ThreadMessage } from "./messages.ts";
import { SchemaTable } from "./schema-table.ts";

export interface AjvValidatorOptions {
	readonly clock: Clock;
	/** A check that makes no progress for this long (at most twice as long) is aborted. */
	readonly timeLimitMs?: number;
	/** Limit of the thread's heap. */
	readonly memoryLimitMb?: number;
}

/** One call that waits for its result. */
interface Job {
	readonly schemaJson: string;
	/** Null if the schema itself is to be inspected. */
	readonly dataJson: string | null;
	readonly resolve: (issues: readonly Issue[]) => void;
	readonly reject: (error: SchemaCheckError) => void;
}

/** A schema of 64 KiB takes up to 300 ms to compile in a new thread on a busy machine. */
const TIME_LIMIT_MS = 500;
const MEMORY_LIMIT_MB = 64;
const START_LIMIT_MS = 10_000;
const MAX_BATCH = 64;
const MAX_BATCH_BYTES = 1_024 * 1_024;
/** For this long, a schema whose check was aborted is refused at once. */
const REFUSED_MS = 60_000;
const MAX_REFUSED = 1_000;

/** Opens a validator. Its thread starts with the first check. */
export function openAjvValidator(options: AjvValidatorOptions): SchemaValidator {
	return new AjvValidator(options);
}

/**
 * States of the thread:
 *
 * ```
 * none ──first check──▶ starting ──"ready"──▶ ready
 *  ▲                       │                    │
 *  └──────did not start────┴──stuck, crashed────┘
 * ```
 *
 * - none: there is no thread (`#thread` is null).
 * - starting: the thread is loading; checks wait. If it fails to start, they are rejected.
 * - ready: batches run, one at a time; checks that arrive meanwhile form the next batch. When the thread gets stuck or
 *   runs out of memory, the check it was working on is given the blame, and the others run in a new thread.
 */
class AjvValidator implements SchemaValidator {
	readonly #clock: Clock;
	readonly #timeLimitMs: number;
	readonly #memoryLimitMb: number;
	#waiting: Job[] = [];
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
	/** Schemas that are refused for a while, with the message. */
	readonly #refused: LRUCache<string, string>;

	constructor({ clock, timeLimitMs = TIME_LIMIT_MS, memoryLimitMb = MEMORY_LIMIT_MB }: AjvValidatorOptions) {
		this.#clock = clock;
		const perf = { now: () => clock.monotonicMs() };
		this.#refused = new LRUCache({ max: MAX_REFUSED, ttl: REFUSED_MS, perf });
		this.#timeLimitMs = timeLimitMs;
		this.#memoryLimitMb = memoryLimitMb;
	}

	inspect(schemaJson: string): Promise<readonly Issue[]> {
		return this.#submit(schemaJson, null);
	}

	check(schemaJson: string, dataJson: string): Promise<readonly Issue[]> {
		return this.#submit(schemaJson, dataJson);
	}

	async close(): Promise<void> {
		this.#closed = true;
		const thread = this.#detachThread();
		this.#fail([...this.#underWay, ...this.#waiting], "the validator is closed");
		await thread?.terminate();
	}

	#submit(schemaJson: string, dataJson: string | null): Promise<readonly Issue[]> {
		const refused = this.#refused.get(schemaJson);
		if (refused !== undefined) return Promise.resolve([{ path: "", message: refused }]);
		return new Promise((resolve, reject) => {
			if (this.#closed) return reject(new SchemaCheckError("the validator is closed"));
			this.#waiting.push({ schemaJson, dataJson, resolve, reject });
			this.#sendNext();
		});
	}

	/** Sends the next batch if no batch is under way. */
	#sendNext(): void {
		if (this.#closed || this.#underWay.length > 0 || this.#waiting.length === 0) return;
		if (this.#thread === null) this.#start();
		if (!this.#ready || this.#thread === null) return;
		this.#underWay = this.#takeBatch();
		this.#finishedBefore = this.#finishedSeen = Atomics.load(this.#finished, 0);
		// A pending check keeps the process alive; an idle thread does not.
		this.#thread.ref();
		// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
		this.#thread.postMessage(this.#batchOf(this.#underWay));
		this.#watch();
	}

	#takeBatch(): Job[] {
		let bytes = 0;
		let count = 0;
		for (const { dataJson } of this.#waiting) {
			bytes += dataJson?.length ?? 0;
			if (count > 0 && (count >= MAX_BATCH || bytes > MAX_BATCH_BYTES)) break;
			count++;
		}
		return this.#waiting.splice(0, count);
	}

	#batchOf(jobs: readonly Job[]): Batch {
		const schemas: { id: number; schemaJson: string }[] = [];
		const checks = jobs.map(({ schemaJson, dataJson }) => {
			const { id, isNew } = this.#table.use(schemaJson);
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
			workerData,
			resourceLimits: { maxOldGenerationSizeMb: this.#memoryLimitMb },
			// The thread needs nothing from this process's environment or arguments.
			env: {},
			argv: [],
		});
		thread.on("message", (message: ThreadMessage) => this.#receive(thread, message));
		thread.on("error", (error: Error) => this.#died(thread, error));
		thread.on("exit", (code) => this.#died(thread, new Error(`the thread ended with code ${code}`)));
		this.#thread = thread;
		const late = new Error("the thread did not start in time");
		this.#cancelTimer = this.#clock.after(START_LIMIT_MS, () => this.#died(thread, late));
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
			for (const [index, job] of jobs.entries()) job.resolve(message[index] ?? []);
		}
		this.#sendNext();
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
		this.#fail(this.#waiting, `schemas can't be checked: ${cause.message}`);
	}

	/** Ends the thread during a check and refuses that check's schema. The other checks continue in a new thread. */
	#giveUp(message: string): void {
		const thread = this.#detachThread();
		const jobs = this.#underWay;
		const culprit = jobs[Atomics.load(this.#finished, 0) - this.#finishedBefore];
		this.#underWay = [];
		this.#waiting.unshift(...jobs.filter((job) => job !== culprit));
		if (culprit !== undefined) {
			this.#refused.set(culprit.schemaJson, message);
			culprit.resolve([{ path: "", message }]);
			this.#waiting = this.#waiting.filter((job) => {
				if (job.schemaJson !== culprit.schemaJson) return true;
				job.resolve([{ path: "", message }]);
				return false;
			});
		}
		// Nobody waits for the old thread: the new one shares nothing with it.
		thread?.terminate().catch(() => undefined);
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
		this.#waiting = [];
		this.#underWay = [];
		for (const { reject } of jobs) reject(new SchemaCheckError(message));
	}
}

/** The thread's program, beside this file: TypeScript in the sources, JavaScript in the built package. */
function threadFile(): URL {
	return new URL(import.meta.url.endsWith(".ts") ? "./thread.ts" : "./thread.js", import.meta.url);
}
