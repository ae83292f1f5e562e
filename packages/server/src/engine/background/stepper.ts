// Makes the steps of work that takes many of them: erasures and the deletion of customers. Projects take turns.
import { FanfareError } from "../../core/errors.ts";
import type { EngineParts } from "../parts.ts";
import { GentleSteps, type LiveTraffic } from "./gentle-steps.ts";

type Parts = Pick<EngineParts, "clock" | "observer">;

/** What a step has led to. */
export type Stepped<T> =
	/** There is more to do. If `after` is given, the next step is made when it is settled, and other jobs go on until then. */
	| { readonly kind: "more"; readonly after?: Promise<unknown> }
	/** There is more to do, but something else has to happen first: the next step is made after this time. */
	| { readonly kind: "wait"; readonly ms: number }
	| { readonly kind: "done"; readonly result: T };

/** Work that takes many steps, each of them one transaction. What is done is known to the store, so that a crash loses nothing. */
export interface SteppedJob<T> {
	/** Jobs with the same key are the same job. */
	readonly key: string;
	readonly projectId: string;
	/** What the observer is told when a step fails. The step is made again. */
	readonly problem: string;
	/** Makes a step with about so many rows. */
	readonly step: (rows: number) => Promise<Stepped<T>>;
}

/** A job in its line. */
interface Running<T = unknown> {
	readonly job: SteppedJob<T>;
	/** In monotonic time; Infinity while it waits for what its last step has begun. */
	notBefore: number;
	/** Settled with the job's end, or with the failure of a step. */
	outcome: PromiseWithResolvers<T>;
}

const RETRY_AFTER_MS = 1_000;

/**
 * One step at a time, in turns by project and then by job.
 *
 * States: idle ──run──▶ working ──no job is left──▶ idle
 *         any ──stop──▶ stopped
 *
 * - idle: there is no job.
 * - working: a step is under way, or a pause between two of them, or all jobs wait for something. A job whose step has failed waits
 *   for RETRY_AFTER_MS.
 * - stopped: no further step begins, and whoever waits for a job is told that the server is shutting down. There is no way back.
 */
export class Stepper {
	readonly #parts: Parts;
	readonly #steps: GentleSteps;
	/** The project whose turn it is comes first, and in each of them the job whose turn it is. */
	readonly #projects = new Map<string, Map<string, Running>>();
	#working: Promise<void> | null = null;
	#stopped = false;
	#endPause: () => void = () => {};

	constructor(parts: Parts, near: LiveTraffic) {
		this.#parts = parts;
		this.#steps = new GentleSteps({ clock: parts.clock, pause: (delayMs) => this.#pause(delayMs) }, near);
	}

	get isStopped(): boolean {
		return this.#stopped;
	}

	/**
	 * Makes the steps of a job. Resolves with its result. Rejects if a step fails, although the job goes on, and with `shutting_down`
	 * if the engine is stopped. A job that is known already is shared.
	 */
	run<T>(job: SteppedJob<T>): Promise<T> {
		if (this.#stopped) return Promise.reject(shuttingDown());
		const jobs = this.#projects.get(job.projectId) ?? new Map<string, Running>();
		this.#projects.set(job.projectId, jobs);
		const known = jobs.get(job.key) as Running<T> | undefined;
		if (known !== undefined) return known.outcome.promise;
		const running: Running<T> = { job, notBefore: -Infinity, outcome: newOutcome<T>() };
		jobs.set(job.key, running as Running);
		this.#endPause();
		this.#working ??= this.#work();
		return running.outcome.promise;
	}

	/** Resolves when the step under way has ended. The next start goes on from there. */
	async stop(): Promise<void> {
		this.#stopped = true;
		this.#endPause();
		await this.#working;
		for (const jobs of this.#projects.values()) for (const { outcome } of jobs.values()) outcome.reject(shuttingDown());
		this.#projects.clear();
	}

	async #work(): Promise<void> {
		while (!this.#stopped && this.#projects.size > 0) {
			const now = this.#parts.clock.monotonicMs();
			const next = this.#next(now);
			if (next === null) await this.#pause(this.#waitMs(now));
			else await this.#step(next);
		}
		this.#working = null;
	}

	/** The job whose turn it is; null if all of them have to wait. */
	#next(now: number): Running | null {
		for (const jobs of this.#projects.values()) {
			const next = jobs.values().find(({ notBefore }) => notBefore <= now);
			if (next !== undefined) return next;
		}
		return null;
	}

	#waitMs(now: number): number {
		const all = this.#projects.values().flatMap((jobs) => jobs.values());
		return all.reduce((least, { notBefore }) => Math.min(least, notBefore - now), RETRY_AFTER_MS);
	}

	async #step(running: Running): Promise<void> {
		const { clock, observer } = this.#parts;
		const { job } = running;
		try {
			const stepped = await this.#steps.make(job.step, ({ kind }) => kind === "more");
			if (stepped.kind === "done") this.#end(running, stepped.result);
			else if (stepped.kind === "more") this.#continueAfter(running, stepped.after);
			else running.notBefore = clock.monotonicMs() + stepped.ms;
		} catch (error) {
			observer.problem(job.problem, error, { projectId: job.projectId });
			running.notBefore = clock.monotonicMs() + RETRY_AFTER_MS;
			running.outcome.reject(error);
			running.outcome = newOutcome();
		}
		this.#endTurn(job);
	}

	#continueAfter(running: Running, after: Promise<unknown> | undefined): void {
		if (after === undefined) return;
		running.notBefore = Infinity;
		const goOn = (): void => {
			running.notBefore = -Infinity;
			this.#endPause();
		};
		after.then(goOn, goOn);
	}

	/** The next turn is that of another project, if there is one, and in this one that of another job. */
	#endTurn({ key, projectId }: SteppedJob<unknown>): void {
		const jobs = this.#projects.get(projectId);
		const running = jobs?.get(key);
		if (jobs === undefined) return;
		this.#projects.delete(projectId);
		this.#projects.set(projectId, jobs);
		if (running === undefined) return;
		jobs.delete(key);
		jobs.set(key, running);
	}

	#end({ job: { key, projectId }, outcome }: Running, result: unknown): void {
		const jobs = this.#projects.get(projectId);
		jobs?.delete(key);
		if (jobs?.size === 0) this.#projects.delete(projectId);
		outcome.resolve(result);
	}

	/** Ends early when a job is added, or when the stepper is stopped. */
	#pause(delayMs: number): Promise<void> {
		if (this.#stopped) return Promise.resolve();
		return new Promise((resolve) => {
			const cancel = this.#parts.clock.after(delayMs, resolve);
			this.#endPause = () => {
				cancel();
				resolve();
			};
		});
	}
}

/** Nobody may wait for it. */
function newOutcome<T>(): PromiseWithResolvers<T> {
	const outcome = Promise.withResolvers<T>();
	outcome.promise.catch(() => {});
	return outcome;
}

function shuttingDown(): FanfareError {
	return new FanfareError(
		"shutting_down",
		"The server is shutting down. What you asked for has begun, and goes on after the next start.",
	);
}
