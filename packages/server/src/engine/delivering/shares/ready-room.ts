// The room in the ready queue, by count and by bytes: how much of it is left for a customer of a project, and for one of its lanes.
import { shareOf, wholeShareOf } from "../../../core/policies/share.ts";
import type { EngineLimits } from "../../parts.ts";
import type { Lane } from "../lane.ts";
import type { CustomerLanes } from "./project-lanes.ts";

type Customer = CustomerLanes<Lane>;
type Limits = Pick<EngineLimits, "maxReady" | "maxReadyPerWebhook" | "maxReadyBytes" | "maxInFlightWhileFailing">;

/**
 * The part of a project's room that deliveries read from the store may take. The rest is for new ones, however large the
 * backlog.
 */
const STORED_PART = 0.75;
/** A lane is refilled from the store when no more deliveries than this are left in it. */
const LOW_WATER = 100;
/** A lane with a rate limit has no more ready deliveries than it may send in this time. */
const RATE_LIMITED_S = 10;

/**
 * Counts what takes room: ready deliveries, and those for which room is reserved.
 *
 * A project has no more than its share of what the others leave free, and a customer no more than its share of what the project
 * has (`CustomerLanes`). Of what is left for the customer, a lane has no more than half, so that lanes whose webhooks hang never
 * take the last of it.
 */
export class ReadyRoom {
	readonly #limits: Limits;
	#used = 0;
	#usedBytes = 0;

	constructor(limits: Limits) {
		this.#limits = limits;
	}

	take(customer: Customer, count: number, bytes: number): void {
		const { project } = customer;
		customer.used += count;
		customer.usedBytes += bytes;
		project.used += count;
		project.usedBytes += bytes;
		this.#used += count;
		this.#usedBytes += bytes;
	}

	/** A negative count is a defect: room would be given away twice. */
	give(customer: Customer, count: number, bytes: number): void {
		this.take(customer, -count, -bytes);
		const { used, usedBytes } = customer;
		if (used < 0 || usedBytes < 0) {
			throw new Error(`the ready queue counts ${used} deliveries of ${usedBytes} bytes of one customer`);
		}
	}

	/** Whether a new delivery of this lane has room. */
	hasRoom(lane: Lane, bytes: number): boolean {
		return this.#leftBytes(lane.customer, 1) >= bytes && this.#roomOf(lane, 1) > 0;
	}

	/** Whether a new delivery of this customer that another process delivers has room. */
	hasRoomElsewhere(customer: Customer, bytes: number): boolean {
		return this.#left(customer, 1) > 0 && this.#leftBytes(customer, 1) >= bytes;
	}

	/** How many deliveries of this lane may be read from the store now. */
	storedRoom(lane: Lane): number {
		return this.#roomOf(lane, STORED_PART);
	}

	/** How many bytes of bodies may be read from the store for this lane now. */
	storedRoomBytes(lane: Lane): number {
		// In whole bytes: sums of fractions would not come back to 0.
		return Math.max(0, Math.floor(this.#leftBytes(lane.customer, STORED_PART) / 2) - lane.readyBytes);
	}

	/** The lane is refilled from the store when no more deliveries than this are left in it. */
	lowWater(lane: Lane): number {
		return Math.min(LOW_WATER, Math.floor(this.#maxReadyOf(lane) / 2));
	}

	#roomOf(lane: Lane, part: number): number {
		const left = this.#left(lane.customer, part);
		const leftBytes = this.#leftBytes(lane.customer, part);
		if (left <= 0 || leftBytes <= 0) return 0;
		if (lane.ready === 0) return Math.min(this.#maxReadyOf(lane), Math.ceil(left / 2));
		if (lane.readyBytes >= leftBytes / 2) return 0;
		return Math.max(0, Math.min(this.#maxReadyOf(lane), Math.floor(left / 2)) - lane.ready);
	}

	/** How many more deliveries the customer may have, if this part of the project's share is for them. */
	#left(customer: Customer, part: number): number {
		const free = this.#limits.maxReady - this.#used;
		if (free <= 0) return 0;
		const { used } = customer.project;
		const share = Math.max(1, Math.floor(wholeShareOf(this.#limits.maxReady, this.#used, used) * part));
		return Math.min(free, customer.left(share, used, customer.used));
	}

	#leftBytes(customer: Customer, part: number): number {
		const { usedBytes } = customer.project;
		const share = shareOf(this.#limits.maxReadyBytes, this.#usedBytes, usedBytes) * part;
		return customer.leftBytes(share, usedBytes, customer.usedBytes);
	}

	/** The most ready deliveries of this lane, in its present condition. */
	#maxReadyOf(lane: Lane): number {
		if (lane.failing) return this.#limits.maxInFlightWhileFailing * 2;
		const { maxReadyPerWebhook } = this.#limits;
		// Deliveries that it can't send soon stay in the store: backlogs behind rate limits must not fill the room of
		// other webhooks.
		return lane.bucket === null
			? maxReadyPerWebhook
			: Math.min(maxReadyPerWebhook, Math.ceil(lane.bucket.perSecond * RATE_LIMITED_S));
	}
}
