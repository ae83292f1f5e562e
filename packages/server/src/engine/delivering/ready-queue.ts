// The ready queue: leased deliveries that wait in memory for their attempt, in one short lane per webhook, served in turn.
//
// Bounded by count and bytes. What has no room stays in the store; a lane with a backlog there takes new deliveries
// through the store too, so that the older ones come first.
import type { Clock } from "../../core/clock.ts";
import { TokenBucket } from "../../core/policies/token-bucket.ts";
import type { LeasedDelivery } from "../../ports/store/queue.ts";
import type { EngineLimits } from "../parts.ts";
import { FIRST_WINDOW, Lane } from "./lane.ts";

type Limits = Pick<
	EngineLimits,
	| "maxReady"
	| "maxReadyPerWebhook"
	| "maxReadyBytes"
	| "maxInFlight"
	| "maxInFlightPerWebhook"
	| "maxInFlightWhileFailing"
>;

/** Of all room, what deliveries that are read back from the store may take: the rest is for new ones, however much waits there. */
const STORED_SHARE = 0.75;
const LOW_WATER = 100;
/** A lane with a rate limit has no more ready than it may send in this time. */
const RATE_LIMITED_S = 10;
/** Lanes looked at, at most, in one search for one that can be served; keeps a search short when thousands are blocked. */
const MAX_LOOKS = 256;

interface Held {
	readonly delivery: LeasedDelivery;
	leaseUntil: number;
	/** `take` has given it. */
	isInFlight: boolean;
	/** The same delivery, claimed for its next attempt before this one had left. */
	next: LeasedDelivery | null;
	/** It is on its way back to the store: whoever claims it there claims it for another attempt. */
	isReturning: boolean;
}

export class ReadyQueue {
	readonly #limits: Limits;
	readonly #lanes = new Map<string, Lane>();
	/** Everything in memory by delivery id, ready or in flight, with the end of its lease. */
	readonly #held = new Map<string, Held>();
	#ring: Lane[] = [];
	#ringHead = 0;
	#ready = 0;
	#readyBytes = 0;
	#reserved = 0;
	#reservedBytes = 0;
	#inFlight = 0;
	/** Lanes with something ready that wait for their rate limit. */
	readonly #slowed = new Set<Lane>();
	/** Deliveries taken back while they were ready: `take` passes over them. */
	readonly #discarded = new Set<string>();
	readonly #clock: Pick<Clock, "now">;
	readonly #rateLimitOf: (webhookId: string) => number | null;
	readonly #startedAt: number;

	/** `rateLimitOf` gives the attempts a second that a webhook may get; null = any number. */
	constructor(limits: Limits, clock: Pick<Clock, "now">, rateLimitOf: (webhookId: string) => number | null) {
		this.#limits = limits;
		this.#clock = clock;
		this.#rateLimitOf = rateLimitOf;
		this.#startedAt = clock.now();
	}

	get ready(): number {
		return this.#ready;
	}

	get inFlight(): number {
		return this.#inFlight;
	}

	lanes(): IterableIterator<Lane> {
		return this.#lanes.values();
	}

	lane(webhookId: string): Lane {
		let lane = this.#lanes.get(webhookId);
		if (lane === undefined) {
			lane = new Lane(webhookId);
			this.#lanes.set(webhookId, lane);
			this.#limitRate(lane);
		}
		return lane;
	}

	/** Reads the webhook's rate limit again, after it was changed. */
	rateChanged(webhookId: string): void {
		const lane = this.#lanes.get(webhookId);
		if (lane === undefined) return;
		this.#limitRate(lane);
		this.#slowed.delete(lane);
		this.#enterRing(lane);
	}

