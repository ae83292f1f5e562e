// Publishes what the engine's parts do in the live stream.
import type { DeliveryChange, DeliveryState, DeliveryStatus } from "../../core/delivery.ts";
import type { Event } from "../../core/event.ts";
import type { Webhook } from "../../core/webhook.ts";
import type { AttemptOutcome } from "../../ports/sender.ts";
import type { LeasedDelivery } from "../../ports/store/queue.ts";
import type { LiveHub } from "./live-hub.ts";

interface Delivery {
	readonly id: string;
	readonly projectId: string;
	readonly webhookId: string;
	readonly eventId: string;
	readonly eventType: string;
}

/** The status after each change that is made to many deliveries at once. */
const STATUS_AFTER: { readonly [Type in DeliveryChange["type"]]?: DeliveryStatus } = {
	hold: "Held",
	resume: "Pending",
	cancel: "Cancelled",
	retry: "Pending",
};

/** Each call costs one look-up in a map while nobody watches the project. */
export class LiveReporter {
	readonly #hub: LiveHub;

	constructor(hub: LiveHub) {
		this.#hub = hub;
	}

	/** Called when an event is committed. */
	eventAccepted({ projectId, id, type, deliveryCount }: Event): void {
		if (!this.#hub.watches(projectId)) return;
		this.#hub.publish(projectId, { kind: "event.accepted", eventId: id, eventType: type, deliveryCount });
	}

	/** Called when an attempt has ended, before its outcome is committed. */
	attemptFinished(delivery: LeasedDelivery, outcome: AttemptOutcome, success: boolean): void {
		if (!this.#hub.watches(delivery.projectId)) return;
		this.#hub.publish(delivery.projectId, {
			kind: "attempt.finished",
			...names(delivery),
			number: delivery.attemptCount + 1,
			trigger: delivery.trigger,
			result: success ? "success" : "failure",
			responseCode: outcome.responseCode,
			error: outcome.error,
			durationMs: Math.round(outcome.durationMs),
		});
	}

	/** Called when a change of a delivery is committed. `state` is null if the delivery no longer exists. */
	deliveryUpdated(delivery: Delivery, state: DeliveryState | null): void {
		if (state === null || !this.#hub.watches(delivery.projectId)) return;
		const { status, reason, attemptCount, nextAttemptAt } = state;
		this.#hub.publish(delivery.projectId, {
			kind: "delivery.updated",
			...names(delivery),
			status,
			reason,
			attemptCount,
			nextAttemptDate: nextAttemptAt,
		});
	}

	/** Called when the same change of many deliveries of a webhook is committed. */
	deliveriesUpdated(projectId: string, webhookId: string, change: DeliveryChange, count: number): void {
		const status = STATUS_AFTER[change.type];
		if (status === undefined || count === 0 || !this.#hub.watches(projectId)) return;
		const reason = "reason" in change ? change.reason : null;
		this.#hub.publish(projectId, { kind: "deliveries.updated", webhookId, status, reason, count });
	}

	/** Called when a change of a webhook is committed. Only changes of its status are published. */
	webhookUpdated(before: Webhook, after: Webhook & { readonly deleteDate: number | null }): void {
		const deleted = after.deleteDate !== null;
		if ((before.status === after.status && !deleted) || !this.#hub.watches(after.projectId)) return;
		const status = deleted ? "Deleted" : after.status;
		this.#hub.publish(after.projectId, {
			kind: "webhook.updated",
			webhookId: after.id,
			status,
			reason: deleted ? null : after.disabledReason,
		});
	}
}

function names({ webhookId, eventId, eventType, id }: Delivery) {
	return { webhookId, eventId, eventType, deliveryId: id };
}
