// The starved lanes: empty ones with due deliveries in the store that wait for room or for a claim. Projects take turns, and in each
// of them customers, so that none waits behind all the lanes of another one.
import { Rotation } from "../../../core/concurrency/rotation.ts";
import type { Lane } from "../lane.ts";
import type { CustomerLanes, ProjectLanes } from "./project-lanes.ts";

/**
 * Turns of lanes. Of a customer's lanes, the one that has waited longest comes first.
 *
 * @example
 * const lane = starved.next();
 * if (lane !== undefined && mayClaim(lane)) starved.delete(lane);
 */
export class StarvedLanes {
	readonly #turns = new Rotation<Lane, ProjectLanes<Lane>, CustomerLanes<Lane>>();

	/** Customers that have starved lanes. The webhooks of a project without a customer count as one. */
	get customers(): number {
		return this.#turns.customers;
	}

	add(lane: Lane): void {
		this.#turns.add(lane.project, lane.customer, lane);
	}

	delete(lane: Lane): void {
		this.#turns.delete(lane.project, lane.customer, lane);
	}

	/** The lane whose turn it is. It stays here; the next turn is that of another project, or of another customer, if there is one. */
	next(): Lane | undefined {
		return this.#turns.next();
	}

	/** How many claims come before the next one for this lane, about. */
	before(lane: Lane): number {
		return this.#turns.before(lane.project, lane.customer);
	}
}
