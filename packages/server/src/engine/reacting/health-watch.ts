// The health watch: reports the health changes of each commit as own events, and disables webhooks that have failed for
// long.
import { disableReason, hasFailedForLong, type WebhookHealth } from "../../core/policies/webhook-health.ts";
import { isDeliverable } from "../../core/webhook.ts";
import type { HealthChange } from "../../ports/store/accept.ts";
import type { WebhookRecord } from "../../ports/store/directory.ts";
import type { StatsStore } from "../../ports/store/stats.ts";
import type { Directory } from "../directory/directory.ts";
import type { WebhookCalls } from "../managing/webhook-calls.ts";
import type { PartsOn } from "../parts.ts";
import type { OwnEvents } from "./own-events.ts";

type Parts = Pick<PartsOn<StatsStore>, "store" | "observer">;

interface Neighbours {
	readonly directory: Pick<Directory, "webhook">;
	readonly webhooks: Pick<WebhookCalls, "disable">;
	readonly events: OwnEvents;
}

/** Reacts to health changes after their commit, so that sends and outcomes never wait for it. */
export class HealthWatch {
	readonly #parts: Parts;
	readonly #near: Neighbours;
	/** Webhooks that are being disabled. */
	readonly #disabling = new Set<string>();

	constructor(parts: Parts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
	}

	/** Called with the health changes of each commit. Never throws and never waits. */
	changed(changes: readonly HealthChange[]): void {
		for (const change of changes) {
			const record = this.#near.directory.webhook(change.delivery.webhookId)?.record;
			if (record === undefined || record.deleteDate !== null) continue;
			this.#emit(change, record);
			if (change.kind === "exhausted") this.#disableIfDue(record, change.after, change.at);
		}
	}

	/** A receiver responded with 410: its webhook is disabled. Never throws and never waits. */
	gone(webhookId: string): void {
		this.#near.webhooks
			.disable(webhookId, "the receiver answered 410 Gone")
			.catch((error: unknown) => this.#parts.observer.problem("a webhook could not be disabled", error));
	}

	/** A webhook begins to fail with the first exhausted delivery after a success or after its health was reset. */
	#emit({ kind, delivery, before, after }: HealthChange, { id: webhookId, name, projectId }: WebhookRecord): void {
		const { events } = this.#near;
		if (kind === "recovered") {
			const { failingSince, exhaustedCount } = before;
			const data = { webhookId, name, failingSince, exhaustedCount };
			events.emit(projectId, { type: "fanfare.webhook.recovered", data });
			return;
		}
		const { id: deliveryId, eventId, eventType, attemptCount, responseCode, reason } = delivery;
		const data = { deliveryId, webhookId, eventId, eventType, attemptCount, responseCode, reason };
		events.emit(projectId, { type: "fanfare.delivery.exhausted", data });
		if (before.exhaustedCount > 0) return;
		const { failingSince } = after;
		events.emit(projectId, { type: "fanfare.webhook.failing", data: { webhookId, name, failingSince, reason } });
	}

	#disableIfDue(record: WebhookRecord, health: WebhookHealth, at: number): void {
		if (!isDeliverable(record) || this.#disabling.has(record.id)) return;
		if (!hasFailedForLong(health, record.disableAfterMs, at)) return;
		this.#disabling.add(record.id);
		this.#disable(record, at)
			.finally(() => this.#disabling.delete(record.id))
			.catch((error: unknown) => this.#parts.observer.problem("a failing webhook could not be disabled", error));
	}

	/**
	 * The webhook may have been resumed or changed since the commit. Then its health or its revision has changed, and it is
	 * left alone.
	 */
	async #disable(record: WebhookRecord, at: number): Promise<void> {
		const health = await this.#parts.store.webhookHealth(record.id);
		if (!hasFailedForLong(health, record.disableAfterMs, at)) return;
		await this.#near.webhooks.disable(record.id, disableReason(health, at), record.revision);
	}
}