	/** Attempts that may be under way at once to this webhook, as it is doing now. */
	inFlightLimit(webhookId: string): number {
		const lane = this.#lanes.get(webhookId);
		return lane === undefined ? Math.min(this.#limits.maxInFlightPerWebhook, FIRST_WINDOW) : this.#limit(lane);
	}

	/** When the next lane that waits for its rate limit may be served; Infinity if none waits. */
	nextRateAt(): number {
		const now = this.#clock.now();
		let next = Infinity;
		for (const lane of this.#slowed) next = Math.min(next, lane.bucket?.nextAt(now) ?? now);
		return next;
	}

	/** Lets lanes go on whose rate limit allows it again. */
	wakeSlowed(): void {
		const now = this.#clock.now();
		for (const lane of this.#slowed) {
			if ((lane.bucket?.nextAt(now) ?? now) > now) continue;
			this.#slowed.delete(lane);
			this.#enterRing(lane);
		}
	}

	/** A delivery that was cancelled while it was ready is not sent; one in flight can't be called back. */
	discard(deliveryId: string): void {
		const held = this.#held.get(deliveryId);
		if (held === undefined) return;
		held.next = null;
		if (!held.isInFlight) this.#discarded.add(deliveryId);
	}

	/**
	 * How many deliveries of this lane would still find room. A lane may hold no more than half of what is free for all,
	 * in number and in bytes, so that lanes that hang never take the last of it.
	 */
	room(lane: Lane): number {
		return this.#roomOf(lane, 1);
	}

	#roomOf(lane: Lane, share: number): number {
		const free = Math.floor(this.#limits.maxReady * share) - this.#ready - this.#reserved;
		const freeBytes = this.#freeBytes(share);
		if (free <= 0 || freeBytes <= 0) return 0;
		if (lane.ready === 0) return Math.min(this.#share(lane), Math.ceil(free / 2));
		if (lane.readyBytes >= freeBytes / 2) return 0;
		return Math.max(0, Math.min(this.#share(lane), Math.floor(free / 2)) - lane.ready);
	}

	#share(lane: Lane): number {
		if (lane.failing) return this.#limits.maxInFlightWhileFailing * 2;
		const { maxReadyPerWebhook } = this.#limits;
		// What it can't send soon stays in the store: a backlog behind rate limits must not fill the room of those without.
		return lane.bucket === null
			? maxReadyPerWebhook
			: Math.min(maxReadyPerWebhook, Math.ceil(lane.bucket.perSecond * RATE_LIMITED_S));
	}

	#freeBytes(share: number): number {
		return this.#limits.maxReadyBytes * share - this.#readyBytes - this.#reservedBytes;
	}

	/** How many deliveries this lane may read back from the store. */
	storedRoom(lane: Lane): number {
		return this.#roomOf(lane, STORED_SHARE);
	}

	/** A lane is filled up from the store again when no more than this are left in it. */
	lowWater(lane: Lane): number {
		return Math.min(LOW_WATER, Math.floor(this.#share(lane) / 2));
	}

	/** Bytes of bodies that this lane may read from the store. */
	storedRoomBytes(lane: Lane): number {
		return Math.max(0, this.#freeBytes(STORED_SHARE) / 2 - lane.readyBytes);
	}

	/** Keeps places for deliveries that are being read from the store; gives back what lets go of them when they are here. */
	reserveStored(count: number, bytes: number): () => void {
		this.#reserved += count;
		this.#reservedBytes += bytes;
		return () => {
			this.#reserved -= count;
			this.#reservedBytes -= bytes;
		};
	}

	/**
	 * Keeps a place for a delivery that is about to be committed as leased; false if there is none, or if older ones of
	 * this webhook wait in the store. Follow with `push` or `unreserve`.
	 */
	reserve(webhookId: string, now: number): boolean {
		const lane = this.lane(webhookId);
		if (lane.claiming || lane.storeDueAt <= now || this.room(lane) === 0) return false;
		this.#reserved++;
		return true;
	}

	unreserve(count: number): void {
		this.#reserved -= count;
	}

	/** Adds a delivery; false if it is here already, in which case only its lease is moved. */
	push(delivery: LeasedDelivery): boolean {
		const held = this.#held.get(delivery.id);
		if (held !== undefined) {
			held.leaseUntil = Math.max(held.leaseUntil, delivery.leaseUntil);
			const isLeaving = held.isReturning || this.#discarded.has(delivery.id);
			if (isLeaving || delivery.attemptCount > held.delivery.attemptCount) held.next = delivery;
			return false;
		}
		const lane = this.lane(delivery.webhookId);
		const { leaseUntil } = delivery;
		this.#held.set(delivery.id, { delivery, leaseUntil, isInFlight: false, next: null, isReturning: false });
		lane.push(delivery);
		this.#ready++;
		this.#readyBytes += delivery.body.length;
		this.#enterRing(lane);
		return true;
	}

	/**
	 * Takes the next delivery in turn and counts it as in flight; null if none may start now. A lane gets no more than its
	 * limit and no more than what is free for all (the dynamic threshold of Choudhury and Hahne, 1998): lanes that
	 * hang fill less and less, so that some room is always left for the others.
	 */
	take(): LeasedDelivery | null {
		for (let looks = Math.min(this.#ring.length - this.#ringHead, MAX_LOOKS); looks > 0; looks--) {
			const free = this.#limits.maxInFlight - this.#inFlight;
			if (free <= 0) return null;
			const lane = this.#shiftRing();
			if (lane === undefined) return null;
			if (lane.inFlight >= this.#limit(lane)) {
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
			const held = this.#held.get(delivery.id);
			if (held !== undefined) held.isInFlight = true;
			lane.inFlight++;
			this.#inFlight++;
			this.#enterRing(lane);
			return delivery;
		}
		return null;
	}

	/** The next of a lane, if its rate limit allows it. */
	#nextOf(lane: Lane): LeasedDelivery | null {
		for (let delivery = lane.peek(); delivery !== undefined; delivery = lane.peek()) {
			const discarded = this.#discarded.delete(delivery.id);
			if (!discarded && lane.bucket !== null && !lane.bucket.take(this.#clock.now())) {
				this.#slowed.add(lane);
				return null;
			}
			lane.shift();
			this.#ready--;
			this.#readyBytes -= delivery.body.length;
			if (!discarded) return delivery;
			const next = this.#held.get(delivery.id)?.next ?? null;
			this.#held.delete(delivery.id);
			if (next !== null) this.push(next);
		}
		this.forgetIfIdle(lane);
		return null;
	}

	/** The end of a held delivery's lease; 0 if it is not here. */
	leaseUntil(deliveryId: string): number {
		return this.#held.get(deliveryId)?.leaseUntil ?? 0;
	}

	/** Marks a delivery that `take` had given and that goes back to the store unattempted. Follow with `finish`. */
	returning(deliveryId: string): void {
		const held = this.#held.get(deliveryId);
		if (held !== undefined) held.isReturning = true;
	}

	/** Takes out a delivery that `take` had given: its attempt is over and written. */
	finish(delivery: LeasedDelivery): void {
		const held = this.#held.get(delivery.id);
		if (held === undefined) return;
		this.#held.delete(delivery.id);
		const lane = this.lane(delivery.webhookId);
		lane.inFlight--;
		this.#inFlight--;
		if (held.next !== null) this.push(held.next);
		this.#enterRing(lane);
		this.forgetIfIdle(lane);
	}

	/** Takes out all that is ready, but not what is in flight, of a webhook that may get nothing now. */
	drop(webhookId: string): void {
		const lane = this.#lanes.get(webhookId);
		if (lane === undefined) return;
		for (let delivery = lane.shift(); delivery !== undefined; delivery = lane.shift()) {
			this.#held.delete(delivery.id);
			this.#discarded.delete(delivery.id);
			this.#ready--;
			this.#readyBytes -= delivery.body.length;
		}
		this.#slowed.delete(lane);
		lane.storeDueAt = Infinity;
		this.forgetIfIdle(lane);
	}

	forgetIfIdle(lane: Lane): void {
		if (lane.isIdle(this.#clock.now())) this.#lanes.delete(lane.webhookId);
	}

	/** The deliveries whose lease ends before `before`; their leases are taken to end at `until` from now on. */
	extendLeases(before: number, until: number): string[] {
		const ids: string[] = [];
		for (const [id, held] of this.#held) {
			if (held.leaseUntil >= before) continue;
			held.leaseUntil = until;
			ids.push(id);
		}
		return ids;
	}

	/**
	 * A new lane's bucket is full, since a lane is only forgotten with a full one; but not more than what a process that has just
	 * started could have gathered: what went out before the restart is not known.
	 */
	#limitRate(lane: Lane): void {
		const perSecond = this.#rateLimitOf(lane.webhookId);
		if (perSecond === (lane.bucket?.perSecond ?? null)) return;
		const now = this.#clock.now();
		const gathered = (perSecond ?? 0) * Math.max(0, (now - this.#startedAt) / 1_000);
		lane.bucket = perSecond === null ? null : new TokenBucket(perSecond, lane.bucket === null ? gathered : 0, now);
	}

	#limit(lane: Lane): number {
		const { maxInFlightPerWebhook, maxInFlightWhileFailing } = this.#limits;
		return lane.failing ? maxInFlightWhileFailing : Math.min(maxInFlightPerWebhook, lane.window);
	}

	#enterRing(lane: Lane): void {
		if (lane.inRing || lane.ready === 0 || this.#slowed.has(lane)) return;
		lane.inRing = true;
		this.#ring.push(lane);
	}

	#shiftRing(): Lane | undefined {
		const lane = this.#ring[this.#ringHead++];
		if (this.#ringHead >= 1_024 || this.#ringHead >= this.#ring.length) {
			this.#ring = this.#ring.slice(this.#ringHead);
			this.#ringHead = 0;
		}
		return lane;
	}
}
