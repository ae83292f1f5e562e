// A background loop: runs its work again and again, an interval apart, and stops cleanly.
import type { EngineParts } from "../parts.ts";

type Parts = Pick<EngineParts, "clock" | "observer">;

interface PeriodicOptions {
	/** The time from the end of one run to the start of the next. */
	readonly everyMs: number;
	/** The time from `start` to the first run; defaults to `everyMs`. */
	readonly firstAfterMs?: number;
	/** One run. Long work checks `running` between its steps and returns early when the loop is being stopped. */
	readonly work: () => Promise<void>;
	/** What the observer is told when a run fails. The next run follows at its usual time. */
	readonly problem: string;
}

/**
 * States:
 * - stopped: the initial state. Nothing is planned.
 * - waiting: entered by `start`, and after each run. A timer is set for the next run.
 * - working: entered when the timer fires, or by `startNow`. One run is under way; runs never overlap.
 * - stopping: entered by `stop` from working, left for stopped when the run ends, or for working if the loop is started
 *   again.
 *
 * ```
 * stopped ──start──▶ waiting ──interval──▶ working ──done or failed──▶ waiting
 *    ▲                  │                   │  ▲
 *    ├──────stop────────┘              stop ▼  │ start
 *    └──────────────done or failed───────── stopping
 * ```
 *
 * @example
 * const loop = new Periodic(parts, { everyMs: 60_000, work: () => cleanUp(), problem: "the clean-up failed" });
 * loop.start();
 * await loop.stop();
 */
export class Periodic {
	readonly #parts: Parts;
	readonly #options: PeriodicOptions;
	#state: "stopped" | "waiting" | "working" | "stopping" = "stopped";
	#run: Promise<void> = Promise.resolve();
	/** Whether another run follows the one under way. */
	#isHurried = false;
	/** When the timer fires, in monotonic time. */
	#nextAt = 0;
	#cancelTimer: () => void = () => {};
	/** Ends the pause under way, if there is one. */
	#endPause: () => void = () => {};

	constructor(parts: Parts, options: PeriodicOptions) {
		this.#parts = parts;
		this.#options = options;
	}

	/** False before `start` and from the call of `stop` on. */
	get running(): boolean {
		return this.#state === "waiting" || this.#state === "working";
	}

	/** The time until the next run, in milliseconds; 0 while one is under way, and null if none is planned. */
	get nextRunMs(): number | null {
		if (this.#state === "working") return 0;
		return this.#state === "waiting" ? Math.max(0, this.#nextAt - this.#parts.clock.monotonicMs()) : null;
	}

	/** Plans the first run. Does nothing if the loop is running. */
	start(): void {
		if (this.#state === "stopping") this.#state = "working";
		else if (this.#state === "stopped") this.#wait(this.#options.firstAfterMs ?? this.#options.everyMs);
	}

	/** Like `start`, but makes the first run at once. Resolves when that run has ended, also if it failed. */
	async startNow(): Promise<void> {
		if (this.#state === "stopping") this.#state = "working";
		else if (this.#state === "stopped") this.#work();
		await this.#run;
	}

	/** Makes the next run at once, or after the one under way. Does nothing if the loop is not running. */
	hurry(): void {
		if (this.#state === "working") this.#isHurried = true;
		if (this.#state !== "waiting") return;
		this.#cancelTimer();
		this.#work();
	}

	/** Resolves when the run under way has ended; it never rejects. No run follows. */
	async stop(): Promise<void> {
		if (this.#state === "waiting") {
			this.#cancelTimer();
			this.#state = "stopped";
		} else if (this.#state === "working") {
			this.#state = "stopping";
			this.#endPause();
		}
		await this.#run;
	}

	/** For long work: waits between two of its steps. `stop` ends the wait early. */
	pause(delayMs: number): Promise<void> {
		if (!this.running) return Promise.resolve();
		return new Promise((resolve) => {
			const cancel = this.#parts.clock.after(delayMs, resolve);
			this.#endPause = () => {
				cancel();
				resolve();
			};
		});
	}

	#wait(delayMs: number): void {
		this.#state = "waiting";
		this.#nextAt = this.#parts.clock.monotonicMs() + delayMs;
		this.#cancelTimer = this.#parts.clock.after(delayMs, () => this.#work());
	}

	#work(): void {
		this.#state = "working";
		this.#isHurried = false;
		this.#run = this.#runOnce();
	}

	async #runOnce(): Promise<void> {
		try {
			await this.#options.work();
		} catch (error) {
			this.#parts.observer.problem(this.#options.problem, error);
		}
		if (this.running) this.#wait(this.#isHurried ? 0 : this.#options.everyMs);
		else this.#state = "stopped";
	}
}
