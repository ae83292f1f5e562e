// The ready queue: leased deliveries that wait in memory for their attempt, in one short lane per webhook, served round
// robin.
//
// It is bounded by count and bytes. Deliveries without room stay in the store. While a webhook has due deliveries in
// the store, its new deliveries go through the store too, so that the older ones come first.
import Denque from "denque";

import type { Clock } from "../../core/clock.ts";
import type { LeasedDelivery } from "../../ports/store/queue.ts";
import type { EngineLimits } from "../parts.ts";
import { FIRST_WINDOW, Lane } from "./lane.ts";
import { RateLimitedLanes, type RateLimits } from "./rate-limited-lanes.ts";

type Limits = Pick<
	EngineLimits,
	| "maxReady"
	| "maxReadyPerWebhook"
	| "maxReadyBytes"
	| "maxInFlight"
	| "maxInFlightPerWebhook"
	| "maxInFlightWhileFailing"
>;

/**
 * The share of the room that deliveries read from the store may take. The rest is for new ones, however large the
 * backlog.
 */
const STORED_SHARE = 0.75;
/** A lane is refilled from the store when no more deliveries than this are left in it. */
const LOW_WATER = 100;
/** A lane with a rate limit has no more ready deliveries than it may send in this time. */
const RATE_LIMITED_S = 10;
/**
 * The most lanes looked at in one search for one that can be served. It keeps a search short when thousands are
 * blocked.
 */
const MAX_LOOKS = 256;

/** A delivery in memory, ready or in flight. */
interface InMemory {
	readonly delivery: LeasedDelivery;
	leaseUntil: number;
	/** `take` has returned it. */
	isInFlight: boolean;
	/** The same delivery, claimed for its next attempt before this one was finished. */
	next: LeasedDelivery | null;
	/** It goes back to the store without an attempt. If it is pushed meanwhile, it was claimed for another attempt. */
	isReturning: boolean;
}

/**
 * All deliveries in memory. The states of a delivery here:
 *
 * - reserved: `reserve` or `reserveStored` keeps room for it, before it is committed or read. It becomes ready by
 *   `push`, and its reservation ends by `unreserve`.
 * - ready: it waits in its webhook's lane. Entered by `push`; left by `take` or `drop`.
 * - discarded: it was cancelled while it was ready. Entered by `discard`; `take` skips it, and then it is gone, or
 *   ready again if it was claimed meanwhile.
 * - in flight: entered by `take`; left by `finish`, and then it is gone, or ready again if it was claimed for its next
 *   attempt.
 *
 * The states of a lane are documented in `Lane`. A lane with ready deliveries is in the ring, or waits for its rate
 * limit, or waits until one of its attempts in flight is finished.
 */
export class ReadyQueue {
	readonly #limits: Limits;
	readonly #lanes = new Map<string, Lane>();
	/** Every delivery in memory by its id, ready or in flight. */
	readonly #inMemory = new Map<string, InMemory>();
	/** Lanes with ready deliveries that may be served, the next one first. */
	readonly #ring = new Denque<Lane>();
	#ready = 0;
	#readyBytes = 0;
	#reserved = 0;
	#reservedBytes = 0;
	#inFlight = 0;
	/** Lanes with ready deliveries that wait for their rate limit. */
	readonly #rateLimited: RateLimitedLanes;
	/** Ids of deliveries that were cancelled while they were ready. `take` skips them. */
	readonly #discarded = new Set<string>();
	readonly #clock: Pick<Clock, "monotonicMs">;

	constructor(limits: Limits, clock: Pick<Clock, "monotonicMs">, rateLimits: RateLimits) {
		this.#limits = limits;
		this.#clock = clock;
		this.#rateLimited = new RateLimitedLanes(clock, rateLimits);
	}

	/** Deliveries that wait in memory for their attempt. */
	get ready(): number {
		return this.#ready;
	}

	/** Attempts under way. */
	get inFlight(): number {
		return this.#inFlight;
	}

	lanes(): IterableIterator<Lane> {
		return this.#lanes.values();
	}

	/** The lane of a webhook, made if there is none. */
	lane(webhookId: string): Lane {
		let lane = this.#lanes.get(webhookId);
		if (lane === undefined) {
			lane = new Lane(webhookId);
			this.#lanes.set(webhookId, lane);
			this.#rateLimited.limit(lane);
		}
		return lane;
	}

	/** Applies the webhook's rate limit again. Call it after the limit was changed. */
	rateChanged(webhookId: string): void {
		const lane = this.#lanes.get(webhookId);
		if (lane === undefined) return;
		this.#rateLimited.limit(lane);
		this.#rateLimited.remove(lane);
		this.#enterRing(lane);
	}

