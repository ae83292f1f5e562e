// JSON Schema by ajv, in a thread of its own: ajv compiles schemas to code, and a customer's schema can be made to run for ever.
//
// States of the thread: none ──first check──▶ starting ──▶ ready ──stuck, out of memory──▶ none (and what it had not done goes on
// in the next). One batch is under way at a time; what comes meanwhile makes the next.
import { Worker } from "node:worker_threads";

import type { Issue } from "../../core/errors.ts";
import { SchemaCheckError, type SchemaValidator } from "../../ports/schema-validator.ts";
import type { Batch, ThreadData, ThreadMessage } from "./messages.ts";
import { SchemaTable } from "./schema-table.ts";

export interface AjvValidatorOptions {
	/** A check that has not ended after this time, and twice this at most, is given up. */
	readonly timeLimitMs?: number;
	/** Of the thread's heap. */
	readonly memoryLimitMb?: number;
}

interface Job {
	readonly schemaJson: string;
	readonly dataJson: string | null;
	readonly resolve: (issues: readonly Issue[]) => void;
	readonly reject: (error: SchemaCheckError) => void;
}

/** A schema of 64 KiB takes up to 300 ms to compile in a thread that is new, on a machine that is busy. */
const TIME_LIMIT_MS = 500;
const MEMORY_LIMIT_MB = 64;
const START_LIMIT_MS = 10_000;
const MAX_BATCH = 64;
const MAX_BATCH_BYTES = 1_024 * 1_024;
/** A schema that was given up is refused at once for so long. */
const REFUSED_MS = 60_000;
const MAX_REFUSED = 1_000;

/** Starts its thread when the first check asks for it. */
export function openAjvValidator(options: AjvValidatorOptions = {}): SchemaValidator {
	return new AjvValidator(options);
}

class AjvValidator implements SchemaValidator {
	readonly #timeLimitMs: number;
	readonly #memoryLimitMb: number;
	#waiting: Job[] = [];
	#underWay: readonly Job[] = [];
	#thread: Worker | null = null;
	#ready = false;
	#closed = false;
	#table = new SchemaTable();
	#finished: Int32Array = new Int32Array(1);
	/** What `#finished` was when the batch under way was sent, and when it was last looked at. */
	#finishedBefore = 0;
	#finishedSeen = 0;
	#timer: NodeJS.Timeout | null = null;
	readonly #refused = new Map<string, { readonly until: number; readonly message: string }>();

	constructor({ timeLimitMs = TIME_LIMIT_MS, memoryLimitMb = MEMORY_LIMIT_MB }: AjvValidatorOptions) {
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
		const thread = this.#letGo();
		this.#fail([...this.#underWay, ...this.#waiting], "the validator is closed");
		await thread?.terminate();
	}

	#submit(schemaJson: string, dataJson: string | null): Promise<readonly Issue[]> {
		const refused = this.#refusal(schemaJson);
		if (refused !== null) return Promise.resolve([{ path: "", message: refused }]);
		return new Promise((resolve, reject) => {
			if (this.#closed) return reject(new SchemaCheckError("the validator is closed"));
			this.#waiting.push({ schemaJson, dataJson, resolve, reject });
			this.#pump();
		});
	}

	/** Sends the next batch, if none is under way. */
	#pump(): void {
		if (this.#closed || this.#underWay.length > 0 || this.#waiting.length === 0) return;
		if (this.#thread === null) this.#start();
		if (!this.#ready || this.#thread === null) return;
		this.#underWay = this.#takeBatch();
		this.#finishedBefore = this.#finishedSeen = Atomics.load(this.#finished, 0);
		// A check that somebody waits for keeps the process alive; an idle thread does not.
		this.#thread.ref();
		// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
		this.#thread.postMessage(this.#batchOf(this.#underWay));
		this.#watch(performance.now());
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
		// Only now, so that nothing that this batch needs is dropped before it is used.
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
			// Nothing of this process' environment or arguments is any of its business.
			env: {},
			argv: [],
		});
		thread.on("message", (message: ThreadMessage) => this.#hear(thread, message));
		thread.on("error", (error: Error) => this.#died(thread, error));
		thread.on("exit", (code) => this.#died(thread, new Error(`the thread ended with code ${code}`)));
		this.#thread = thread;
		this.#timer = setTimeout(() => this.#died(thread, new Error("the thread did not start in time")), START_LIMIT_MS);
	}

	#hear(thread: Worker, message: ThreadMessage): void {
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
		this.#pump();
	}

	/** Looks again and again whether the thread gets on with its checks. */
	#watch(since: number): void {
		this.#timer = setTimeout(() => {
			const finished = Atomics.load(this.#finished, 0);
			// A timer that is late itself says that the whole machine is slow, and nothing about the schema.
			const late = performance.now() - since > 2 * this.#timeLimitMs;
			if (finished !== this.#finishedSeen || late) {
				this.#finishedSeen = finished;
				this.#watch(performance.now());
			} else if (this.#thread !== null) {
				this.#giveUp(`takes longer to be checked than the ${this.#timeLimitMs} ms that there are: simplify the schema`);
			}
		}, this.#timeLimitMs);
	}

	#died(thread: Worker, cause: Error): void {
		if (thread !== this.#thread) return;
		if (this.#ready) {
			this.#giveUp(
				"code" in cause && cause.code === "ERR_WORKER_OUT_OF_MEMORY"
					? "takes more memory to be checked than there is: simplify the schema"
					: "can't be checked: simplify the schema",
			);
			return;
		}
		void this.#letGo()?.terminate();
		this.#fail(this.#waiting, `schemas can't be checked: ${cause.message}`);
	}

	/** Ends the thread in the middle of a check, whose schema is to blame; the other checks go on in a new one. */
	#giveUp(message: string): void {
		const thread = this.#letGo();
		const jobs = this.#underWay;
		const culprit = jobs[Atomics.load(this.#finished, 0) - this.#finishedBefore];
		this.#underWay = [];
		this.#waiting.unshift(...jobs.filter((job) => job !== culprit));
		if (culprit !== undefined) {
			this.#refuse(culprit.schemaJson, message);
			culprit.resolve([{ path: "", message }]);
			this.#waiting = this.#waiting.filter((job) => {
				if (job.schemaJson !== culprit.schemaJson) return true;
				job.resolve([{ path: "", message }]);
				return false;
			});
		}
		// Its end takes as long as it takes; it holds nothing that the next one needs.
		thread?.terminate().catch(() => undefined);
		this.#pump();
	}

	#letGo(): Worker | null {
		this.#stopWatching();
		const thread = this.#thread;
		this.#thread = null;
		this.#ready = false;
		return thread;
	}

	#stopWatching(): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#timer = null;
	}

	#fail(jobs: readonly Job[], message: string): void {
		this.#waiting = [];
		this.#underWay = [];
		for (const { reject } of jobs) reject(new SchemaCheckError(message));
	}

	#refuse(schemaJson: string, message: string): void {
		const [oldest] = this.#refused.keys();
		if (this.#refused.size >= MAX_REFUSED && oldest !== undefined) this.#refused.delete(oldest);
		this.#refused.set(schemaJson, { until: performance.now() + REFUSED_MS, message });
	}

	#refusal(schemaJson: string): string | null {
		const refused = this.#refused.get(schemaJson);
		if (refused === undefined) return null;
		if (refused.until > performance.now()) return refused.message;
		this.#refused.delete(schemaJson);
		return null;
	}
}

/** Beside this file, as source or as built. */
function threadFile(): URL {
	return new URL(import.meta.url.endsWith(".ts") ? "./thread.ts" : "./thread.js", import.meta.url);
}
