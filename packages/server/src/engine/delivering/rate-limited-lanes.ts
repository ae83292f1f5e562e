// Lanes and their rate limits: gives each lane its bucket, and knows which lanes wait for a token and until when. All times
// here are monotonic, so that a step of the wall clock gives no tokens and takes none.
import type { Clock } from "../../core/clock.ts";
import { shardOf } from "../../core/cluster/shard.ts";
import { TokenBucket } from "../../core/policies/token-bucket.ts";
import type { Webhook } from "../../core/webhook.ts";
import { Schedule } from "../background/schedule.ts";
import type { Lane } from "./lane.ts";

/** Knows webhooks, including deleted ones. */
export interface Webhooks {
	webhook(webhookId: string): Pick<Webhook, "projectId" | "customerId" | "rateLimit"> | undefined;
	/** Whether a project has webhooks of customers that are not deleted. */
	hasCustomers(projectId: string): boolean;
}

/** Whether an attempt to a webhook can begin at once. If not, whoever is asked calls `ReadyQueue.wake` when it can. */
export type IsPrepared = (webhookId: string) => boolean;

/**
 * States of a lane here:
 *
 *     free ──take without a token──▶ waiting ──takeReady, remove──▶ free
 *     free ──take, not prepared──▶ being prepared ──prepared, remove──▶ free
 *
 * - free: the lane has no rate limit, or its bucket may have a token.
 * - waiting: its bucket was empty. The lane is scheduled for the time of the next token.
 * - being prepared: its next attempt must wait for something else first. It takes its token afterwards: attempts that had theirs
 *   before would all begin at the same time.
 */
export class RateLimitedLanes {
	readonly #clock: Pick<Clock, "monotonicMs">;
	readonly #webhooks: Webhooks;
	readonly #waiting = new Schedule<Lane>();
	readonly #preparing = new Set<Lane>();
	readonly #startedAt: number;
	/** By shard: since when this process holds it, if it has gained it from others. */
	readonly #gainedAt = new Map<number, number>();

	constructor(clock: Pick<Clock, "monotonicMs">, webhooks: Webhooks) {
		this.#clock = clock;
		this.#webhooks = webhooks;
		this.#startedAt = clock.monotonicMs();
	}

	/**
	 * Gives the lane a bucket for the webhook's rate limit. The bucket of a new lane is full, since a lane is only
	 * forgotten with a full bucket. But it has no more tokens than could have gathered since the start of this process, or since it
	 * has gained the webhook's shard: the attempts made just before are not known.
	 */
	limit(lane: Lane): void {
		const perSecond = this.#webhooks.webhook(lane.webhookId)?.rateLimit?.perSecond ?? null;
		if (perSecond === (lane.bucket?.perSecond ?? null)) return;
		const now = this.#clock.monotonicMs();
		const since = this.#gainedAt.get(shardOf(lane.webhookId)) ?? this.#startedAt;
		const gathered = (perSecond ?? 0) * ((now - since) / 1_000);
		lane.bucket = perSecond === null ? null : new TokenBucket(perSecond, lane.bucket === null ? gathered : 0, now);
	}

	/** This process holds these shards from now on. Lanes that it has of them begin anew: others may have used their tokens. */
	gained(shards: ReadonlySet<number>, lanes: Iterable<Lane>): void {
		const now = this.#clock.monotonicMs();
		for (const shard of shards) this.#gainedAt.set(shard, now);
		for (const lane of lanes) {
			if (lane.bucket === null || !shards.has(shardOf(lane.webhookId))) continue;
			lane.bucket = null;
			this.limit(lane);
		}
	}

	/** Takes a token for an attempt; true if the lane has no rate limit. Otherwise the lane waits. */
	take(lane: Lane, isPrepared: IsPrepared): boolean {
		if (lane.bucket === null) return true;
		if (!isPrepared(lane.webhookId)) {
			this.#preparing.add(lane);
			return false;
		}
		const now = this.#clock.monotonicMs();
		if (lane.bucket.take(now)) return true;
		this.#waiting.schedule(lane, lane.bucket.nextAt(now));
		return false;
	}

	isWaiting(lane: Lane): boolean {
		return this.#preparing.has(lane) || this.#waiting.has(lane);
	}

	/** Ends the wait of a lane that was being prepared. */
	prepared(lane: Lane): void {
		this.#preparing.delete(lane);
	}

	remove(lane: Lane): void {
		this.#preparing.delete(lane);
		this.#waiting.remove(lane);
	}

	/** When the next waiting lane has a token; Infinity if no lane waits. */
	nextAt(): number {
		return this.#waiting.nextAt();
	}

	/**
	 * Ends the wait of the lanes that have a token, and returns them. `at` is the time for which the timer was set: lanes
	 * that were due then are looked at, also if the timer has fired a little early.
	 */
	takeReady(at: number): Lane[] {
		const now = this.#clock.monotonicMs();
		return this.#waiting.takeDue(Math.max(at, now)).filter((lane) => {
			const nextAt = lane.bucket?.nextAt(now) ?? now;
			if (nextAt > now) this.#waiting.schedule(lane, nextAt);
			return nextAt <= now;
		});
	}
}