	/** How many attempts may be in flight to this webhook at once, in its present condition. */
	inFlightLimit(webhookId: string): number {
		const lane = this.#lanes.get(webhookId);
		return lane === undefined
			? Math.min(this.#limits.maxInFlightPerWebhook, FIRST_WINDOW)
			: this.#inFlightLimitOf(lane);
	}

	/** When the next lane that waits for its rate limit may be served, in monotonic time; Infinity if no lane waits for one. */
	nextRateAt(): number {
		return this.#rateLimited.nextAt();
	}

	/**
	 * Puts lanes whose rate limit allows another attempt back into the ring. `at` is the time for which the timer was
	 * set: lanes that are due then are looked at, also if the timer has fired a little early.
	 */
	wakeRateLimited(at: number): void {
		for (const lane of this.#rateLimited.takeReady(at)) this.#enterRing(lane);
	}

	/** Removes a delivery that was cancelled, unless it is in flight: a request that was sent can't be called back. */
	discard(deliveryId: string): void {
		const known = this.#inMemory.get(deliveryId);
		if (known === undefined) return;
		known.next = null;
		if (!known.isInFlight) this.#discarded.add(deliveryId);
	}

	/**
	 * How many more deliveries of this lane have room. A lane may have no more than half of the room that is free for
	 * all, by count and by bytes, so that lanes whose webhooks hang never take the last of it.
	 */
	room(lane: Lane): number {
		return this.#roomOf(lane, 1);
	}

	#roomOf(lane: Lane, share: number): number {
		const free = Math.floor(this.#limits.maxReady * share) - this.#ready - this.#reserved;
		const freeBytes = this.#freeBytes(share);
		if (free <= 0 || freeBytes <= 0) return 0;
		if (lane.ready === 0) return Math.min(this.#maxReadyOf(lane), Math.ceil(free / 2));
		if (lane.readyBytes >= freeBytes / 2) return 0;
		return Math.max(0, Math.min(this.#maxReadyOf(lane), Math.floor(free / 2)) - lane.ready);
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

	#freeBytes(share: number): number {
		return this.#limits.maxReadyBytes * share - this.#readyBytes - this.#reservedBytes;
	}

	/** How many deliveries of this lane may be read from the store now. */
	storedRoom(lane: Lane): number {
		return this.#roomOf(lane, STORED_SHARE);
	}

	/** The lane is refilled from the store when no more deliveries than this are left in it. */
	lowWater(lane: Lane): number {
		return Math.min(LOW_WATER, Math.floor(this.#maxReadyOf(lane) / 2));
	}

	/** How many bytes of bodies may be read from the store for this lane now. */
	storedRoomBytes(lane: Lane): number {
		return Math.max(0, this.#freeBytes(STORED_SHARE) / 2 - lane.readyBytes);
	}

	/**
	 * Reserves room for deliveries that are being read from the store. Call the returned function once they are pushed,
	 * or if the read has failed.
	 */
	reserveStored(count: number, bytes: number): () => void {
		this.#reserved += count;
		this.#reservedBytes += bytes;
		return () => {
			this.#reserved -= count;
			this.#reservedBytes -= bytes;
		};
	}

	/**
	 * Reserves room for a delivery that is about to be committed as leased. False if there is no room, or if older
	 * deliveries of this webhook are due in the store. Call `unreserve` when the commit has ended, and `push` if it
	 * succeeded.
	 */
	reserve(webhookId: string, now: number): boolean {
		const lane = this.lane(webhookId);
		if (lane.claiming || lane.storeDueAt <= now || this.room(lane) === 0) return false;
		this.#reserved++;
		return true;
	}

	/** The same for a delivery of a webhook that another process delivers. It needs room only until it is handed off. */
	reserveElsewhere(): boolean {
		if (this.#limits.maxReady - this.#ready - this.#reserved <= 0 || this.#freeBytes(1) <= 0) return false;
		this.#reserved++;
		return true;
	}

	/** Ends the reservations that `reserve` and `reserveElsewhere` have made for this many deliveries. */
	unreserve(count: number): void {
		this.#reserved -= count;
		assertCount(this.#reserved, "reserved deliveries");
	}

	/**
	 * Adds a delivery to its lane. False if it is in memory already: then its lease is extended, and if it was claimed
	 * for another attempt, it becomes ready again after the present one.
	 */
	push(delivery: LeasedDelivery): boolean {
		const known = this.#inMemory.get(delivery.id);
		if (known !== undefined) {
			known.leaseUntil = Math.max(known.leaseUntil, delivery.leaseUntil);
			const isLeaving = known.isReturning || this.#discarded.has(delivery.id);
			if (isLeaving || delivery.attemptCount > known.delivery.attemptCount) known.next = delivery;
			return false;
		}
		const lane = this.lane(delivery.webhookId);
		const { leaseUntil } = delivery;
		this.#inMemory.set(delivery.id, { delivery, leaseUntil, isInFlight: false, next: null, isReturning: false });
		lane.push(delivery);
		this.#ready++;
		this.#readyBytes += delivery.body.length;
		this.#enterRing(lane);
		return true;
	}

	/**
	 * Takes the next delivery, round robin over the lanes, and counts it as in flight; null if no attempt may start
	 * now. A lane gets no more attempts than its limit, and no more than are free for all (the dynamic threshold of
	 * Choudhury and Hahne, 1998). So lanes whose webhooks hang get fewer and fewer of the free ones, and some are
	 * always left for the other lanes.
	 */
	take(): LeasedDelivery | null {
		for (let looks = Math.min(this.#ring.length, MAX_LOOKS); looks > 0; looks--) {
			const free = this.#limits.maxInFlight - this.#inFlight;
			if (free <= 0) return null;
			const lane = this.#ring.shift();
			if (lane === undefined) return null;
			if (lane.inFlight >= this.#inFlightLimitOf(lane)) {
				lane.inRing = false;
				continue;
			}
			if (lane.inFlight >= free) {
				this.#ring.push(lane);
				continue;
			}
			lane.inRing = false;
			const delivery = this.#nextOf(lane);
			if (delivery === null) continue;
			const known = this.#inMemory.get(delivery.id);
			if (known !== undefined) known.isInFlight = true;
			lane.inFlight++;
			this.#inFlight++;
			this.#enterRing(lane);
			return delivery;
		}
		return null;
	}

	/** Takes the next delivery out of a lane; null if the lane is empty or its rate limit allows no attempt now. */
	#nextOf(lane: Lane): LeasedDelivery | null {
		for (let delivery = lane.peek(); delivery !== undefined; delivery = lane.peek()) {
			const discarded = this.#discarded.delete(delivery.id);
			if (!discarded && !this.#rateLimited.take(lane)) return null;
			lane.shift();
			this.#ready--;
			this.#readyBytes -= delivery.body.length;
			assertCount(this.#readyBytes, "bytes of ready deliveries");
			if (!discarded) return delivery;
			const next = this.#inMemory.get(delivery.id)?.next ?? null;
			this.#inMemory.delete(delivery.id);
			if (next !== null) this.push(next);
		}
		this.forgetIfIdle(lane);
		return null;
	}

	/** When the lease of a delivery ends; 0 if the delivery is not in memory. */
	leaseUntil(deliveryId: string): number {
		return this.#inMemory.get(deliveryId)?.leaseUntil ?? 0;
	}

	/** Marks a delivery in flight that goes back to the store without an attempt. Call `finish` afterwards. */
	markReturning(deliveryId: string): void {
		const known = this.#inMemory.get(deliveryId);
		if (known !== undefined) known.isReturning = true;
	}

	/** Removes a delivery in flight: its attempt has ended and the outcome is committed. */
	finish(delivery: LeasedDelivery): void {
		const known = this.#inMemory.get(delivery.id);
		if (known === undefined) return;
		this.#inMemory.delete(delivery.id);
		const lane = this.lane(delivery.webhookId);
		lane.inFlight--;
		this.#inFlight--;
		assertCount(lane.inFlight, "attempts in flight to one webhook");
		if (known.next !== null) this.push(known.next);
		this.#enterRing(lane);
		this.forgetIfIdle(lane);
	}

	/**
	 * Removes the ready deliveries of a webhook that is not deliverable any more. Those in flight stay until `finish`. Returns the
	 * lane, if there is one.
	 */
	drop(webhookId: string): Lane | undefined {
		const lane = this.#lanes.get(webhookId);
		if (lane === undefined) return undefined;
		for (let delivery = lane.shift(); delivery !== undefined; delivery = lane.shift()) {
			this.#inMemory.delete(delivery.id);
			this.#discarded.delete(delivery.id);
			this.#ready--;
			this.#readyBytes -= delivery.body.length;
		}
		this.#rateLimited.remove(lane);
		lane.storeDueAt = Infinity;
		this.forgetIfIdle(lane);
		return lane;
	}

	/** Forgets a lane without any work, so that memory does not grow with the number of webhooks ever served. */
	forgetIfIdle(lane: Lane): void {
		if (lane.isIdle(this.#clock.monotonicMs())) this.#lanes.delete(lane.webhookId);
	}

	/** Extends each lease that ends before `before` to `until`, in memory only. Returns the ids of those deliveries. */
	extendLeases(before: number, until: number): string[] {
		const ids: string[] = [];
		for (const [id, known] of this.#inMemory) {
			if (known.leaseUntil >= before) continue;
			known.leaseUntil = until;
			ids.push(id);
		}
		return ids;
	}

	#inFlightLimitOf(lane: Lane): number {
		const { maxInFlightPerWebhook, maxInFlightWhileFailing } = this.#limits;
		return lane.failing ? maxInFlightWhileFailing : Math.min(maxInFlightPerWebhook, lane.window);
	}

	#enterRing(lane: Lane): void {
		if (lane.inRing || lane.ready === 0 || this.#rateLimited.isWaiting(lane)) return;
		lane.inRing = true;
		this.#ring.push(lane);
	}
}

/** A negative count is a defect: room would be given away twice. */
function assertCount(count: number, what: string): void {
	if (count < 0) throw new Error(`the ready queue counts ${count} ${what}`);
}
