// The sweeper: after a webhook was paused, disabled, deleted or resumed, it has the store bring the waiting deliveries of
// the webhook into the state that follows from that, in small steps. Deliveries that are in that state already are left
// alone, so a sweep may be repeated after a crash.
import { Rotation } from "../../core/concurrency/rotation.ts";
import type { QueueStore, SweepStep, WebhooksToSweep } from "../../ports/store/queue.ts";
import { nextTurn } from "../background/next-turn.ts";
import type { Directory } from "../directory/directory.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { PartsOn } from "../parts.ts";

type Parts = Pick<PartsOn<QueueStore>, "store" | "clock" | "observer">;

interface Neighbours {
	readonly directory: Pick<Directory, "webhook" | "forgetWebhook">;
	readonly live: Pick<LiveReporter, "deliveriesUpdated">;
	/** Told when deliveries of a webhook that were Held are due. */
	readonly line: { due(webhookId: string, at: number): void };
}

/** Deliveries changed in one transaction. This takes a few milliseconds, so that sends hardly have to wait. */
const STEP = 250;
/** Webhooks that a start looks at in one call of the store: some 15 ms. */
const LOOK_STEP = 5_000;
const RETRY_AFTER_MS = 1_000;
/** If the steps of this many webhooks fail without a success between them, it is the store that fails, and not the webhooks. */
const FAILING_IN_STORE = 8;
/** Whose turn it is for webhooks of which this process does not know the project. */
const UNKNOWN = "";

/**
 * Makes one step at a time: projects take turns, in each of them its customers, and of each customer the waiting webhooks. So
 * neither sends nor other webhooks wait long for a webhook with many deliveries, nor for many webhooks of one project. The
 * store decides what a step does; of what this process knows of the webhook, only whose turn it is depends. Webhooks that it
 * does not know, such as deleted ones after a start, take turns as those of one project.
 *
 * States: idle ──sweep──▶ sweeping ──no webhook waits──▶ idle
 *                         sweeping ──FAILING_IN_STORE webhooks──▶ backing off ──RETRY_AFTER_MS later──▶ sweeping
 *         any ──stop──▶ stopped
 *
 * - idle: no webhook waits for a step, though some may wait since their last step has failed.
 * - sweeping: a step is under way, or begins in the next turn of the event loop. A webhook whose step left something to
 *   change waits for another one, behind the others of its customer. If `sweep` is called during its step, it waits for another one, too.
 *   One whose step has failed rests for RETRY_AFTER_MS; the others do not wait for it.
 * - backing off: the store fails. A timer is set, and webhooks wait. The first failure afterwards leads back here.
 * - stopped: no further step begins. There is no way back.
 */
export class Sweeper {
	readonly #parts: Parts;
	readonly #near: Neighbours;
	/** Webhooks that wait for a step. */
	readonly #waiting = new Rotation<string>();
	/** Webhooks whose last step has failed, and when they wait for another one, in monotonic time. The earliest comes first. */
	readonly #resting = new Map<string, number>();
	/** Webhooks whose steps have failed since the last success. */
	readonly #failing = new Set<string>();
	#state: "idle" | "sweeping" | "backing off" | "stopped" = "idle";
	#sweeping: Promise<void> = Promise.resolve();
	#cancelBackoff = (): void => {};
	/** Null if no webhook rests. */
	#cancelRest: (() => void) | null = null;

	constructor(parts: Parts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
	}

	/** Goes on with the sweeps that a stop or a crash has interrupted. Resolves when they are known, not when they are done. */
	async start(): Promise<void> {
		for (let after: string | null = null; ;) {
			const { webhookIds, next }: WebhooksToSweep = await this.#parts.store.webhooksToSweep(after, LOOK_STEP);
			for (const webhookId of webhookIds) this.sweep(webhookId);
			if (next === null) return;
			after = next;
		}
	}

