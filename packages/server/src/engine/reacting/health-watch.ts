// The health watch: after a commit tells what its outcomes mean for webhooks, and disables those that have failed for long.
import { disableReason, hasFailedForLong, type WebhookHealth } from "../../core/policies/webhook-health.ts";
import type { HealthChange } from "../../ports/store/accept.ts";
import type { WebhookRecord } from "../../ports/store/directory.ts";
import type { WebhookRegistry } from "../directory/webhook-registry.ts";
import type { WebhookCalls } from "../managing/webhook-calls.ts";
import type { EngineParts } from "../parts.ts";
import type { OwnEvents } from "./own-events.ts";

interface Neighbours {
	readonly registry: Pick<WebhookRegistry, "find">;
	readonly webhooks: Pick<WebhookCalls, "disable">;
	readonly events: OwnEvents;
}

export class HealthWatch {
	readonly #parts: Pick<EngineParts, "store" | "observer">;
	readonly #near: Neighbours;
	/** Webhooks that are being disabled. */
	readonly #disabling = new Set<string>();

	constructor(parts: Pick<EngineParts, "store" | "observer">, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
	}

	/** Called with what each commit has brought. Never throws and never waits. */
	changed(changes: readonly HealthChange[]): void {
		for (const change of changes) {
			const record = this.#near.registry.find(change.delivery.webhookId)?.record;
			if (record === undefined || record.deleteDate !== null) continue;
			this.#tell(change, record);
			if (change.kind === "exhausted") this.#disableIfDue(record, change.after, change.at);
		}
	}

	#tell({ kind, delivery, before, after }: HealthChange, { id: webhookId, name, projectId }: WebhookRecord): void {
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
		if (record.status !== "Enabled" || this.#disabling.has(record.id)) return;
		if (!hasFailedForLong(health, record.disableAfterMs, at)) return;
		this.#disabling.add(record.id);
		this.#disable(record, at)
			.catch((error: unknown) => this.#parts.observer.problem("a failing webhook could not be disabled", error))
			.finally(() => this.#disabling.delete(record.id))
			.catch((error: unknown) => this.#parts.observer.problem("the health watch failed", error));
	}

	/** Somebody may have resumed or changed it meanwhile: then its health, or its record, is another. */
	async #disable(record: WebhookRecord, at: number): Promise<void> {
		const health = await this.#parts.store.webhookHealth(record.id);
		if (!hasFailedForLong(health, record.disableAfterMs, at)) return;
		await this.#near.webhooks.disable(record.id, disableReason(health, at), record);
	}
}
