// The lanes of one project in the ready queue, by customer, and how much the project uses of what all projects share.
import Denque from "denque";

import { shareOf, wholeShareOf } from "../../../core/policies/share.ts";

/** One project that has deliveries in memory or in the store. Whoever counts something here also counts it over all projects. */
export class ProjectLanes<Lane> {
	readonly projectId: string;
	/** Whether it has webhooks of customers: then its share is divided. Stays true until the project is forgotten here. */
	hasCustomers: boolean;
	/** Its customers with lanes that may be served, the next one first. Changed by the ring. */
	readonly ring = new Denque<CustomerLanes<Lane>>();
	/** It is in the ring of projects. Set and cleared by the ring. */
	inRing = false;
	/** Attempts in flight to its webhooks. Counted by the ring. */
	inFlight = 0;
	/** Deliveries that are ready, or for which room is reserved, and the bytes of their bodies. Counted by the room. */
	used = 0;
	usedBytes = 0;
	/** Claims under way for its lanes. Counted by the refiller. */
	claims = 0;
	/** The lanes of the webhooks without a customer. */
	readonly #own = new CustomerLanes<Lane>(this, null);
	/** The customers that have lanes or reservations. */
	readonly #customers = new Map<string, CustomerLanes<Lane>>();

	constructor(projectId: string, hasCustomers: boolean) {
		this.projectId = projectId;
		this.hasCustomers = hasCustomers;
	}

	/** Customers that have lanes or reservations: what they take of memory. */
	get customers(): number {
		return this.#customers.size;
	}

	/** Whether nothing is lost if it is forgotten. */
	get isIdle(): boolean {
		return this.#customers.size === 0 && this.#own.isIdle;
	}

	/** The lanes of a customer; null for those of the webhooks without one. */
	customer(customerId: string | null): CustomerLanes<Lane> {
		if (customerId === null) return this.#own;
		let customer = this.#customers.get(customerId);
		if (customer === undefined) {
			this.hasCustomers = true;
			customer = new CustomerLanes<Lane>(this, customerId);
			this.#customers.set(customerId, customer);
		}
		return customer;
	}

	/** Forgets a customer without lanes and reservations. */
	forgetIfIdle(customer: CustomerLanes<Lane>): void {
		const { customerId } = customer;
		if (customerId === null || !customer.isIdle || this.#customers.get(customerId) !== customer) return;
		this.#customers.delete(customerId);
	}
}

/**
 * One customer that has deliveries in memory or in the store, or all webhooks of the project that have no customer. Whoever
 * counts something here also counts it for the project.
 *
 * In a project with customers, each of them has no more than three quarters of what the others leave free of the project's
 * share. So do the webhooks without a customer together. In a project without customers, they have all of the share.
 */
export class CustomerLanes<Lane> {
	readonly project: ProjectLanes<Lane>;
	/** Null for the webhooks without a customer. */
	readonly customerId: string | null;
	/** Its lanes that may be served, the next one first. Changed by the ring. */
	readonly ring = new Denque<Lane>();
	/** It is in the project's ring of customers. Set and cleared by the ring. */
	inRing = false;
	/** Attempts in flight to its webhooks. Counted by the ring. */
	inFlight = 0;
	/** Deliveries that are ready, or for which room is reserved, and the bytes of their bodies. Counted by the room. */
	used = 0;
	usedBytes = 0;
	/** Claims under way for its lanes. Counted by the refiller. */
	claims = 0;
	/** Lanes that it has. Counted by the ready queue. */
	lanes = 0;

	constructor(project: ProjectLanes<Lane>, customerId: string | null) {
		this.project = project;
		this.customerId = customerId;
	}

	/** Whether nothing is lost if it is forgotten. */
	get isIdle(): boolean {
		return this.lanes === 0 && this.used === 0;
	}

	/** How many more it may have of `share` things that are the project's, which has `used` of them, and this customer `own`. */
	left(share: number, used: number, own: number): number {
		const left = share - used;
		return this.project.hasCustomers ? Math.min(left, wholeShareOf(share, used, own) - own) : left;
	}

	/** The same for what is not counted in whole things. */
	leftBytes(share: number, used: number, own: number): number {
		const left = share - used;
		return this.project.hasCustomers ? Math.min(left, shareOf(share, used, own) - own) : left;
	}
}
