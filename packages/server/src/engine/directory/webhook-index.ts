// Finds the webhooks of a project that want an event: by its customers first, then by its type.
import { EVERY_CUSTOMER, type EventCustomers } from "../../core/access/customer.ts";
import { EventTypeIndex } from "../../core/webhook.ts";

interface OfCustomer<T extends object> {
	readonly webhooks: Set<T>;
	readonly index: EventTypeIndex<T>;
}

/**
 * The webhooks of one project by customer. The time of a search depends on the customers that the event names, not on the
 * number of customers.
 *
 * Memory: about 0.8 KB for each customer that has webhooks.
 */
export class WebhookIndex<T extends { readonly customerId: string | null }> {
	/** The webhooks without a customer. */
	readonly #own = new EventTypeIndex<T>();
	/** The webhooks of all customers, for events that are for all of them. */
	readonly #ofEvery = new EventTypeIndex<T>();
	readonly #byCustomer = new Map<string, OfCustomer<T>>();

	/** `eventTypes` is the webhook's filter. */
	add(webhook: T, eventTypes: readonly string[] | null): void {
		const { customerId } = webhook;
		if (customerId === null) {
			this.#own.add(webhook, eventTypes);
			return;
		}
		let known = this.#byCustomer.get(customerId);
		if (known === undefined) {
			known = { webhooks: new Set(), index: new EventTypeIndex() };
			this.#byCustomer.set(customerId, known);
		}
		known.webhooks.add(webhook);
		known.index.add(webhook, eventTypes);
		this.#ofEvery.add(webhook, eventTypes);
	}

	/** `eventTypes` is the filter that the webhook was added with. */
	remove(webhook: T, eventTypes: readonly string[] | null): void {
		const { customerId } = webhook;
		if (customerId === null) {
			this.#own.remove(webhook, eventTypes);
			return;
		}
		const known = this.#byCustomer.get(customerId);
		if (known === undefined) return;
		this.#ofEvery.remove(webhook, eventTypes);
		known.webhooks.delete(webhook);
		known.index.remove(webhook, eventTypes);
		if (known.webhooks.size === 0) this.#byCustomer.delete(customerId);
	}

	/** Whether there are webhooks of customers. */
	get hasCustomers(): boolean {
		return this.#byCustomer.size > 0;
	}

	/** The webhooks of a customer. */
	ofCustomer(customerId: string): readonly T[] {
		return [...(this.#byCustomer.get(customerId)?.webhooks ?? [])];
	}

	/** The webhooks that want an event of this type for these customers: see `isFor` of core/access/customer.ts. */
	match(eventType: string, customers: EventCustomers): T[] {
		const found = this.#own.match(eventType);
		if (customers === null) return found;
		for (const index of this.#of(customers)) for (const webhook of index.match(eventType)) found.push(webhook);
		return found;
	}

	*#of(customers: string | readonly string[]): Iterable<EventTypeIndex<T>> {
		if (customers === EVERY_CUSTOMER) return yield this.#ofEvery;
		for (const customerId of typeof customers === "string" ? [customers] : customers) {
			const known = this.#byCustomer.get(customerId);
			if (known !== undefined) yield known.index;
		}
	}
}
