// A lane: what is ready, what is under way and what still lies in the store for one webhook.
import type { TokenBucket } from "../../core/policies/token-bucket.ts";
import type { LeasedDelivery } from "../../ports/store/queue.ts";

/** After so many failures in a row, without a success between, a webhook counts as failing. */
const FAILING_AFTER = 5;
/** Attempts that may be under way at once to a webhook that has not answered yet; each success allows one more. */
export const FIRST_WINDOW = 32;

/** The work of one webhook that is in memory. */
export class Lane {
	readonly webhookId: string;
	#queue: LeasedDelivery[] = [];
	#head = 0;
	#readyBytes = 0;
	#failuresInARow = 0;
	#window = FIRST_WINDOW;
	inFlight = 0;
	/** When the earliest delivery in the store may be due; Infinity if none is known of. */
	storeDueAt = Infinity;
	/** A read from the store is under way. */
	claiming = false;
	/** Its webhook's rate limit; null if it has none. */
	bucket: TokenBucket | null = null;
	/** It stands in the ring of lanes that can be served. */
	inRing = false;

	constructor(webhookId: string) {
		this.webhookId = webhookId;
	}

	get ready(): number {
		return this.#queue.length - this.#head;
	}

	/** Bytes of the bodies that are ready. */
	get readyBytes(): number {
		return this.#readyBytes;
	}

	get failing(): boolean {
		return this.#failuresInARow >= FAILING_AFTER;
	}

	/**
	 * Attempts that may be under way at once, as far as the webhook has earned it: so few to begin with that one which never answers
	 * holds up little, and twice as many with each round of answers.
	 */
	get window(): number {
		return this.#window;
	}

	/** Whether nothing would be lost if it were forgotten: a bucket that is not full remembers what has been sent. */
	isIdle(now: number): boolean {
		if (this.bucket !== null && !this.bucket.isFull(now)) return false;
		return this.ready === 0 && this.inFlight === 0 && this.storeDueAt === Infinity && !this.claiming;
	}

	push(delivery: LeasedDelivery): void {
		this.#queue.push(delivery);
		this.#readyBytes += delivery.body.length;
	}

	peek(): LeasedDelivery | undefined {
		return this.#queue[this.#head];
	}

	shift(): LeasedDelivery | undefined {
		const delivery = this.#queue[this.#head];
		if (delivery === undefined) return undefined;
		this.#head++;
		this.#readyBytes -= delivery.body.length;
		if (this.#head === this.#queue.length) {
			this.#queue = [];
			this.#head = 0;
		} else if (this.#head >= 1_024) {
			this.#queue = this.#queue.slice(this.#head);
			this.#head = 0;
		}
		return delivery;
	}

	/** Something in the store will be due then. */
	noteDue(at: number): void {
		if (at < this.storeDueAt) this.storeDueAt = at;
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
