// The sweeper: after a webhook was paused, disabled, deleted or resumed, it brings the waiting deliveries of the
// webhook into the state that follows from that, in small steps. Deliveries that are in that state already are left
// alone, so a sweep may be repeated after a crash.
import type { DeliveryChange, DeliveryStatus } from "../../core/delivery.ts";
import { heldReason, isDeliverable } from "../../core/webhook.ts";
import type { QueueStore } from "../../ports/store/queue.ts";
import type { Directory } from "../directory/directory.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { PartsOn } from "../parts.ts";

type Parts = Pick<PartsOn<QueueStore>, "store" | "clock" | "observer">;

interface Neighbours {
	readonly directory: Directory;
	readonly live: LiveReporter;
	/** Told when deliveries of a webhook that were Held are due, and when a deleted webhook has none left. */
	readonly line: { due(webhookId: string, at: number): void; forget(webhookId: string): void };
}

/** One kind of change that a sweep makes: to all deliveries of the webhook in status `from`. */
interface Sweep {
	readonly from: DeliveryStatus;
	readonly change: DeliveryChange;
}

/** Deliveries changed in one transaction. This takes a few milliseconds, so that sends hardly have to wait. */
const STEP = 250;
const RETRY_AFTER_MS = 1_000;

/**
 * States of a webhook here: not swept ──sweep──▶ sweeping ──nothing left to change──▶ not swept
 *
 * - sweeping: steps are made until nothing is left to change. If `sweep` is called meanwhile, another sweep follows
 *   this one. If the store fails, the sweep ends, and a timer begins it anew a second later.
 *
 * The sweeper itself is running from the beginning until `stop`.
 */
export class Sweeper {
	readonly #parts: Parts;
	readonly #near: Neighbours;
	readonly #sweeping = new Map<string, Promise<void>>();
	/** Webhooks that changed again while they were swept. */
	readonly #again = new Set<string>();
	#running = true;

	constructor(parts: Parts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
	}

	/**
	 * Finishes what a stop or a crash has interrupted: sweeps each webhook whose deliveries may not be in the state
	 * that follows from the webhook's. Deliverable webhooks are swept one by one in the background, since there may be
	 * many and few of them need it.
	 */
	async start(): Promise<void> {
		const deliverable: string[] = [];
		for (const { record } of this.#near.directory.webhooks()) {
			if (isDeliverable(record)) deliverable.push(record.id);
			else this.sweep(record.id);
		}
		const { Held: held } = await this.#parts.store.countOpen();
		if (held > 0) void this.#sweepOneByOne(deliverable);
	}

	/** Begins to sweep a webhook. If it is being swept already, another sweep follows. */
	sweep(webhookId: string): void {
		if (!this.#running) return;
		if (this.#sweeping.has(webhookId)) {
			this.#again.add(webhookId);
			return;
		}
		const sweep = this.#run(webhookId)
			.catch((error: unknown) => this.#tryLater(webhookId, error))
			.finally(() => {
				this.#sweeping.delete(webhookId);
				if (this.#again.delete(webhookId)) this.sweep(webhookId);
			});
		this.#sweeping.set(webhookId, sweep);
	}

	/** Resolves when no sweep is under way. */
	async idle(): Promise<void> {
		while (this.#sweeping.size > 0) await Promise.all(this.#sweeping.values());
	}

	/**
	 * Resolves after the steps under way. The next start of the engine goes on with the sweeps that are not finished.
	 */
	async stop(): Promise<void> {
		this.#running = false;
		await Promise.all(this.#sweeping.values());
	}

	/** A sweep handles its own failures, so this never rejects. */
	async #sweepOneByOne(webhookIds: readonly string[]): Promise<void> {
		for (const webhookId of webhookIds) {
			if (!this.#running) return;
			this.sweep(webhookId);
			await this.#sweeping.get(webhookId);
		}
	}

	async #run(webhookId: string): Promise<void> {
		// Each step reads the webhook's status anew, and a caller that changes the status calls `sweep` again.
		while (this.#running && !(await this.#step(webhookId))) {
			await new Promise((resolve) => setImmediate(resolve));
		}
		const webhook = this.#near.directory.webhook(webhookId);
		if (this.#running && webhook !== undefined && webhook.record.deleteDate !== null) {
			this.#near.directory.forgetWebhook(webhookId);
			this.#near.line.forget(webhookId);
		}
	}

	/** Makes one step. True if nothing is left to change. */
	async #step(webhookId: string): Promise<boolean> {
		for (const { from, change } of this.#sweeps(webhookId)) {
			const now = this.#parts.clock.now();
			const count = await this.#parts.store.sweepWebhook(webhookId, from, change, now, STEP);
			const projectId = this.#near.directory.webhook(webhookId)?.record.projectId;
			if (projectId !== undefined) this.#near.live.deliveriesUpdated(projectId, webhookId, change, count);
			if (change.type === "resume" && count > 0) this.#near.line.due(webhookId, now);
			if (count === STEP) return false;
		}
		return true;
	}

	/** The changes that follow from the webhook's state. */
	#sweeps(webhookId: string): readonly Sweep[] {
		const webhook = this.#near.directory.webhook(webhookId);
		if (webhook === undefined || webhook.record.deleteDate !== null) {
			const cancel = { type: "cancel", reason: "the webhook was deleted" } as const;
			return [
				{ from: "Pending", change: cancel },
				{ from: "Held", change: cancel },
			];
		}
		if (isDeliverable(webhook.record)) {
			return [{ from: "Held", change: { type: "resume", at: this.#parts.clock.now() } }];
		}
		return [{ from: "Pending", change: { type: "hold", reason: heldReason(webhook.armed) } }];
	}

	#tryLater(webhookId: string, error: unknown): void {
		this.#parts.observer.problem("waiting deliveries could not be swept; this is tried again", error);
		this.#parts.clock.after(RETRY_AFTER_MS, () => this.sweep(webhookId));
	}
}
