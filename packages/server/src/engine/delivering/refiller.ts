// The refiller: reads due deliveries from the store into lanes that have room. Its poll regularly renews the leases of
// the deliveries in memory and asks the store which deliveries are due, independently of the state in memory.
import { wholeShareOf } from "../../core/policies/share.ts";
import type { Facts } from "../../ports/observer.ts";
import { LEAST_SHARE, type QueueStore } from "../../ports/store/queue.ts";
import { Periodic } from "../background/periodic.ts";
import { Schedule } from "../background/schedule.ts";
import type { Directory } from "../directory/directory.ts";
import type { EngineLimits, PartsOn } from "../parts.ts";
import type { Lane } from "./lane.ts";
import type { ReadyQueue } from "./ready-queue.ts";
import { StarvedLanes } from "./shares/starved-lanes.ts";
import type { Sweeper } from "./sweeper.ts";

type Parts = Pick<PartsOn<QueueStore>, "store" | "clock" | "observer" | "tenure">;

interface Neighbours {
	readonly queue: ReadyQueue;
	readonly directory: Pick<Directory, "isDeliverable" | "webhook">;
	/** Told when deliveries were added to the queue. */
	readonly line: { filled(): void };
	readonly sweeper: Pick<Sweeper, "sweep">;
}

/** Deliveries claimed at once. The more lanes are starved, the fewer, so that each lane is served soon. */
const CLAIM_LIMIT = 500;
const MIN_CLAIM_LIMIT = LEAST_SHARE;
/** The most customers with starved lanes looked at in one search for one that may claim. */
const MAX_LOOKS = 16;
/** Timers for due deliveries are at least this far apart, so that many retries share one look through the lanes. */
const TICK_MS = 20;
/** After a failed claim, the lane is due again this much later: a failing store must not be flooded with calls. */
const RETRY_AFTER_MS = 1_000;
const POLL_PROBLEM = "the store could not be polled for due deliveries";

/**
 * States: stopped ──start──▶ running ──stop──▶ stopped
 *
 * - stopped: claims nothing. `stop` resolves when the claims and the poll under way have ended.
 * - running: polls the store every `pollEveryMs`, or every `findEveryMs`. A timer is set for the time at which the next delivery in the store
 *   is due.
 *
 * While the refiller is running, a lane of a webhook that this process holds is in one of three conditions if the store
 * has due deliveries for it: a claim for it is under way; it is starved (empty, and waiting for its customer's share of the
 * room in the queue or of the `maxClaims`); or it has enough ready deliveries, and is considered again when it runs low.
 */
export class Refiller {
	readonly #parts: Parts;
	readonly #limits: Pick<
		EngineLimits,
		"maxReady" | "leaseMs" | "pollEveryMs" | "findEveryMs" | "maxClaims" | "maxClaimBytes"
	>;
	readonly #near: Neighbours;
	readonly #polling: Periodic;
	#running = false;
	#cancelTimer: (() => void) | null = null;
	#timerAt = Infinity;
	#polledAt: number | null = null;
	/** When leases were last renewed, in monotonic time. */
	#renewedAt = -Infinity;
	/** Lanes whose deliveries in the store are due later. */
	readonly #later = new Schedule<Lane>();
	readonly #claims = new Set<Promise<void>>();
	readonly #starved = new StarvedLanes();

