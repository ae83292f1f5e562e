// The health watch: reports the health changes of each commit as own events, and disables webhooks that have failed for
// long.
import { disableReason, hasFailedForLong, HEALTHY, type WebhookHealth } from "../../core/policies/webhook-health.ts";
import { isDeliverable } from "../../core/webhook.ts";
import type { HealthChange } from "../../ports/store/accept.ts";
import type { StatsStore } from "../../ports/store/stats.ts";
import type { Directory } from "../directory/directory.ts";
import type { KnownWebhook } from "../directory/webhook-table.ts";
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
			const webhook = this.#near.directory.webhook(change.delivery.webhookId);
			if (webhook === undefined || webhook.deleteDate !== null) continue;
			this.#emit(change, webhook);
			// As it is now: what the directory has changes in place.
			if (change.kind === "exhausted") this.#disableIfDue({ ...webhook }, change.after, change.at);
		}
	}

	/** A receiver responded with 410: its webhook is disabled. Never throws and never waits. */
	gone(webhookId: string): void {
		this.#near.webhooks
			.disable(webhookId, "the receiver responded with 410 Gone")
			.catch((error: unknown) => this.#failed("a webhook could not be disabled", webhookId, error));
	}

	#emit({ kind, delivery, before }: HealthChange, webhook: KnownWebhook): void {
		const { id: webhookId, name } = webhook;
		const { events } = this.#near;
		if (kind === "recovered") {
			const { failingSince, exhaustedCount } = before;
			const data = { webhookId, name, failingSince, exhaustedCount };
			events.emit(webhook, { type: "fanfare.webhook.recovered", data });
			return;
		}
		const { id: deliveryId, eventId, eventType, attemptCount, responseCode, reason } = delivery;
		const data = { deliveryId, webhookId, eventId, eventType, attemptCount, responseCode, reason };
		events.emit(webhook, { type: "fanfare.delivery.exhausted", data });
	}

	#disableIfDue(webhook: KnownWebhook, health: WebhookHealth, at: number): void {
		if (!isDeliverable(webhook) || this.#disabling.has(webhook.id)) return;
		if (!hasFailedForLong(health, webhook.disableAfterMs, at)) return;
		this.#disabling.add(webhook.id);
		this.#disable(webhook, at)
			.finally(() => this.#disabling.delete(webhook.id))
			.catch((error: unknown) => this.#failed("a failing webhook could not be disabled", webhook.id, error));
	}

	#failed(message: string, webhookId: string, error: unknown): void {
		const projectId = this.#near.directory.webhook(webhookId)?.projectId;
		this.#parts.observer.problem(message, error, { projectId, webhookId });
	}

	/**
	 * The webhook may have been resumed or changed since the commit. Then its health or its revision has changed, and it is
	 * left alone.
	 */
	async #disable(webhook: KnownWebhook, at: number): Promise<void> {
		const [health = HEALTHY] = await this.#parts.store.webhookHealth([webhook.id]);
		if (!hasFailedForLong(health, webhook.disableAfterMs, at)) return;
		await this.#near.webhooks.disable(webhook.id, disableReason(health, at), webhook.revision);
	}
}
