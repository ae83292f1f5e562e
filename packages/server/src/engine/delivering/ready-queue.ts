// The ready queue: leased deliveries that wait in memory for their attempt, in one short lane per webhook, served in turns by
// project, then by customer and then by webhook.
//
// It is bounded by count and bytes. Deliveries without room stay in the store. While a webhook has due deliveries in
// the store, its new deliveries go through the store too, so that the older ones come first; not while the last of these are read.
import type { Clock } from "../../core/clock.ts";
import type { ArmedWebhook } from "../../core/webhook.ts";
import type { DeliveryLease, LeasedDelivery } from "../../ports/store/queue.ts";
import type { EngineLimits } from "../parts.ts";
import { DeliveriesInMemory } from "./deliveries-in-memory.ts";
import { FIRST_WINDOW, Lane } from "./lane.ts";
import type { ReleaseLease } from "./leases/release-lease.ts";
import { SkippedLeases } from "./leases/skipped-leases.ts";
import { OpenClaims } from "./open-claims.ts";
import { RateLimitedLanes, type IsPrepared, type Webhooks } from "./rate-limited-lanes.ts";
import { LaneRing } from "./shares/lane-ring.ts";
import { ProjectLanes, type CustomerLanes } from "./shares/project-lanes.ts";
import { ReadyRoom } from "./shares/ready-room.ts";

type Limits = Pick<
	EngineLimits,
	| "maxReady"
	| "maxReadyPerWebhook"
	| "maxReadyBytes"
	| "maxInFlight"
	| "maxInFlightPerWebhook"
	| "maxInFlightWhileFailing"
>;

/** What the queue knows of a webhook. */
type ReadyWebhook = Pick<ArmedWebhook, "id"> & Owner;

/** Whose share of the queue a delivery takes. */
export type Owner = Pick<ArmedWebhook, "projectId" | "customerId">;

/** The project of webhooks that are not known. They get no deliveries. */
const NO_PROJECT = "";

/**
 * All deliveries in memory. The states of a delivery here:
 *
 * - reserved: `reserve` or `reserveStored` keeps room for it, before it is committed or read. It becomes ready by
 *   `push`, and its reservation ends by `unreserve`.
 * - ready: it waits in its webhook's lane. Entered by `push`; left by `take` or `drop`.
 * - discarded: it was cancelled while it was ready. Entered by `discard`; `take` skips it, and then it is gone, or
 *   ready again if it was claimed meanwhile. If it is gone and others share the store, its lease is ended: it may have been retried, and
 *   leased again, before this process has heard that it was cancelled.
 * - in flight: entered by `take`; left by `finish`, and then it is gone, or ready again if it was claimed for its next
 *   attempt.
 *
 * Reserved and ready deliveries take room (`ReadyRoom`), and those in flight take places (`LaneRing`); both are divided by
 * project, then by customer, then by lane. The states of a lane are documented in `Lane`. A lane with ready deliveries is in the ring, or
 * waits for its rate limit, or waits until one of its attempts in flight is finished.
 */
export class ReadyQueue {
	readonly claims = new OpenClaims();
	readonly #limits: Pick<EngineLimits, "maxInFlightPerWebhook">;
	readonly #webhooks: Webhooks;
	readonly #lanes = new Map<string, Lane>();
	/** The projects that have lanes or reservations. */
	readonly #projects = new Map<string, ProjectLanes<Lane>>();
	/** Every delivery in memory, ready or in flight. */
	readonly #inMemory = new DeliveriesInMemory();
	/** Lanes with ready deliveries that may be served. */
	readonly #ring: LaneRing;
	readonly #room: ReadyRoom;
	#ready = 0;
	/** New deliveries for which room is reserved. */
	#reserved = 0;
	/** Lanes with ready deliveries that wait for their rate limit. */
	readonly #rateLimited: RateLimitedLanes;
	readonly #clock: Pick<Clock, "monotonicMs">;
	readonly #skipped: SkippedLeases | null;

