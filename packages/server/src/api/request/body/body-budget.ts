// The memory for bodies, of requests or of responses, divided between those who have asked.

/** A project, or a key or an address where there is none; and the customer of the project, if it is one. */
export interface BodyOwner {
	readonly name: string;
	readonly customerId: string | null;
}

/** What an owner has, its customers included. */
interface OfOwner {
	bytes: number;
	/** What all customers have, and each of them. */
	ofCustomers: number;
	readonly byCustomer: Map<string, number>;
}

/** The part of what others leave free that one may have. */
const SHARE = 0.5;

/**
 * Limits the bytes of bodies that are in memory at once, over all requests of one app. An owner (a project, or a key
 * where the call names no project) has at most half of what the others leave free, so that nobody can use it up alone. The customers of a project
 * together have at most half of that, and each of them at most half of what the other ones leave: the rest is the project's own.
 */
export class BodyBudget {
	readonly #limit: number;
	#reserved = 0;
	readonly #byOwner = new Map<string, OfOwner>();

	constructor(limit: number) {
		this.#limit = limit;
	}

	get reserved(): number {
		return this.#reserved;
	}

	/** How many bytes more an owner may have; less than 0 if it has more than it may. */
	room({ name, customerId }: BodyOwner): number {
		const own = this.#byOwner.get(name);
		const bytes = own?.bytes ?? 0;
		const share = (this.#limit - (this.#reserved - bytes)) * SHARE;
		const room = share - bytes;
		if (customerId === null) return room;
		const ofCustomer = own?.byCustomer.get(customerId) ?? 0;
		const leftByOthers = share * SHARE - ((own?.ofCustomers ?? 0) - ofCustomer);
		return Math.min(room, leftByOthers * SHARE - ofCustomer);
	}

	/** Reserves `bytes`; false if there is no room for this owner. */
	take(owner: BodyOwner, bytes: number): boolean {
		if (bytes > this.room(owner)) return false;
		this.add(owner, bytes);
		return true;
	}

	/** Reserves `bytes`, whether there is room or not. */
	add({ name, customerId }: BodyOwner, bytes: number): void {
		let own = this.#byOwner.get(name);
		if (own === undefined) this.#byOwner.set(name, (own = { bytes: 0, ofCustomers: 0, byCustomer: new Map() }));
		own.bytes += bytes;
		this.#reserved += bytes;
		if (customerId === null) return;
		own.ofCustomers += bytes;
		const ofCustomer = (own.byCustomer.get(customerId) ?? 0) + bytes;
		if (ofCustomer > 0) own.byCustomer.set(customerId, ofCustomer);
		else own.byCustomer.delete(customerId);
	}

	/** Gives back bytes that were reserved. */
	give(owner: BodyOwner, bytes: number): void {
		this.add(owner, -bytes);
		if ((this.#byOwner.get(owner.name)?.bytes ?? 0) <= 0) this.#byOwner.delete(owner.name);
	}
}
