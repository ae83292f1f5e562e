// Publishes what the engine's parts do in the live stream.
import type { EventCustomers } from "../../core/access/customer.ts";
import type { DeliveryChange, DeliveryState, DeliveryStatus } from "../../core/delivery.ts";
import type { Event } from "../../core/event.ts";
import type { LiveFact } from "../../core/live.ts";
import { replayProgress, type Replay, type ReplayWait } from "../../core/replay.ts";
import type { Webhook } from "../../core/webhook.ts";
import type { AttemptOutcome } from "../../ports/sender.ts";
import type { NewEvent } from "../../ports/store/accept.ts";
import type { LeasedDelivery } from "../../ports/store/queue.ts";
import type { Directory } from "../directory/directory.ts";
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
	readonly #directory: Pick<Directory, "webhook" | "isInternal" | "webhooksOf">;

	constructor(hub: LiveHub, directory: Pick<Directory, "webhook" | "isInternal" | "webhooksOf">) {
		this.#hub = hub;
		this.#directory = directory;
	}

	/** Whether anybody watches the project, so that there is somebody to tell. */
	isWatched(projectId: string): boolean {
		return this.#hub.watches(projectId);
	}

	/** Called when an event is committed. A customer is told of it if it has deliveries to the customer, and of their number. */
	eventAccepted({ event, deliveries }: Pick<NewEvent, "event" | "deliveries">): void {
		const { projectId, id, type, deliveryCount, tags } = event;
		if (!this.#hub.watches(projectId)) return;
		const named = { kind: "event.accepted", eventId: id, eventType: type, deliveryCount } as const;
		const fact = tags.length === 0 ? named : { ...named, tags };
		this.#hub.publish(projectId, fact, this.#namedBy(event));
		if (!this.#hub.watchesCustomers(projectId)) return;
		const counts = new Map<string, number>();
		for (const { webhookId } of deliveries) {
			const customerId = this.#customerOf(webhookId);
			if (customerId !== null) counts.set(customerId, (counts.get(customerId) ?? 0) + 1);
		}
		for (const [customerId, count] of counts) {
			this.#hub.publishTo(projectId, customerId, { ...fact, deliveryCount: count });
		}
	}

	/**
	 * The customers that an event is for, as texts that are in memory anyway: of a list, those who have webhooks. Up to a hundred texts
	 * for each item would take too much.
	 */
	#namedBy({ projectId, customers }: Event): EventCustomers {
		if (customers === null || typeof customers === "string") return customers;
		return customers.flatMap((customerId) => this.#directory.webhooksOf(projectId, customerId)[0]?.customerId ?? []);
	}

	/** The customer of a webhook, deleted or not. */
	#customerOf(webhookId: string): string | null {
		return this.#directory.webhook(webhookId)?.customerId ?? null;
	}

	#publish(projectId: string, fact: LiveFact & { readonly webhookId: string }): void {
		const customerId = this.#customerOf(fact.webhookId);
		this.#hub.publish(projectId, fact, customerId);
		const isHidden = "eventType" in fact && this.#directory.isInternal(projectId, fact.eventType);
		if (customerId !== null && !isHidden) this.#hub.publishTo(projectId, customerId, fact);
	}

	/** Called when an attempt has ended, before its outcome is committed. */
	attemptFinished(delivery: LeasedDelivery, outcome: AttemptOutcome, success: boolean): void {
		if (!this.#hub.watches(delivery.projectId)) return;
		this.#publish(delivery.projectId, {
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
		this.#publish(delivery.projectId, {
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
		this.#publish(projectId, { kind: "deliveries.updated", webhookId, status, reason, count });
	}

	/** Called when a webhook was created, after it is in the directory: the stream looks there whose it is. */
	webhookCreated({ id: webhookId, projectId, status }: Pick<Webhook, "id" | "projectId" | "status">): void {
		if (!this.#hub.watches(projectId)) return;
		this.#publish(projectId, { kind: "webhook.created", webhookId, status, reason: null });
	}

	/** Called when a change of a webhook is committed. */
	webhookUpdated(after: Webhook & { readonly deleteDate: number | null }): void {
		if (!this.#hub.watches(after.projectId)) return;
		const deleted = after.deleteDate !== null;
		this.#publish(after.projectId, {
			kind: "webhook.updated",
			webhookId: after.id,
			status: deleted ? "Deleted" : after.status,
			reason: deleted ? null : after.disabledReason,
		});
	}

	/**
	 * Called when a change of a replay is committed; by the replayer at most once a second while it runs, and when it begins to wait, or goes on.
	 */
	replayUpdated(replay: Replay, waitingFor: ReplayWait | null = null): void {
		const { id: replayId, projectId, webhookId, status, scannedCount, deliveryCount } = replay;
		if (!this.#hub.watches(projectId)) return;
		const progress = replayProgress(replay);
		this.#publish(projectId, {
			kind: "replay.updated",
			replayId,
			webhookId,
			status,
			scannedCount,
			deliveryCount,
			progress,
			...(waitingFor !== null && { waitingFor }),
		});
	}
}

function names({ webhookId, eventId, eventType, id }: Delivery) {
	return { webhookId, eventId, eventType, deliveryId: id };
}
