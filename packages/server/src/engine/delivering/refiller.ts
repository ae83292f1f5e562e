import type { EngineLimits, EngineParts } from "../parts.ts";
// The refiller: reads due deliveries back from the store into lanes that have room; and the reaper in it, which from time to
// time renews the leases of what is in memory and asks the store what is due, whatever we think we know.
import type { Lane } from "./lane.ts";
import type { ReadyQueue } from "./ready-queue.ts";

interface Neighbours {
	readonly queue: ReadyQueue;
	/** New deliveries are in the queue. */
	readonly filled: () => void;
	/** Whether this webhook may get deliveries now. */
	readonly deliverable: (webhookId: string) => boolean;
	/** Something is due for a webhook that may get nothing: it must be held or cancelled. */
	readonly stray: (webhookId: string) => void;
}

/** Deliveries read at once: fewer the more lanes wait for their turn, so that each comes to it soon. */
const CLAIM_LIMIT = 500;
const MIN_CLAIM_LIMIT = 50;
/** Reads under way at once: the next is at the store while this one's deliveries are taken in. */
const MAX_CLAIMS = 4;
/** Timers for due deliveries fire no closer together than this, so that many retries share one look. */
const TICK_MS = 20;

export class Refiller {
	readonly #parts: EngineParts;
	readonly #limits: EngineLimits;
	readonly #near: Neighbours;
	#running = false;
	#cancelTimer: (() => void) | null = null;
	#timerAt = Infinity;
	#cancelReaper: (() => void) | null = null;
	#reapedAt = 0;
	readonly #claims = new Set<Promise<void>>();
	/** Lanes with due work that wait for room, or for their turn. */
	readonly #starved = new Set<Lane>();

	constructor(parts: EngineParts, limits: EngineLimits, near: Neighbours) {
		this.#parts = parts;
		this.#limits = limits;
		this.#near = near;
	}

	/** When the store was last asked for what is due. */
	get reapedAt(): number {
		return this.#reapedAt;
	}

	async start(): Promise<void> {
		if (this.#running) return;
		this.#running = true;
		await this.#reap();
	}

	/** Resolves when no read is under way any more. */
	async stop(): Promise<void> {
		this.#running = false;
		this.#cancelTimer?.();
		this.#cancelReaper?.();
		await Promise.all(this.#claims);
	}

	/** Called when a lane may want deliveries from the store: it has room again, or something is due at a time. */
	wanting(lane: Lane): void {
		if (!this.#running) return;
		if (this.#starved.size > 0) this.#feedStarved();
		this.#consider(lane);
	}

	#consider(lane: Lane): void {
		if (lane.storeDueAt === Infinity || lane.claiming) return;
		if (lane.storeDueAt > this.#parts.clock.now()) {
			this.#wakeAt(lane.storeDueAt);
		} else if (!this.#near.deliverable(lane.webhookId)) {
			lane.storeDueAt = Infinity;
			this.#near.stray(lane.webhookId);
		} else if (lane.ready <= this.#near.queue.lowWater(lane)) {
			if (this.#mayClaim(lane)) this.#claim(lane);
			else if (lane.ready === 0) this.#starved.add(lane);
		}
	}

	#mayClaim(lane: Lane): boolean {
		return this.#claims.size < MAX_CLAIMS && this.#near.queue.storedRoom(lane) > 0;
	}

	/** Room has come up, perhaps: the lane that waits longest is considered first. */
	#feedStarved(): void {
		for (const lane of this.#starved) {
			if (!this.#mayClaim(lane)) return;
			this.#starved.delete(lane);
			this.#consider(lane);
		}
	}

	#claim(lane: Lane): void {
		lane.claiming = true;
		const claim = this.#readInto(lane)
			.catch((error: unknown) => {
				this.#parts.observer.problem("due deliveries could not be read", error);
				// The reaper asks again; until then nothing hammers a store that fails.
				lane.noteDue(this.#parts.clock.now() + 1_000);
			})
			.finally(() => {
				lane.claiming = false;
				this.#claims.delete(claim);
				this.#near.filled();
				this.wanting(lane);
				this.#near.queue.forgetIfIdle(lane);
			});
		this.#claims.add(claim);
	}

	async #readInto(lane: Lane): Promise<void> {
		const { clock, store } = this.#parts;
		const { queue } = this.#near;
		const now = clock.now();
		const fairLimit = Math.max(MIN_CLAIM_LIMIT, Math.floor(this.#limits.maxReady / (2 * this.#starved.size + 1)));
		const limit = Math.min(CLAIM_LIMIT, fairLimit, queue.storedRoom(lane));
		const maxBytes = queue.storedRoomBytes(lane);
		const leaseUntil = now + this.#limits.leaseMs;
		lane.storeDueAt = Infinity;
		const letGo = queue.reserveStored(limit, maxBytes);
		try {
			const claim = { webhookId: lane.webhookId, now, limit, maxBytes, leaseUntil };
			for (const delivery of await store.claimDue(claim)) queue.push(delivery);
		} finally {
			letGo();
		}
		const next = await store.nextDueAt(lane.webhookId);
		if (next !== null) lane.noteDue(next);
	}

	#wakeAt(at: number): void {
		const now = this.#parts.clock.now();
		// The clock has jumped past the timer's time, and the timer, which does not go by the clock, is still to come.
		const isOverdue = this.#timerAt < now;
		const fireAt = isOverdue ? now + TICK_MS : Math.max(at, now + TICK_MS);
		if (!isOverdue && fireAt >= this.#timerAt) return;
		this.#cancelTimer?.();
		this.#timerAt = fireAt;
		this.#cancelTimer = this.#parts.clock.after(fireAt - now, () => this.#wake());
	}

	/** Looks through all lanes for what is due; sets the timer for what is due next. */
	#wake(): void {
		this.#timerAt = Infinity;
		this.#cancelTimer = null;
		for (const lane of this.#near.queue.lanes()) this.wanting(lane);
	}

	async #reap(): Promise<void> {
		const { clock, store, observer } = this.#parts;
		const { queue } = this.#near;
		try {
			const now = clock.now();
			// Two looks from now they would be about to end.
			const ids = queue.extendLeases(now + this.#limits.leaseMs - this.#limits.reapEveryMs, now + this.#limits.leaseMs);
			if (ids.length > 0) await store.renewLeases(ids, now + this.#limits.leaseMs);
			for (const { webhookId, dueAt } of await store.dueWebhooks()) {
				const lane = queue.lane(webhookId);
				lane.noteDue(dueAt);
			}
			this.#reapedAt = clock.now();
		} catch (error) {
			observer.problem("the store could not be asked for what is due", error);
		}
		if (!this.#running) return;
		for (const lane of queue.lanes()) {
			this.wanting(lane);
			queue.forgetIfIdle(lane);
		}
		this.#cancelReaper = clock.after(this.#limits.reapEveryMs, () => void this.#reap());
	}
}
