// What automatic disabling needs of the store. Health is kept up by `commit`, in its transaction, and begun anew by `updateWebhook`.
import type { Delivery } from "../core/delivery.ts";
import type { WebhookHealth } from "../core/webhook-health.ts";

/** What an update in a commit has meant for its webhook: a delivery was exhausted, or the first success came after such ones. */
export interface HealthTurn {
	readonly kind: "exhausted" | "recovered";
	/** As it is after the update. */
	readonly delivery: Delivery;
	readonly at: number;
	readonly before: WebhookHealth;
	readonly after: WebhookHealth;
}

export interface HealthStore {
	/** Deliveries of Fanfare's own events (`fanfare.*`) say nothing about it. */
	webhookHealth(webhookId: string): Promise<WebhookHealth>;
}
