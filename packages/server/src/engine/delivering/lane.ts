// A lane: the in-memory queue of one webhook inside the ready queue, and what is known of its deliveries in flight and
// in the store.
import Denque from "denque";

import type { TokenBucket } from "../../core/policies/token-bucket.ts";
import type { LeasedDelivery } from "../../ports/store/queue.ts";
import type { CustomerLanes, ProjectLanes } from "./shares/project-lanes.ts";

/** After this many failures in a row, without a success in between, a webhook counts as failing. */
const FAILING_AFTER = 5;
/** Attempts that may be in flight at once to a webhook without a success so far. Each success allows one more. */
export const FIRST_WINDOW = 32;
/**
 * A queue keeps the array that it has grown to. A lane that runs empty replaces its queue once this many deliveries
 * have passed through it, so that the memory of an empty lane stays small however many deliveries it once had.
 */
const RENEW_QUEUE_AFTER = 64;

/**
 * The work of one webhook. Its states, several of which can apply at once:
 *
 * - ready: deliveries are queued. Entered by `push`; left when `shift` takes the last one.
 * - in the ring (`inRing`): it will be served when it is its turn. Set and cleared by the `LaneRing`.
 * - in flight (`inFlight` > 0): attempts are under way. Counted by the `LaneRing`.
 * - due in the store (`storeDueAt` is finite): the store has deliveries of the webhook that are due at that time or
 *   later. Entered by `noteDue`; left when the refiller claims them, or finds that the webhook is not deliverable.
 * - claiming: the refiller is reading due deliveries of the webhook from the store. Set and cleared by the refiller.
 * - failing: from the fifth failure in a row until the next success.
 * - idle (`isIdle`): no delivery is ready, in flight, due in the store or being claimed, and the bucket of the rate
 *   limit is full. The ready queue forgets an idle lane.
 */
export class Lane {
	readonly webhookId: string;
	/** The webhook's customer, with which it shares places, room and claims. */
	readonly customer: CustomerLanes<Lane>;
	#queue = new Denque<LeasedDelivery>();
	/** Deliveries taken out of `#queue` since it was made. */
	#passed = 0;
	#readyBytes = 0;
	#failuresInARow = 0;
	#window = FIRST_WINDOW;
	inFlight = 0;
	/** When the earliest delivery in the store may be due; Infinity if the store is not known to have any. */
	storeDueAt = Infinity;
	/** A read from the store is under way. */
	claiming = false;
	/** The last read from the store took all that was due when it began, and nothing has had to go there for lack of room since. */
	isReadToEnd = false;
	/** Its webhook's rate limit; null if it has none. */
	bucket: TokenBucket | null = null;
	/** It is in the ring of lanes that can be served. */
	inRing = false;

	constructor(webhookId: string, customer: CustomerLanes<Lane>) {
		this.webhookId = webhookId;
		this.customer = customer;
	}

	/** The project of the webhook. */
	get project(): ProjectLanes<Lane> {
		return this.customer.project;
	}

	/** Deliveries in the queue. */
	get ready(): number {
		return this.#queue.length;
	}

	/** Bytes of the bodies in the queue. */
	get readyBytes(): number {
		return this.#readyBytes;
	}

	get failing(): boolean {
		return this.#failuresInARow >= FAILING_AFTER;
	}

	/**
	 * Attempts that may be in flight at once, as far as the webhook has earned it by successes. It begins small, so
	 * that a webhook that never responds occupies little, and doubles with each round of successes.
	 */
	get window(): number {
		return this.#window;
	}

	/** Whether nothing is lost if the lane is forgotten. A bucket that is not full remembers what has been sent. */
	isIdle(now: number): boolean {
		if (this.bucket !== null && !this.bucket.isFull(now)) return false;
		return this.ready === 0 && this.inFlight === 0 && this.storeDueAt === Infinity && !this.claiming;
	}

	push(delivery: LeasedDelivery): void {
		this.#queue.push(delivery);
		this.#readyBytes += delivery.body.length;
	}

	peek(): LeasedDelivery | undefined {
		return this.#queue.peekFront();
	}

	shift(): LeasedDelivery | undefined {
		const delivery = this.#queue.shift();
		if (delivery === undefined) return undefined;
		this.#readyBytes -= delivery.body.length;
		if (++this.#passed >= RENEW_QUEUE_AFTER && this.#queue.length === 0) {
			this.#queue = new Denque();
			this.#passed = 0;
		}
		return delivery;
	}

	/** Notes that the store has a delivery of this webhook that is due at this time. */
	noteDue(at: number): void {
		if (at < this.storeDueAt) this.storeDueAt = at;
	}

	/** Forgets what the store has: it is not read. What gathers there until it is read again may be more than one read takes. */
	forgetStored(): void {
		this.storeDueAt = Infinity;
		this.isReadToEnd = false;
	}

	/**
	 * Whether a new delivery may stay in memory, given whether it has room. If it has none, the store gets more than one read may take.
	 *
	 * It may not while the store has older ones. While they are read, new ones would be too many in memory before them; but not if the last
	 * read took all that there was. Then this one will, too: what comes meanwhile and went to the store would need a read of its own, in
	 * which more would come, and so on for as long as the webhook gets more than one delivery in the time of a read.
	 */
	mayKeep(now: number, hasRoom: boolean): boolean {
		if (this.storeDueAt <= now || (this.claiming && !this.isReadToEnd)) return false;
		if (!hasRoom) this.isReadToEnd = false;
		return hasRoom;
	}

	recordSuccess(): void {
		this.#failuresInARow = 0;
		this.#window++;
	}

	recordFailure(): void {
		this.#failuresInARow++;
		if (this.failing) this.#window = FIRST_WINDOW;
	}
}
