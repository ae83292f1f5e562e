// Deliveries by hand: retried and cancelled one by one or by a filter.
import type { Delivery, DeliveryChange, DeliveryState, DeliveryStatus } from "../../core/delivery.ts";
import { FanfareError } from "../../core/errors.ts";
import type { DeliveryFilter } from "../../ports/store/log.ts";
import type { Deliveries, ManyChanged, Projects } from "../calls.ts";
import type { Committer } from "../committing/committer.ts";
import type { ReadyQueue } from "../delivering/ready-queue.ts";
import type { WebhookRegistry } from "../directory/webhook-registry.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { EngineParts } from "../parts.ts";

interface Neighbours {
	readonly committer: Committer;
	readonly queue: Pick<ReadyQueue, "discard">;
	readonly registry: WebhookRegistry;
	readonly live: LiveReporter;
	readonly projects: Pick<Projects, "get">;
	/** A delivery of this webhook is due then. */
	readonly due: (webhookId: string, at: number) => void;
}

/** Deliveries read and changed in one step; the event loop goes on between steps. */
const STEP = 200;
/** Deliveries looked at by one call with a filter. */
const MAX_PER_CALL = 10_000;
const RETRIED: readonly DeliveryStatus[] = ["Failed", "Cancelled", "Pending"];
const CANCELLED: readonly DeliveryStatus[] = ["Pending", "Held"];

export class DeliveryCalls implements Deliveries {
	readonly #parts: EngineParts;
	readonly #near: Neighbours;

	constructor(parts: EngineParts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
	}

	async retry(projectId: string, deliveryId: string): Promise<Delivery> {
		const delivery = await this.#find(projectId, deliveryId);
		if (!RETRIED.includes(delivery.status)) {
			throw notNow(
				`A delivery that is ${delivery.status} can't be retried. Those that are Failed, Cancelled or Pending can.`,
			);
		}
		if (!this.#isDeliverable(delivery.webhookId)) {
			throw new FanfareError(
				"webhook_not_active",
				"The delivery's webhook is paused, disabled or deleted. Resume it first.",
			);
		}
		if ((await this.#parts.store.eventBody(projectId, delivery.eventId)) === null) {
			throw new FanfareError("payload_erased", "The event's payload was erased: there is nothing to send again.");
		}
		await this.#apply(delivery, { type: "retry", at: this.#parts.clock.now() });
		return this.#find(projectId, deliveryId);
	}

	async cancel(projectId: string, deliveryId: string): Promise<Delivery> {
		const delivery = await this.#find(projectId, deliveryId);
		if (!CANCELLED.includes(delivery.status)) {
			throw notNow(`A delivery that is ${delivery.status} can't be cancelled. Those that are Pending or Held can.`);
		}
		await this.#apply(delivery, CANCEL);
		return this.#find(projectId, deliveryId);
	}

	retryMany(projectId: string, filter: DeliveryFilter): Promise<ManyChanged> {
		return this.#many(projectId, filter, (delivery) => {
			if (!RETRIED.includes(delivery.status) || !this.#isDeliverable(delivery.webhookId)) return null;
			return { type: "retry", at: this.#parts.clock.now() };
		});
	}

	cancelMany(projectId: string, filter: DeliveryFilter): Promise<ManyChanged> {
		return this.#many(projectId, filter, ({ status }) => (CANCELLED.includes(status) ? CANCEL : null));
	}

	/** Goes through what matches, newest first, in steps. */
	async #many(
		projectId: string,
		filter: DeliveryFilter,
		changeOf: (delivery: Delivery) => DeliveryChange | null,
	): Promise<ManyChanged> {
		this.#near.projects.get(projectId);
		let [matched, changed] = [0, 0];
		let before: string | null = null;
		while (matched < MAX_PER_CALL) {
			const cursor = before === null ? null : ({ direction: "older", id: before } as const);
			const { rows, hasOlder } = await this.#parts.store.deliveries(projectId, filter, { limit: STEP, cursor });
			matched += rows.length;
			changed += await this.#applyAll(rows, changeOf);
			before = rows.at(-1)?.id ?? null;
			if (!hasOlder || before === null) return { matched, changed, complete: true };
		}
		return { matched, changed, complete: false };
	}

	async #applyAll(rows: readonly Delivery[], changeOf: (delivery: Delivery) => DeliveryChange | null): Promise<number> {
		const changed = await Promise.all(
			rows.map((delivery) => {
				const change = changeOf(delivery);
				return change === null ? Promise.resolve(false) : this.#apply(delivery, change);
			}),
		);
		return changed.filter(Boolean).length;
	}

	/** True if it changed the delivery. Two at once make one change: the second finds it done. */
	async #apply(delivery: Delivery, change: DeliveryChange): Promise<boolean> {
		const at = this.#parts.clock.now();
		const state = await this.#near.committer.update({ deliveryId: delivery.id, at, change, attempt: null });
		if (state === null) return false;
		if (state.status === "Cancelled") this.#near.queue.discard(delivery.id);
		else if (state.nextAttemptAt !== null && state.leaseUntil === null) {
			this.#near.due(delivery.webhookId, state.nextAttemptAt);
		}
		const changed = differs(delivery, state);
		if (changed) this.#near.live.deliveryUpdated(delivery, state);
		return changed;
	}

	async #find(projectId: string, deliveryId: string): Promise<Delivery> {
		this.#near.projects.get(projectId);
		const delivery = await this.#parts.store.delivery(projectId, deliveryId);
		if (delivery === null) throw new FanfareError("delivery_not_found", "There is no such delivery in this project.");
		return delivery;
	}

	#isDeliverable(webhookId: string): boolean {
		const found = this.#near.registry.find(webhookId);
		return found !== undefined && found.record.deleteDate === null && found.record.status === "Enabled";
	}
}

const CANCEL = { type: "cancel", reason: "cancelled by hand" } as const;

function notNow(message: string): FanfareError {
	return new FanfareError("delivery_not_changeable", message);
}

function differs(before: DeliveryState, after: DeliveryState): boolean {
	return before.status !== after.status || before.nextAttemptAt !== after.nextAttemptAt;
}
