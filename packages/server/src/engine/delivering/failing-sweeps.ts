// The webhooks whose sweeps fail or have met a lock: when each is swept again, and how much of the sweeper's time all of them together may take.
import { Rotation } from "../../core/concurrency/rotation.ts";
import { Schedule } from "../background/schedule.ts";

/** How long a webhook rests after its first failed step. The time doubles with each further one. */
const FIRST_REST_MS = 1_000;
const MAX_REST_MS = 16_000;
/**
 * After a failed retry, no other retry begins for this many times as long as it took, or for as many times as there are customers whose
 * webhooks wait for their sweeps: so failing webhooks take at most a quarter of the time, and no more than one customer has.
 */
const LEAST_PAUSE = 3;
/** What a failed retry counts at least: the clock may stand still meanwhile. */
const LEAST_MS = 5;
/** A failed retry takes ten seconds at most: the time of a statement. */
const MAX_PAUSE_MS = 30_000;

interface Failing {
	/** Failed steps in a row; 0 while it has only met a lock. */
	failures: number;
	/** Whether a sweep was asked for since the last step began. */
	isAskedFor: boolean;
}

/** Whom a webhook belongs to, for its turn. */
export interface SweepOwner {
	readonly projectId: string;
	readonly customerId: string | null;
}

/**
 * States of a webhook: well ──failed──▶ resting ──its time──▶ in line ──take──▶ under way ──succeeded──▶ well
 *                       │                    ▲────────────────failed───────────────┤▲
 *                       └──locked──▶ locked ──take────────────────────────────────────┘
 *
 * - well: its steps do not fail, as far as is known. The initial state; nothing is kept of it here.
 * - locked: its step was given up since others held a lock, which is no failure. It waits for its turn, without a rest: with those of others that
 *   have met a lock, before all that fail, also while these pause. If one of those has rested, each second turn is theirs.
 * - resting: its last step has failed. It rests for a time that doubles with each failure in a row, up to MAX_REST_MS.
 * - in line: it has rested, and waits for its turn: projects take turns, in each of them its customers, and of each the webhooks. Those that
 *   have failed once come first: most of them are well, and have lost a connection.
 * - under way: `take` has returned it, and its step is being made.
 */
export class FailingSweeps {
	readonly #ownerOf: (webhookId: string) => SweepOwner;
	readonly #failing = new Map<string, Failing>();
	readonly #resting = new Schedule<string>();
	readonly #failedOnce = new Rotation<string>();
	readonly #line = new Rotation<string>();
	readonly #locked = new Rotation<string>();
	#wasLocked = false;
	/** No retry of one that fails begins earlier, in monotonic time. */
	#notBefore = -Infinity;

	constructor(ownerOf: (webhookId: string) => SweepOwner) {
		this.#ownerOf = ownerOf;
	}

	has(webhookId: string): boolean {
		return this.#failing.has(webhookId);
	}

	/** A sweep of this webhook is asked for. False if it does not fail; otherwise its retry makes the sweep, not earlier than it would. */
	ask(webhookId: string): boolean {
		const failing = this.#failing.get(webhookId);
		if (failing === undefined) return false;
		failing.isAskedFor = true;
		return true;
	}

	/** The webhook whose retry is next; undefined if none may begin now. */
	take(now: number): string | undefined {
		const webhookId = this.#wasLocked
			? (this.#takeFailed(now) ?? this.#locked.take())
			: (this.#locked.take() ?? this.#takeFailed(now));
		const failing = webhookId === undefined ? undefined : this.#failing.get(webhookId);
		if (failing !== undefined) failing.isAskedFor = false;
		this.#wasLocked = failing?.failures === 0;
		return webhookId;
	}

	#takeFailed(now: number): string | undefined {
		if (now < this.#notBefore) return undefined;
		for (const webhookId of this.#resting.takeDue(now)) {
			const { projectId, customerId } = this.#ownerOf(webhookId);
			const line = this.#failing.get(webhookId)?.failures === 1 ? this.#failedOnce : this.#line;
			line.add(projectId, customerId, webhookId);
		}
		return this.#failedOnce.take() ?? this.#line.take();
	}

	/** When the next retry may begin, in monotonic time; Infinity if no webhook fails. */
	nextAt(): number {
		if (!this.#locked.isEmpty) return -Infinity;
		const isEmpty = this.#failedOnce.isEmpty && this.#line.isEmpty;
		return Math.max(this.#notBefore, isEmpty ? this.#resting.nextAt() : -Infinity);
	}

	/** A step of this webhook was given up since others held a lock. Its retry waits as long as any change. */
	locked(webhookId: string): void {
		const { projectId, customerId } = this.#ownerOf(webhookId);
		this.#failing.set(webhookId, { failures: 0, isAskedFor: false });
		this.#locked.add(projectId, customerId, webhookId);
	}

	/** A step of this webhook has failed after this time, while so many customers had webhooks that wait for theirs. */
	failed(webhookId: string, now: number, ms: number, customers: number): void {
		const failing = this.#failing.get(webhookId) ?? { failures: 0, isAskedFor: false };
		this.#failing.set(webhookId, failing);
		if (failing.failures > 0) {
			const pauseMs = Math.max(LEAST_MS, ms) * Math.max(LEAST_PAUSE, customers);
			this.#notBefore = now + Math.min(MAX_PAUSE_MS, pauseMs);
		}
		this.#resting.schedule(webhookId, now + Math.min(MAX_REST_MS, FIRST_REST_MS * 2 ** failing.failures));
		failing.failures++;
	}

	/** A step of this webhook was made: it is well. True if a sweep of it was asked for since the step began. */
	succeeded(webhookId: string): boolean {
		const failing = this.#failing.get(webhookId);
		this.#failing.delete(webhookId);
		return failing?.isAskedFor === true;
	}
}