	/** @param release ends the leases of what is skipped; null if nobody else shares the store */
	constructor(
		limits: Limits,
		clock: Pick<Clock, "monotonicMs">,
		webhooks: Webhooks,
		release: ReleaseLease | null = null,
	) {
		this.#limits = limits;
		this.#webhooks = webhooks;
		this.#clock = clock;
		this.#skipped = release === null ? null : new SkippedLeases(release);
		this.#ring = new LaneRing(limits);
		this.#room = new ReadyRoom(limits);
		this.#rateLimited = new RateLimitedLanes(clock, webhooks);
	}

	/** Deliveries that wait in memory for their attempt. */
	get ready(): number {
		return this.#ready;
	}

	/** Whether ready deliveries wait for an attempt in flight to be finished. To be asked when `take` has returned null. */
	get isHeldUp(): boolean {
		return this.#ring.isHeldUp;
	}

	/** Attempts under way. */
	get inFlight(): number {
		return this.#ring.inFlight;
	}

	lanes(): IterableIterator<Lane> {
		return this.#lanes.values();
	}

	/** Projects that have lanes or reservations, and customers of theirs: what they take of memory. */
	get projects(): number {
		let count = this.#projects.size;
		for (const { customers } of this.#projects.values()) count += customers;
		return count;
	}

	/** The lane of a webhook, made if there is none. The project can be given if it is known. */
	lane(webhookId: string, projectId?: string): Lane {
		return this.#lanes.get(webhookId) ?? this.#newLane(webhookId, projectId);
	}

	#newLane(webhookId: string, projectId?: string): Lane {
		const webhook = this.#webhooks.webhook(webhookId);
		const customer = this.#customer({
			projectId: projectId ?? webhook?.projectId ?? NO_PROJECT,
			customerId: webhook?.customerId ?? null,
		});
		const lane = new Lane(webhookId, customer);
		customer.lanes++;
		this.#lanes.set(webhookId, lane);
		this.#rateLimited.limit(lane);
		return lane;
	}

	/** Applies the webhook's rate limit again. Call it after the limit was changed, or the webhook has become known. */
	rateChanged(webhookId: string): void {
		const lane = this.#lanes.get(webhookId);
		if (lane === undefined) return;
		// Its project and its customer may not have been known when it was made.
		const customerId = this.#webhooks.webhook(webhookId)?.customerId ?? null;
		if (lane.project.projectId === NO_PROJECT || lane.customer.customerId !== customerId) this.forgetIfIdle(lane);
		this.#rateLimited.limit(lane);
		this.#rateLimited.remove(lane);
		this.#enterRing(lane);
	}

	/** This process holds these shards from now on: their webhooks get no burst that another process may have had just before. */
	gained(shards: readonly number[]): void {
		this.#rateLimited.gained(new Set(shards), this.#lanes.values());
	}

	/** How many attempts may be in flight to this webhook at once, in its present condition. */
	inFlightLimit(webhookId: string): number {
		const lane = this.#lanes.get(webhookId);
		return lane === undefined ? Math.min(this.#limits.maxInFlightPerWebhook, FIRST_WINDOW) : this.#ring.limitOf(lane);
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

	/** Serves a webhook again that `take` was told is not prepared. */
	wake(webhookId: string): void {
		const lane = this.#lanes.get(webhookId);
		if (lane === undefined) return;
		this.#rateLimited.prepared(lane);
		this.#enterRing(lane);
	}

	/** Removes a delivery that was cancelled, unless its request was sent, which can't be called back. */
	discard(deliveryId: string, { isErased = false }: { readonly isErased?: boolean } = {}): void {
		this.claims.cancelled(deliveryId);
		// The lease of an erased one stays: the erasure cancels it in the store, step by step.
		this.#inMemory.cancelled(deliveryId, isErased);
	}

	/** Whether a delivery in flight was cancelled since it was taken, so that its attempt must not begin. */
	isCancelled(deliveryId: string): boolean {
		return this.#inMemory.isCancelled(deliveryId);
	}

	/** The ids of an event's deliveries that are in memory. */
	deliveriesOf(eventId: string): string[] {
		return this.#inMemory.ofEvent(eventId);
	}

	/** How many deliveries of this lane may be read from the store now. */
	storedRoom(lane: Lane): number {
		return this.#room.storedRoom(lane);
	}

	/** How many bytes of bodies may be read from the store for this lane now. */
	storedRoomBytes(lane: Lane): number {
		return this.#room.storedRoomBytes(lane);
	}

	/** The lane is refilled from the store when no more deliveries than this are left in it. */
	lowWater(lane: Lane): number {
		return this.#room.lowWater(lane);
	}

	/**
	 * Reserves room for deliveries that are being read from the store into this lane. Call the returned function once they
	 * are pushed, or if the read has failed.
	 */
	reserveStored({ customer }: Lane, count: number, bytes: number): () => void {
		this.#room.take(customer, count, bytes);
		return () => this.#room.give(customer, count, bytes);
	}

	/**
	 * Reserves room for a delivery that is about to be committed as leased, with a body of this size. False if there is no
	 * room, or if older deliveries of this webhook are due in the store. Call `unreserve` when the commit has ended, and
	 * `push` if it succeeded.
	 */
	reserve(webhook: ReadyWebhook, bytes: number, now: number): boolean {
		const lane = this.lane(webhook.id, webhook.projectId);
		if (!lane.mayKeep(now, this.#room.hasRoom(lane, bytes))) return false;
		this.#reserve(this.#customer(webhook), bytes);
		return true;
	}

	/** The same for a delivery of a webhook that another process delivers. It needs room only until it is handed off. */
	reserveElsewhere(owner: Owner, bytes: number): boolean {
		const customer = this.#customer(owner);
		const hasRoom = this.#room.hasRoomElsewhere(customer, bytes);
		if (hasRoom) this.#reserve(customer, bytes);
		else this.#forgetCustomerIfIdle(customer);
		return hasRoom;
	}

	#reserve(customer: CustomerLanes<Lane>, bytes: number): void {
		this.#reserved++;
		this.#room.take(customer, 1, bytes);
	}

	/** Ends the reservations that `reserve` and `reserveElsewhere` have made for this many deliveries of one owner, of so many bytes each. */
	unreserve(owner: Owner, count: number, bytes: number): void {
		if (count === 0) return;
		this.#reserved -= count;
		assertCount(this.#reserved, "reserved deliveries");
		const customer = this.#customer(owner);
		this.#room.give(customer, count, count * bytes);
		this.#forgetCustomerIfIdle(customer);
	}

	/**
	 * Adds a delivery to its lane. False if it is in memory already: then its lease is extended, and if it was claimed
	 * for another attempt, it becomes ready again after the present one.
	 */
	push(delivery: LeasedDelivery): boolean {
		if (!this.#inMemory.add(delivery)) return false;
		const lane = this.lane(delivery.webhookId, delivery.projectId);
		lane.push(delivery);
		this.#ready++;
		this.#room.take(lane.customer, 1, delivery.body.length);
		this.#enterRing(lane);
		return true;
	}

	/**
	 * Takes the next delivery, in turns by project, customer and lane, and counts it as in flight; null if no attempt may
	 * start now. Webhooks with a rate limit are served only if `isPrepared` says so.
	 */
	take(isPrepared: IsPrepared = () => true): LeasedDelivery | null {
		for (let lane = this.#ring.next(); lane !== null; lane = this.#ring.next()) {
			const delivery = this.#nextOf(lane, isPrepared);
			if (delivery === null) continue;
			this.#inMemory.began(delivery.id);
			this.#ring.began(lane);
			this.#enterRing(lane);
			return delivery;
		}
		return null;
	}

	/** Takes the next delivery out of a lane; null if the lane is empty or its rate limit allows no attempt now. */
	#nextOf(lane: Lane, isPrepared: IsPrepared): LeasedDelivery | null {
		for (let delivery = lane.peek(); delivery !== undefined; delivery = lane.peek()) {
			const discarded = this.#inMemory.isCancelled(delivery.id);
			if (!discarded && !this.#rateLimited.take(lane, isPrepared)) return null;
			lane.shift();
			this.#noLongerReady(lane, delivery);
			if (!discarded) return delivery;
			const leaseUntil = this.#inMemory.leaseUntil(delivery.id);
			const known = this.#inMemory.remove(delivery.id);
			if (known?.next !== undefined && known.next !== null) this.push(known.next);
			else if (known?.isErased !== true) this.skip({ ...delivery, leaseUntil });
		}
		this.forgetIfIdle(lane);
		return null;
	}

	/** Ends the lease of a delivery that is not attempted, since it was cancelled. If it is cancelled in the store, it has none any more. */
	skip({ id, projectId, webhookId, leaseUntil }: DeliveryLease): void {
		this.#skipped?.end({ id, projectId, webhookId, leaseUntil });
	}

	#noLongerReady({ customer }: Lane, { body }: LeasedDelivery): void {
		this.#ready--;
		this.#room.give(customer, 1, body.length);
	}

	/** When the lease of a delivery ends; 0 if the delivery is not in memory. */
	leaseUntil(deliveryId: string): number {
		return this.#inMemory.leaseUntil(deliveryId);
	}

	/** Marks a delivery in flight that goes back to the store without an attempt. Call `finish` afterwards. */
	markReturning(deliveryId: string): void {
		this.#inMemory.returning(deliveryId);
	}

	/** Removes a delivery in flight: its attempt has ended and the outcome is committed. */
	finish(delivery: LeasedDelivery): void {
		const known = this.#inMemory.remove(delivery.id);
		if (known === undefined) return;
		const lane = this.lane(delivery.webhookId, delivery.projectId);
		this.#ring.ended(lane);
		// What goes back without an attempt may be claimed again at once, and looks the same then.
		if (!known.isReturning) this.claims.attempted(delivery);
		if (known.next !== null) this.push(known.next);
		else if (known.hasLostNext && !known.isErased) this.skip({ ...delivery, leaseUntil: known.leaseUntil });
		this.#enterRing(lane);
		this.forgetIfIdle(lane);
	}

	/**
	 * Removes the ready deliveries of a webhook that is not deliverable any more. Those in flight stay until `finish`. Returns the
	 * lane, if there is one, and the leases of what was removed.
	 */
	drop(webhookId: string): { readonly lane: Lane; readonly leases: readonly DeliveryLease[] } | undefined {
		const lane = this.#lanes.get(webhookId);
		if (lane === undefined) return undefined;
		const leases: DeliveryLease[] = [];
		for (let delivery = lane.shift(); delivery !== undefined; delivery = lane.shift()) {
			const { id, projectId } = delivery;
			leases.push({ id, projectId, webhookId, leaseUntil: this.#inMemory.leaseUntil(id) });
			this.#inMemory.remove(delivery.id);
			this.#noLongerReady(lane, delivery);
		}
		this.#rateLimited.remove(lane);
		this.#ring.leave(lane);
		lane.forgetStored();
		this.forgetIfIdle(lane);
		return { lane, leases };
	}

	/** Forgets a lane without any work, so that memory does not grow with the number of webhooks ever served. */
	forgetIfIdle(lane: Lane): void {
		// A lane that was dropped and forgotten stays in the ring until its turn. The webhook may have another one by then.
		if (!lane.isIdle(this.#clock.monotonicMs()) || this.#lanes.get(lane.webhookId) !== lane) return;
		this.#lanes.delete(lane.webhookId);
		lane.customer.lanes--;
		this.#forgetCustomerIfIdle(lane.customer);
	}

	/** Extends each lease that ends before `before` to `until`, in memory only. Returns the ids of those deliveries. */
	extendLeases(before: number, until: number): string[] {
		return this.#inMemory.extendLeases(before, until);
	}

	#enterRing(lane: Lane): void {
		if (lane.inRing) return;
		if (lane.ready === 0 || this.#rateLimited.isWaiting(lane)) this.#ring.leave(lane);
		else this.#ring.enter(lane);
	}

	#customer({ projectId, customerId }: Owner): CustomerLanes<Lane> {
		let project = this.#projects.get(projectId);
		if (project === undefined) {
			project = new ProjectLanes<Lane>(projectId, this.#webhooks.hasCustomers(projectId));
			this.#projects.set(projectId, project);
		}
		return project.customer(customerId);
	}

	#forgetCustomerIfIdle(customer: CustomerLanes<Lane>): void {
		const { project } = customer;
		project.forgetIfIdle(customer);
		if (project.isIdle) this.#projects.delete(project.projectId);
	}
}

/** A negative count is a defect: room would be given away twice. */
function assertCount(count: number, what: string): void {
	if (count < 0) throw new Error(`the ready queue counts ${count} ${what}`);
}
