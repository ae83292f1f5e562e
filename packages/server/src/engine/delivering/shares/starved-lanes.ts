// The starved lanes: empty ones with due deliveries in the store that wait for room or for a claim. Projects take turns, and in each
// of them customers, so that none waits behind all the lanes of another one.
import type { Lane } from "../lane.ts";
import type { CustomerLanes, ProjectLanes } from "./project-lanes.ts";

/** The customers of one project, the one whose turn it is first. Of its lanes, the one that has waited longest comes first. */
type Customers = Map<CustomerLanes<Lane>, Set<Lane>>;

/**
 * A line of lanes for each customer that has starved ones, in a line of customers for each project.
 *
 * @example
 * const lane = starved.next();
 * if (lane !== undefined && mayClaim(lane)) starved.delete(lane);
 */
export class StarvedLanes {
	/** The project whose turn it is comes first. */
	readonly #projects = new Map<ProjectLanes<Lane>, Customers>();
	#customers = 0;

	/** Customers that have starved lanes. The webhooks of a project without a customer count as one. */
	get customers(): number {
		return this.#customers;
	}

	add(lane: Lane): void {
		const { customer, project } = lane;
		let customers = this.#projects.get(project);
		if (customers === undefined) {
			customers = new Map();
			this.#projects.set(project, customers);
		}
		const lanes = customers.get(customer);
		if (lanes !== undefined) {
			lanes.add(lane);
			return;
		}
		customers.set(customer, new Set([lane]));
		this.#customers++;
	}

	delete(lane: Lane): void {
		const { customer, project } = lane;
		const customers = this.#projects.get(project);
		const lanes = customers?.get(customer);
		if (customers === undefined || lanes?.delete(lane) !== true || lanes.size > 0) return;
		customers.delete(customer);
		this.#customers--;
		if (customers.size === 0) this.#projects.delete(project);
	}

	/** The lane whose turn it is. It stays here; the next turn is that of another project, or of another customer, if there is one. */
	next(): Lane | undefined {
		const customers = firstOf(this.#projects);
		const lanes = customers === undefined ? undefined : firstOf(customers);
		const [lane] = lanes ?? [];
		return lane;
	}

	/**
	 * How many claims come before the next one for this lane, about: those for other lanes of its customer, for other customers, or for
	 * other projects.
	 */
	before(lane: Lane): number {
		const customers = this.#projects.get(lane.project);
		return Math.max(customers?.get(lane.customer)?.size ?? 0, customers?.size ?? 0, this.#projects.size);
	}
}

/** The value whose turn it is. It is the last one afterwards. */
function firstOf<Key, Value>(turns: Map<Key, Value>): Value | undefined {
	const [first] = turns;
	if (first === undefined) return undefined;
	const [key, value] = first;
	if (turns.size > 1) {
		turns.delete(key);
		turns.set(key, value);
	}
	return value;
}