	/** Begins to sweep a webhook. If a step of it is under way, another one follows. */
	sweep(webhookId: string): void {
		if (this.#state === "stopped") return;
		this.#wait(webhookId);
		if (this.#state === "idle") this.#begin();
	}

	/**
	 * Resolves after the step under way. The next start of the engine goes on with the sweeps that are not finished.
	 */
	async stop(): Promise<void> {
		this.#state = "stopped";
		this.#cancelBackoff();
		this.#cancelRest?.();
		await this.#sweeping;
	}

	/** A webhook of a project that is deleted stays that project's until it is forgotten. */
	#wait(webhookId: string): void {
		const { projectId = UNKNOWN, customerId = null } = this.#near.directory.webhook(webhookId) ?? {};
		this.#waiting.add(projectId, customerId, webhookId);
	}

	#begin(): void {
		this.#state = "sweeping";
		this.#sweeping = this.#sweepAll();
	}

	/** Makes steps until no webhook waits or the state changes. It handles its own failures and never rejects. */
	async #sweepAll(): Promise<void> {
		for (let webhookId = this.#waiting.take(); webhookId !== undefined; webhookId = this.#waiting.take()) {
			try {
				if (!(await this.#step(webhookId))) this.#wait(webhookId);
				this.#failing.clear();
			} catch (error) {
				this.#failed(webhookId, error);
			}
			// Calls of the store that were made meanwhile go first.
			await nextTurn(this.#parts.clock);
			if (this.#state !== "sweeping") return;
		}
		this.#state = "idle";
	}

	/** Makes one step. True if nothing is left to change. */
	async #step(webhookId: string): Promise<boolean> {
		const now = this.#parts.clock.now();
		const step = await this.#parts.store.sweepWebhook(webhookId, now, STEP);
		this.#report(webhookId, step);
		if (step.change.type === "resume" && step.count > 0) this.#near.line.due(webhookId, now);
		if (step.change.type === "cancel" && step.done) this.#forget(webhookId);
		return step.done;
	}

	#report(webhookId: string, { change, count }: SweepStep): void {
		const projectId = this.#projectOf(webhookId);
		if (projectId !== undefined) this.#near.live.deliveriesUpdated(projectId, webhookId, change, count);
	}

	#projectOf(webhookId: string): string | undefined {
		return this.#near.directory.webhook(webhookId)?.projectId;
	}

	/** Forgets a deleted webhook. If memory does not know of its deletion yet, it is swept again once it does. */
	#forget(webhookId: string): void {
		const webhook = this.#near.directory.webhook(webhookId);
		if (webhook !== undefined && webhook.deleteDate !== null) this.#near.directory.forgetWebhook(webhookId);
	}

	#failed(webhookId: string, error: unknown): void {
		const facts = { projectId: this.#projectOf(webhookId), webhookId };
		this.#parts.observer.problem("waiting deliveries could not be swept; this is tried again", error, facts);
		if (this.#state !== "sweeping") return;
		this.#resting.delete(webhookId);
		this.#resting.set(webhookId, this.#parts.clock.monotonicMs() + RETRY_AFTER_MS);
		this.#awaitRested();
		this.#failing.add(webhookId);
		if (this.#failing.size < FAILING_IN_STORE) return;
		this.#state = "backing off";
		this.#cancelBackoff = this.#parts.clock.after(RETRY_AFTER_MS, () => this.#begin());
	}

	/** Sets a timer for the webhook that has rested for longest. */
	#awaitRested(): void {
		const [until] = this.#resting.values();
		if (until === undefined || this.#cancelRest !== null) return;
		const delayMs = Math.max(0, until - this.#parts.clock.monotonicMs());
		this.#cancelRest = this.#parts.clock.after(delayMs, () => {
			this.#cancelRest = null;
			this.#wakeRested();
		});
	}

	#wakeRested(): void {
		const now = this.#parts.clock.monotonicMs();
		for (const [webhookId, until] of this.#resting) {
			if (until > now) break;
			this.#resting.delete(webhookId);
			this.#wait(webhookId);
		}
		this.#awaitRested();
		if (this.#state === "idle" && !this.#waiting.isEmpty) this.#begin();
	}
}
