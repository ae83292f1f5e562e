// JSON Schema validation by ajv in threads: ajv compiles schemas to code, and a customer's schema can be written to run forever.
import { LRUCache } from "lru-cache";

import type { Clock } from "../../core/clock.ts";
import type { Issue } from "../../core/errors.ts";
import type { SchemaValidator } from "../../ports/schema-validator.ts";
import { CheckThread, type Job } from "./check-thread.ts";
import { addMs, MAX_PROJECTS, SlowSchemas } from "./slow-schemas.ts";

export interface AjvValidatorOptions {
	readonly clock: Clock;
	/** A check that makes no progress for this long (at most twice as long) is aborted. */
	readonly timeLimitMs?: number;
	/** Limit of a thread's heap. */
	readonly memoryLimitMb?: number;
	/** How many slow schemas of a project are remembered, and how many refused ones. */
	readonly maxSchemas?: number;
}

/** A schema of 64 KiB takes up to 300 ms to compile in a new thread on a busy machine. */
const TIME_LIMIT_MS = 500;
const MEMORY_LIMIT_MB = 64;
/** How long slow checks are remembered, a schema is refused, and a project is served by the thread for slow ones. */
const WINDOW_MS = 60_000;
/** Checks that take longer than this are slow: nobody else can be served meanwhile. */
const SLOW_MS = 50;
/** The time that the slow checks by one schema, and those of one project, may take in all within `WINDOW_MS`. */
const MAX_SCHEMA_MS = 2_000;
const MAX_PROJECT_MS = 1_000;

/** A validator whose first check need not wait until its thread has started. */
export interface StartableValidator extends SchemaValidator {
	/** Starts the thread for everyday checks, if it does not run. */
	start(): void;
}

/** Opens a validator. Its threads start with the first check that needs them, or with `start`. */
export function openAjvValidator(options: AjvValidatorOptions): StartableValidator {
	return new AjvValidator(options);
}

/**
 * Two threads. Lines by project, served in turn, keep many checks of one project from delaying those of others, but a single slow
 * check delays everybody, and one that gets stuck also takes with it what the thread has compiled. So a project whose slow checks
 * have taken a second within a minute is served by the second thread for a minute, together with others of its kind. That
 * thread works half of the time, so that it leaves the processor to everything else.
 */
class AjvValidator implements StartableValidator {
	readonly #clock: Clock;
	readonly #everyday: CheckThread;
	readonly #slow: CheckThread;
	readonly #slowSchemas: SlowSchemas;
	/** The time that slow checks have taken lately, by project. */
	readonly #msByProject: LRUCache<string, number>;
	/** Projects that the thread for slow checks serves. */
	readonly #slowProjects: LRUCache<string, true>;

	constructor(options: AjvValidatorOptions) {
		const { clock, timeLimitMs = TIME_LIMIT_MS, memoryLimitMb = MEMORY_LIMIT_MB, maxSchemas } = options;
		this.#clock = clock;
		const perf = { now: () => clock.monotonicMs() };
		this.#slowSchemas = new SlowSchemas({ clock, windowMs: WINDOW_MS, maxSchemas });
		this.#msByProject = new LRUCache({ max: MAX_PROJECTS, ttl: WINDOW_MS, perf });
		this.#slowProjects = new LRUCache({ max: MAX_PROJECTS, ttl: WINDOW_MS, perf });
		const shared = {
			clock,
			timeLimitMs,
			memoryLimitMb,
			ended: (job: Job, cpuMs: number) => this.#account(job, cpuMs),
			aborted: ({ projectId, schemaJson }: Job, message: string, cpuMs: number) => {
				this.#refuse(projectId, schemaJson, message);
				this.#accountProject(projectId, cpuMs);
			},
		};
		this.#everyday = new CheckThread({ ...shared, restFactor: 0, idleMs: null });
		this.#slow = new CheckThread({ ...shared, restFactor: 1, idleMs: WINDOW_MS });
	}

	start(): void {
		this.#everyday.start();
	}

	inspect(projectId: string, schemaJson: string): Promise<readonly Issue[]> {
		return this.#submit(projectId, schemaJson, null);
	}

	check(projectId: string, schemaJson: string, dataJson: string): Promise<readonly Issue[]> {
		return this.#submit(projectId, schemaJson, dataJson);
	}

	async close(): Promise<void> {
		await Promise.all([this.#everyday.close(), this.#slow.close()]);
	}

	#submit(projectId: string, schemaJson: string, dataJson: string | null): Promise<readonly Issue[]> {
		const refused = this.#slowSchemas.refusal(projectId, schemaJson);
		if (refused !== undefined) return Promise.resolve([{ path: "", message: refused }]);
		return new Promise((resolve, reject) => {
			const thread = this.#slowProjects.has(projectId) ? this.#slow : this.#everyday;
			const since = this.#clock.monotonicMs();
			thread.submit({ projectId, length: dataJson?.length ?? 0, schemaJson, dataJson, since, resolve, reject });
		});
	}

	/** Notes what a check has cost. A schema that takes much time again and again is refused for a while. */
	#account({ projectId, schemaJson }: Job, cpuMs: number): void {
		if (cpuMs < SLOW_MS) return;
		if (this.#slowSchemas.spend(projectId, schemaJson, cpuMs) > MAX_SCHEMA_MS) {
			this.#refuse(projectId, schemaJson, "takes too much time in all to check: simplify the schema");
		}
		this.#accountProject(projectId, cpuMs);
	}

	/** A project that takes much time again and again is served by the thread for slow checks for a while. */
	#accountProject(projectId: string, cpuMs: number): void {
		if (addMs(this.#msByProject, projectId, cpuMs) < MAX_PROJECT_MS) return;
		this.#msByProject.delete(projectId);
		this.#slowProjects.set(projectId, true);
		for (const job of this.#everyday.remove((one) => one.projectId === projectId)) this.#slow.submit(job);
	}

	/**
	 * Refuses a project's schema for a while, and the checks by it that wait. Other projects may have the same text, as those of one
	 * product do, with data for which it is quick.
	 */
	#refuse(projectId: string, schemaJson: string, message: string): void {
		this.#slowSchemas.refuse(projectId, schemaJson, message);
		const isRefused = (one: Job) => one.projectId === projectId && one.schemaJson === schemaJson;
		for (const thread of [this.#everyday, this.#slow]) {
			for (const job of thread.remove(isRefused)) job.resolve([{ path: "", message }]);
		}
	}
}
