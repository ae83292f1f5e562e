// Leases of deliveries that were dropped from memory since their webhook was not deliverable. The sweep ends them, unless the webhook is
// deliverable again before it was swept: then nothing else would before their time is over.
import type { Clock } from "../../../core/clock.ts";
import type { DeliveryLease } from "../../../ports/store/queue.ts";

/**
 * Keeps the leases of a webhook until they end.
 *
 * @example
 * const dropped = new DroppedLeases(clock);
 * dropped.add("webhook_1", leases); // paused
 * for (const lease of dropped.take("webhook_1")) release(lease); // resumed
 */
export class DroppedLeases {
	readonly #clock: Pick<Clock, "now">;
	/** By webhook, in the order in which they were dropped. */
	readonly #leases = new Map<string, readonly DeliveryLease[]>();

	constructor(clock: Pick<Clock, "now">) {
		this.#clock = clock;
	}

	add(webhookId: string, leases: readonly DeliveryLease[]): void {
		if (leases.length === 0) return;
		this.#leases.set(webhookId, [...this.take(webhookId), ...leases]);
		const now = this.#clock.now();
		for (const [id, dropped] of this.#leases) {
			if (dropped.some(({ leaseUntil }) => leaseUntil > now)) break;
			this.#leases.delete(id);
		}
	}

	/** Removes and returns the leases of a webhook that have not ended. */
	take(webhookId: string): readonly DeliveryLease[] {
		const leases = this.#leases.get(webhookId) ?? [];
		this.#leases.delete(webhookId);
		const now = this.#clock.now();
		return leases.filter(({ leaseUntil }) => leaseUntil > now);
	}
}