	constructor(
		parts: Parts,
		limits: Pick<EngineLimits, "maxReady" | "leaseMs" | "pollEveryMs" | "findEveryMs" | "maxClaims" | "maxClaimBytes">,
		near: Neighbours,
	) {
		this.#parts = parts;
		this.#limits = limits;
		this.#near = near;
		this.#polling = new Periodic(parts, {
			everyMs: limits.findEveryMs ?? limits.pollEveryMs,
			work: () => this.#find(),
			problem: POLL_PROBLEM,
		});
	}

	/** Lanes whose deliveries in the store are due later: what the schedule takes of memory. */
	get lanesDueLater(): number {
		return this.#later.size;
	}

	/** When the store was last polled successfully, in monotonic time; null if it was not polled yet. */
	get polledAt(): number | null {
		return this.#polledAt;
	}

	/** Resolves after the first poll. */
	async start(): Promise<void> {
		if (this.#running) return;
		this.#running = true;
		await this.#polling.startNow();
	}

	/** Claims nothing more. Resolves when the claims and the poll under way have ended. */
	async stop(): Promise<void> {
		this.#running = false;
		this.#cancelTimer?.();
		await Promise.all([...this.#claims, this.#polling.stop()]);
	}

	/** Polls the store now. A failure is reported: the next poll follows at its usual time. */
	async look(): Promise<void> {
		if (!this.#running) return;
		try {
			await this.#poll();
		} catch (error) {
			this.#parts.observer.problem(POLL_PROBLEM, error);
		}
	}

	/** Claims deliveries for a lane if it needs some. Call it when the lane has room again, or when it may be due. */
	refill(lane: Lane): void {
		if (!this.#running) return;
		this.#refillStarved();
		this.#consider(lane);
	}

	/** Call it for a lane that was dropped, so that its time is not remembered for as long as its webhook is stopped. */
	forget(lane: Lane): void {
		this.#later.remove(lane);
		this.#starved.delete(lane);
	}

	#consider(lane: Lane): void {
		if (lane.storeDueAt === Infinity || lane.claiming) return;
		if (!this.#parts.tenure.holds(lane.webhookId)) {
			lane.forgetStored();
			this.forget(lane);
		} else if (lane.storeDueAt > this.#parts.clock.now()) {
			this.#later.schedule(lane, lane.storeDueAt);
			this.#wakeAt(lane.storeDueAt);
		} else if (!this.#near.directory.isDeliverable(lane.webhookId)) {
			lane.forgetStored();
			this.#later.remove(lane);
			this.#near.sweeper.sweep(lane.webhookId);
		} else if (lane.ready <= this.#near.queue.lowWater(lane)) {
			if (this.#mayClaim(lane)) this.#claim(lane);
			else if (lane.ready === 0) this.#starved.add(lane);
		}
	}

	/** The claims under way are divided by project, and then by customer. */
	#mayClaim(lane: Lane): boolean {
		const { maxClaims } = this.#limits;
		if (this.#claims.size >= maxClaims) return false;
		const { customer, project } = lane;
		const share = wholeShareOf(maxClaims, this.#claims.size, project.claims);
		if (customer.left(share, project.claims, customer.claims) <= 0) return false;
		return this.#near.queue.storedRoom(lane) > 0;
	}

	/**
	 * Serves the starved lanes in turns by project and customer, as far as there is room now. Of the lanes of one customer, the
	 * one that has waited longest comes first.
	 */
	#refillStarved(): void {
		let looks = Math.min(this.#starved.customers, MAX_LOOKS);
		while (looks > 0 && this.#claims.size < this.#limits.maxClaims) {
			const lane = this.#starved.next();
			if (lane === undefined) return;
			if (this.#mayClaim(lane)) {
				this.#starved.delete(lane);
				this.#consider(lane);
			} else {
				looks--;
			}
		}
	}

	/** What log lines about a webhook's deliveries name. */
	#idsOf(webhookId: string): Facts {
		return { projectId: this.#near.directory.webhook(webhookId)?.projectId, webhookId };
	}

	#claim(lane: Lane): void {
		lane.claiming = true;
		lane.customer.claims++;
		lane.project.claims++;
		const claim = this.#readInto(lane)
			.catch((error: unknown) => {
				this.#parts.observer.problem("due deliveries could not be read", error, this.#idsOf(lane.webhookId));
				lane.noteDue(this.#parts.clock.now() + RETRY_AFTER_MS);
			})
			.finally(() => {
				lane.claiming = false;
				lane.customer.claims--;
				lane.project.claims--;
				this.#claims.delete(claim);
				this.#near.line.filled();
				this.refill(lane);
				this.#near.queue.forgetIfIdle(lane);
			});
		this.#claims.add(claim);
	}

	async #readInto(lane: Lane): Promise<void> {
		const { clock, store } = this.#parts;
		const { queue } = this.#near;
		const now = clock.now();
		const fairLimit = Math.max(
			MIN_CLAIM_LIMIT,
			Math.floor(this.#limits.maxReady / (2 * this.#starved.before(lane) + 1)),
		);
		const limit = Math.min(CLAIM_LIMIT, fairLimit, queue.storedRoom(lane));
		const maxBytes = Math.min(queue.storedRoomBytes(lane), this.#limits.maxClaimBytes);
		const leaseUntil = now + this.#limits.leaseMs;
		lane.storeDueAt = Infinity;
		this.#later.remove(lane);
		const unreserve = queue.reserveStored(lane, limit, maxBytes);
		const claim = queue.claims.open();
		try {
			const { projectId } = lane.project;
			const request = { webhookId: lane.webhookId, projectId, now, limit, maxBytes, leaseUntil };
			const { deliveries, nextDueAt } = await store.claimDue(request);
			lane.isReadToEnd = nextDueAt === null || nextDueAt > now;
			for (const delivery of deliveries) if (!claim.isOutdated(delivery)) queue.push(delivery);
			for (const delivery of deliveries) if (claim.wasCancelled(delivery)) queue.skip(delivery);
			if (nextDueAt !== null) lane.noteDue(nextDueAt);
		} finally {
			queue.claims.close(claim);
			unreserve();
		}
	}

	#wakeAt(at: number): void {
		const now = this.#parts.clock.now();
		// The clock has jumped past the timer's time. The timer runs independently of the clock and has not fired yet.
		const isOverdue = this.#timerAt < now;
		const fireAt = isOverdue ? now + TICK_MS : Math.max(at, now + TICK_MS);
		if (!isOverdue && fireAt >= this.#timerAt) return;
		this.#cancelTimer?.();
		this.#timerAt = fireAt;
		this.#cancelTimer = this.#parts.clock.after(fireAt - now, () => this.#wake());
	}

	/** Refills the lanes that are due, and sets the timer for those that are due later. */
	#wake(): void {
		this.#timerAt = Infinity;
		this.#cancelTimer = null;
		for (const lane of this.#later.takeDue(this.#parts.clock.now())) this.refill(lane);
		const nextAt = this.#later.nextAt();
		if (nextAt !== Infinity) this.#wakeAt(nextAt);
	}

	/** Polls, unless nobody else commits deliveries at the moment and the usual time has not passed. */
	async #find(): Promise<void> {
		const { clock, tenure } = this.#parts;
		const isRecent = this.#polledAt !== null && clock.monotonicMs() - this.#polledAt < this.#limits.pollEveryMs;
		const isAlone = tenure.liveMembers() === 1;
		if (this.#limits.findEveryMs === null || !isAlone || !isRecent) await this.#poll();
	}

	/** Renews leases, notes which webhooks have due deliveries, and refills their lanes, also if the store has failed. */
	async #poll(): Promise<void> {
		const { clock, store, tenure } = this.#parts;
		const { queue } = this.#near;
		try {
			await this.#renewLeases();
			const shards = tenure.shards();
			const due = shards?.length === 0 ? [] : await store.dueWebhooks(shards);
			for (const { webhookId, dueAt } of due) queue.lane(webhookId).noteDue(dueAt);
			this.#polledAt = clock.monotonicMs();
		} finally {
			if (this.#running) this.#refillAll();
		}
	}

	async #renewLeases(): Promise<void> {
		const { leaseMs, pollEveryMs, findEveryMs } = this.#limits;
		const { clock, store } = this.#parts;
		const startedAt = clock.monotonicMs();
		if (findEveryMs !== null && startedAt - this.#renewedAt < pollEveryMs) return;
		const until = clock.now() + leaseMs;
		// Extends the leases that would be about to end two polls from now.
		const ids = this.#near.queue.extendLeases(until - pollEveryMs, until);
		if (ids.length > 0) await store.renewLeases(ids, until);
		this.#renewedAt = startedAt;
	}

	#refillAll(): void {
		for (const lane of this.#near.queue.lanes()) {
			this.refill(lane);
			this.#near.queue.forgetIfIdle(lane);
		}
	}
}
