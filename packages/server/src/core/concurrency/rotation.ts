// A rotation: whose turn it is among the items that wait for something. Projects take turns, in each of them its customers, and of each
// customer the items, so that none waits behind all those of another one.

/** The customers of one project, the one whose turn it is first, each with its items in their order. */
type Customers<Item, Customer> = Map<Customer, Set<Item>>;

/**
 * A line of items for each customer that has some, in a line of customers for each project that has some. What belongs to no customer
 * of its project is that of one more customer, `null`.
 *
 * @example
 * const rotation = new Rotation<string>();
 * rotation.add("shop", "acme", webhookId);
 * for (let next = rotation.take(); next !== undefined; next = rotation.take()) await step(next);
 */
export class Rotation<Item, Project = string, Customer = string | null> {
	/** The project whose turn it is comes first. */
	readonly #projects = new Map<Project, Customers<Item, Customer>>();
	#customers = 0;

	/** Customers that have items, of all projects. */
	get customers(): number {
		return this.#customers;
	}

	get isEmpty(): boolean {
		return this.#projects.size === 0;
	}

	/** Puts the item at the end of its customer's line. An item that is there already keeps its place. */
	add(project: Project, customer: Customer, item: Item): void {
		let customers = this.#projects.get(project);
		if (customers === undefined) {
			customers = new Map();
			this.#projects.set(project, customers);
		}
		const items = customers.get(customer);
		if (items !== undefined) {
			items.add(item);
			return;
		}
		customers.set(customer, new Set([item]));
		this.#customers++;
	}

	delete(project: Project, customer: Customer, item: Item): void {
		const customers = this.#projects.get(project);
		const items = customers?.get(customer);
		if (customers === undefined || items?.delete(item) !== true || items.size > 0) return;
		customers.delete(customer);
		this.#customers--;
		if (customers.size === 0) this.#projects.delete(project);
	}

	/** The item whose turn it is. It stays; the next turn is that of another project, or of another customer, if there is one. */
	next(): Item | undefined {
		const [item] = this.#turn()?.items ?? [];
		return item;
	}

	/** Removes the item whose turn it is, and returns it. */
	take(): Item | undefined {
		const turn = this.#turn();
		if (turn === undefined) return undefined;
		const { project, customer, items } = turn;
		const [item] = items;
		if (item !== undefined) this.delete(project, customer, item);
		return item;
	}

	/**
	 * How many turns come before the next one for an item of this customer, about: those for its other items, for other customers, or
	 * for other projects.
	 */
	before(project: Project, customer: Customer): number {
		const customers = this.#projects.get(project);
		return Math.max(customers?.get(customer)?.size ?? 0, customers?.size ?? 0, this.#projects.size);
	}

	#turn(): { project: Project; customer: Customer; items: Set<Item> } | undefined {
		const first = firstOf(this.#projects);
		if (first === undefined) return undefined;
		const [project, customers] = first;
		const own = firstOf(customers);
		return own === undefined ? undefined : { project, customer: own[0], items: own[1] };
	}
}

/** The entry whose turn it is. It is the last one afterwards. */
function firstOf<Key, Value>(turns: Map<Key, Value>): readonly [Key, Value] | undefined {
	const [first] = turns;
	if (first === undefined) return undefined;
	if (turns.size > 1) {
		turns.delete(first[0]);
		turns.set(first[0], first[1]);
	}
	return first;
}
