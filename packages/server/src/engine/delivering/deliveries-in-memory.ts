// Every delivery that is in memory, ready or in flight, by its id: its lease, and what has been heard of it since.
import type { LeasedDelivery } from "../../ports/store/queue.ts";

interface InMemory {
	readonly delivery: LeasedDelivery;
	leaseUntil: number;
	isInFlight: boolean;
	/** It was cancelled. If it is ready, it is skipped; if it is in flight, its attempt is not made unless that has begun. */
	isCancelled: boolean;
	/** The same delivery, claimed for its next attempt before this one was finished. */
	next: LeasedDelivery | null;
	/** `next` was cancelled while it was set. */
	hasLostNext: boolean;
	/** Its payload is erased: nothing can retry it, and the erasure cancels it in the store. */
	isErased: boolean;
	/** It goes back to the store without an attempt. If it is added meanwhile, it was claimed for another attempt. */
	isReturning: boolean;
}

/** The states of a delivery are documented in `ReadyQueue`, which alone uses this class. */
export class DeliveriesInMemory {
	readonly #all = new Map<string, InMemory>();

	/**
	 * Adds a delivery. False if it is in memory already: then its lease is extended, and if it was claimed for another attempt, that
	 * follows the present one.
	 */
	add(delivery: LeasedDelivery): boolean {
		const { id, leaseUntil, attemptCount } = delivery;
		const known = this.#all.get(id);
		if (known === undefined) {
			const heard = { isCancelled: false, next: null, hasLostNext: false, isErased: false };
			this.#all.set(id, { delivery, leaseUntil, isInFlight: false, isReturning: false, ...heard });
			return true;
		}
		known.leaseUntil = Math.max(known.leaseUntil, leaseUntil);
		const isLeaving = known.isReturning || (known.isCancelled && !known.isInFlight);
		if (isLeaving || attemptCount > known.delivery.attemptCount) known.next = delivery;
		return false;
	}

	/** Its attempt is about to begin. */
	began(deliveryId: string): void {
		const known = this.#all.get(deliveryId);
		if (known !== undefined) known.isInFlight = true;
	}

	cancelled(deliveryId: string, isErased: boolean): void {
		const known = this.#all.get(deliveryId);
		if (known === undefined) return;
		known.isErased ||= isErased;
		if (known.next !== null) known.hasLostNext = true;
		known.next = null;
		known.isCancelled = true;
	}

	isCancelled(deliveryId: string): boolean {
		return this.#all.get(deliveryId)?.isCancelled === true;
	}

	/** When its lease ends; 0 if it is not in memory. */
	leaseUntil(deliveryId: string): number {
		return this.#all.get(deliveryId)?.leaseUntil ?? 0;
	}

	/** Marks a delivery in flight that goes back to the store without an attempt. */
	returning(deliveryId: string): void {
		const known = this.#all.get(deliveryId);
		if (known !== undefined) known.isReturning = true;
	}

	/** Removes a delivery. Returns what it was at the end; undefined if it was not in memory. */
	remove(deliveryId: string): Readonly<Omit<InMemory, "delivery">> | undefined {
		const known = this.#all.get(deliveryId);
		this.#all.delete(deliveryId);
		return known;
	}

	/** The ids of an event's deliveries. Looks at all that are in memory. */
	ofEvent(eventId: string): string[] {
		const own = this.#all.values().filter(({ delivery }) => delivery.eventId === eventId);
		return own.map(({ delivery }) => delivery.id).toArray();
	}

	/** Extends each lease that ends before `before` to `until`. Returns the ids of those deliveries. */
	extendLeases(before: number, until: number): string[] {
		const ids: string[] = [];
		for (const [id, known] of this.#all) {
			if (known.leaseUntil >= before) continue;
			known.leaseUntil = until;
			ids.push(id);
		}
		return ids;
	}
}
