// The sweeper: after a webhook was paused, disabled, deleted or let go again, brings its waiting deliveries into the state
// that follows from that, in small steps. What it finds done is not done again, so a crash on the way costs nothing.
import type { DeliveryChange, DeliveryStatus } from "../../core/delivery.ts";
import { heldReason } from "../../core/webhook.ts";
import type { WebhookRegistry } from "../directory/webhook-registry.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { EngineParts } from "../parts.ts";

interface Neighbours {
	readonly registry: WebhookRegistry;
	readonly live: LiveReporter;
	/** Held deliveries of this webhook are due now. */
	readonly due: (webhookId: string, at: number) => void;
}

interface Sweep {
	readonly from: DeliveryStatus;
	readonly change: DeliveryChange;
}

/** Deliveries changed in one transaction: some milliseconds, so that sends hardly notice. */
const STEP = 250;
const RETRY_AFTER_MS = 1_000;

export class Sweeper {
	readonly #parts: EngineParts;
	readonly #near: Neighbours;
	readonly #sweeping = new Map<string, Promise<void>>();
	/** Those that changed again while they were swept. */
	readonly #again = new Set<string>();
	#running = true;

	constructor(parts: EngineParts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
	}

	/** Begins to sweep a webhook, or sees to it that a sweep under way looks again. */
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

	/** Stops after the step under way; the next start goes on. */
	async stop(): Promise<void> {
		this.#running = false;
		await Promise.all(this.#sweeping.values());
	}

	async #run(webhookId: string): Promise<void> {
		// The status is looked up before each step; whoever changes it meanwhile calls `sweep` again.
		while (this.#running && !(await this.#step(webhookId))) {
			await new Promise((resolve) => setImmediate(resolve));
		}
		const webhook = this.#near.registry.find(webhookId);
		if (this.#running && webhook !== undefined && webhook.record.deleteDate !== null) {
			this.#near.registry.forget(webhookId);
		}
	}

	/** One transaction; true if nothing is left to change. */
	async #step(webhookId: string): Promise<boolean> {
		for (const { from, change } of this.#sweeps(webhookId)) {
			const now = this.#parts.clock.now();
			const count = await this.#parts.store.sweepWebhook(webhookId, from, change, now, STEP);
			const projectId = this.#near.registry.find(webhookId)?.record.projectId;
			if (projectId !== undefined) this.#near.live.deliveriesUpdated(projectId, webhookId, change, count);
			if (change.type === "resume" && count > 0) this.#near.due(webhookId, now);
			if (count === STEP) return false;
		}
		return true;
	}

	#sweeps(webhookId: string): readonly Sweep[] {
		const webhook = this.#near.registry.find(webhookId);
		if (webhook === undefined || webhook.record.deleteDate !== null) {
			const cancel = { type: "cancel", reason: "the webhook was deleted" } as const;
			return [
				{ from: "Pending", change: cancel },
				{ from: "Held", change: cancel },
			];
		}
		if (webhook.armed.status === "Enabled") {
			return [{ from: "Held", change: { type: "resume", at: this.#parts.clock.now() } }];
		}
		return [{ from: "Pending", change: { type: "hold", reason: heldReason(webhook.armed) } }];
	}

	#tryLater(webhookId: string, error: unknown): void {
		this.#parts.observer.problem("a webhook's deliveries could not be brought into its status", error);
		this.#parts.clock.after(RETRY_AFTER_MS, () => this.sweep(webhookId));
	}
}
