// Customers: nothing of one reaches another, at any moment, and what is deleted with a customer is gone.
import type { EventCustomers } from "../../packages/server/src/core/access/customer.ts";
import { customerScope, projectScope, type CustomerScope } from "../../packages/server/src/core/access/principal.ts";
import { DELIVERY_STATUSES, type Delivery } from "../../packages/server/src/core/delivery.ts";
import type { World } from "../world/world.ts";
import type { Book, EventModel, WebhookModel } from "./book.ts";
import { readDeliveriesIn, readEvents } from "./read-log.ts";
import { reaches } from "./wants.ts";

export class CustomerChecks {
	readonly #world: World;
	readonly #book: Book;

	constructor(world: World, book: Book) {
		this.#world = world;
		this.#book = book;
	}

	/** The store has executed a call. `run` is the number of the run that has made it. */
	executed(name: string, parameters: readonly unknown[], result: unknown, run: number): void {
		if (result === null) return;
		if (name === "beginCustomerDeletion") this.#begun(parameters[0] as CustomerScope);
		else if (name === "endCustomerDeletion") this.#ended(parameters[0] as CustomerScope, run);
	}

	/** From now on the customer's webhooks are deleted, one after the other, and then its payloads erased. */
	#begun(customer: CustomerScope): void {
		for (const webhook of this.#webhooksOf(customer)) webhook.deleteIssued = true;
		for (const event of this.#eventsOf(customer)) event.eraseIssued = true;
	}

	#ended(customer: CustomerScope, run: number): void {
		for (const webhook of this.#webhooksOf(customer)) {
			webhook.stoppedIn = run;
			webhook.isDisowned = true;
		}
		for (const event of this.#eventsOf(customer)) {
			event.erased = true;
			event.erasedWithCustomer = true;
		}
	}

	/** Webhooks of the customer that no earlier deletion has disowned. */
	#webhooksOf({ projectId, customerId }: CustomerScope): WebhookModel[] {
		return this.#book.webhooks.filter(
			(webhook) => webhook.id !== null && webhook.project.id === projectId && webhook.customerId === customerId,
		);
	}

	/** Events that are for this customer alone. */
	#eventsOf({ projectId, customerId }: CustomerScope): EventModel[] {
		return [...this.#book.events.values()].filter(
			({ projectId: id, customers }) => id === projectId && customers === customerId,
		);
	}

	/** An attempt of an event begins. */
	attempted(webhook: WebhookModel, eventId: string): void {
		const event = this.#book.events.get(eventId);
		if (event === undefined || reaches(event.customers, webhook.customerId)) return;
		this.#world.breach("customers", `${eventId} is for ${textOf(event.customers)}, and was sent to ${nameOf(webhook)}`);
	}

	/** Compares the deliveries of a project with what each of its customers sees. */
	async check(projectId: string, deliveries: readonly Delivery[]): Promise<void> {
		for (const delivery of deliveries) this.#checkOwner(delivery);
		const customers = new Set<string>();
		for (const { id, project, customerId } of this.#book.webhooks) {
			if (id !== null && project.id === projectId && customerId !== null) customers.add(customerId);
		}
		for (const customerId of customers) await this.#checkView(customerScope(projectId, customerId), deliveries);
	}

	#checkOwner({ id, eventId, webhookId, customerId }: Delivery): void {
		const webhook = this.#book.webhook(webhookId);
		const event = this.#book.events.get(eventId);
		if (webhook === undefined || event === undefined) return;
		const wrong = (text: string) => this.#world.breach("customers", `${id} ${text}`);
		if (!reaches(event.customers, webhook.customerId)) {
			wrong(`of an event for ${textOf(event.customers)} is one of ${nameOf(webhook)}`);
		}
		// The deletion of a customer makes its webhooks nobody's, one after the other.
		if (customerId === webhook.customerId || (customerId === null && webhook.deleteIssued)) return;
		wrong(`belongs to ${textOf(customerId)}, and its webhook is ${nameOf(webhook)}`);
	}

	/** A customer sees its own deliveries, their events and their numbers, and nothing else. */
	async #checkView(scope: CustomerScope, deliveries: readonly Delivery[]): Promise<void> {
		const { store } = this.#world;
		const own = deliveries.filter(({ customerId }) => customerId === scope.customerId);
		this.#compare(scope, "deliveries", await readDeliveriesIn(store, scope), new Set(own.map(({ id }) => id)));
		this.#compare(scope, "events", await readEvents(store, scope), new Set(own.map(({ eventId }) => eventId)));
		const counts = await store.statusCounts(scope, null);
		for (const status of DELIVERY_STATUSES) {
			const count = own.filter((delivery) => delivery.status === status).length;
			if (counts[status] === count) continue;
			this.#world.breach(
				"customers",
				`${nameIn(scope)} has ${count} ${status} deliveries, and is told ${counts[status]}`,
			);
		}
	}

	#compare(
		scope: CustomerScope,
		what: string,
		seen: readonly { readonly id: string }[],
		own: ReadonlySet<string>,
	): void {
		const ids = new Set(seen.map(({ id }) => id));
		const [foreign, hidden] = [ids.difference(own), own.difference(ids)];
		if (foreign.size + hidden.size === 0) return;
		const text = `not its own: [${[...foreign].join()}], not shown: [${[...hidden].join()}]`;
		this.#world.breach("customers", `${what} that ${nameIn(scope)} sees: ${text}`);
	}

	/** Long after everything was healed, no deletion is under way, and nothing is left of those that are over. */
	async checkEnd(): Promise<void> {
		const { store } = this.#world;
		for (const { projectId, customerId } of await store.deletingCustomers(null)) {
			this.#world.breach("stuck", `the deletion of ${customerId} of ${projectId} is not over`);
		}
		for (const { id, projectId, erasedWithCustomer } of this.#book.events.values()) {
			if (!erasedWithCustomer || (await store.eventBody(projectScope(projectId), id)) === null) continue;
			this.#world.breach("customers", `${id} has a payload after its customer was deleted`);
		}
	}
}

function textOf(customers: EventCustomers): string {
	return customers === null ? "nobody" : [customers].flat().join(" and ");
}

function nameOf({ id, customerId }: WebhookModel): string {
	return `${id} of ${textOf(customerId)}`;
}

function nameIn({ projectId, customerId }: CustomerScope): string {
	return `${customerId} of ${projectId}`;
}
