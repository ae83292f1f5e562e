// The one door to delivery: the rest of the engine calls this class, and nothing else in this room.
import { shardOf } from "../../core/cluster/shard.ts";
import { longestWaitMs } from "../../core/policies/retry-policy.ts";
import type { ArmedWebhook } from "../../core/webhook.ts";
import type { EngineGauges } from "../../ports/observer.ts";
import type { NewEvent } from "../../ports/store/accept.ts";
import type { DirectoryStore } from "../../ports/store/directory.ts";
import type { LifecycleStore } from "../../ports/store/lifecycle.ts";
import type { LeasedDelivery, QueueStore } from "../../ports/store/queue.ts";
import type { Place, TenureHolder } from "../../ports/tenure.ts";
import type { DiscardNote, OwnerNote, WireListener } from "../../ports/wire.ts";
import type { Committer } from "../committing/committer.ts";
import type { Directory } from "../directory/directory.ts";
import type { LiveReporter } from "../live/live-reporter.ts";
import type { EngineLimits, PartsOn } from "../parts.ts";
import { Dispatcher } from "./dispatcher.ts";
import { HandOffs } from "./hand-offs/hand-offs.ts";
import { DroppedLeases } from "./leases/dropped-leases.ts";
import { createReleaseLease, type ReleaseLease } from "./leases/release-lease.ts";
import { OpenCommits } from "./open-commits.ts";
import { ReadyQueue } from "./ready-queue.ts";
import { Refiller } from "./refiller.ts";
import { Sweeper } from "./sweeper.ts";

type Parts = Pick<
	PartsOn<QueueStore & Pick<DirectoryStore, "webhookRecords"> & Pick<LifecycleStore, "probe">>,
	"store" | "sender" | "clock" | "wall" | "observer" | "ids" | "chance" | "tenure" | "wire"
>;

/** Webhooks whose due times are corrected in one transaction. */
const PULL_IN_STEP = 100;

interface Neighbours {
	readonly committer: Committer;
	readonly directory: Directory;
	readonly live: LiveReporter;
	/** The `User-Agent` header of requests to receivers. */
	readonly userAgent: string;
	/** Called when a receiver responded with 410. */
	readonly gone: (webhookId: string) => void;
}

/** What is under way, for gauges and for those that give way to live traffic. */
export type DeliveryLoad = Pick<EngineGauges, "readyDeliveries" | "inFlightAttempts" | "oldestDueMs">;

/**
 * Delivers. Behind it are the ready queue with its lanes, the dispatcher, the refiller and the sweeper.
 *
 * States: stopped ──start──▶ running ──drain──▶ draining ──▶ drained
 *
 * - stopped: `reserve`, `accepted` and `due` fill the lanes; no attempt is started, and the store is not read.
 * - running: attempts are made, due deliveries are claimed, webhooks are swept.
 * - draining: entered by `drain`. No attempt is started any more; those in flight end and their outcomes are committed.
 *   `stop`, called at the same time, ends the claims and sweeps.
 * - drained: nothing is under way. There is no way back.
 *
 * A call is a hint that something may have changed; what is done follows from the directory and the store. Only the
 * webhooks that this process holds are delivered here; `gained` and `lost` say when these change.
 *
 * @example
 * const leaseUntil = line.reserve(webhook, body.length, now); // while the event is built
 * line.accepted(event); // after its commit
 */
export class DeliveryLine implements Omit<WireListener, "sessionsChanged">, Omit<TenureHolder, "gained"> {
	readonly #store: Parts["store"];
	readonly #observer: Parts["observer"];
	readonly #tenure: Parts["tenure"];
	readonly #limits: Pick<EngineLimits, "leaseMs" | "pollEveryMs">;
	readonly #clock: Parts["clock"];
	readonly #committer: Committer;
	readonly #directory: Directory;
	readonly #queue: ReadyQueue;
	readonly #commits = new OpenCommits();
	readonly #sweeper: Sweeper;
	readonly #refiller: Refiller;
	readonly #dispatcher: Dispatcher;
	readonly #handOffs: HandOffs;
	readonly #release: ReleaseLease;
	readonly #dropped: DroppedLeases;
	/** In monotonic time; null before the start. */
	#startedAt: number | null = null;

	constructor(parts: Parts, limits: EngineLimits, near: Neighbours) {
		const { committer, directory, live, userAgent, gone } = near;
		this.#store = parts.store;
		this.#observer = parts.observer;
		this.#tenure = parts.tenure;
		this.#limits = limits;
		this.#clock = parts.clock;
		this.#committer = committer;
		this.#directory = directory;
		this.#release = createReleaseLease(parts, { committer, line: this });
		const queue = new ReadyQueue(limits, parts.clock, directory, limits.mayLoseAnswers ? this.#release : null);
		this.#queue = queue;
		this.#dropped = new DroppedLeases(parts.clock);
		this.#handOffs = new HandOffs(parts, {
			mayLoseAnswers: limits.mayLoseAnswers,
			queue,
			commits: this.#commits,
			release: this.#release,
			line: this,
		});
		this.#sweeper = new Sweeper(parts, { directory, live, line: this });
		this.#refiller = new Refiller(parts, limits, { queue, directory, line: this, sweeper: this.#sweeper });
		this.#dispatcher = new Dispatcher(
			parts,
			{ userAgent, maxInFlight: limits.maxInFlight },
			{
				committer,
				queue,
				directory,
				live,
				gone,
				refiller: this.#refiller,
				handOffs: this.#handOffs,
				commits: this.#commits,
			},
		);
	}

	/** Starts to deliver the webhooks that this process holds. Resolves after the first poll of the store. */
	async start(): Promise<void> {
		this.#startedAt = this.#clock.monotonicMs();
		await this.#sweeper.start();
		this.#dispatcher.start();
		await this.#refiller.start();
		this.#handOffs.start();
	}

	/** Starts no more attempts. Resolves when every attempt in flight has ended and its outcome is committed. */
	drain(): Promise<void> {
		return this.#dispatcher.drain();
	}

	/** Ends claims and sweeps. Resolves when those under way have ended. */
	async stop(): Promise<void> {
		await Promise.all([this.#refiller.stop(), this.#sweeper.stop(), this.#handOffs.stop()]);
	}

	/**
	 * Reserves room for a new delivery with a body of this size, just before its commit. Returns when its lease ends, or null if there is no room
	 * or older deliveries of the webhook come first: the delivery is then committed without a lease and claimed later.
	 * Each reservation ends with `accepted` or `unreserve`.
	 *
	 * If another process holds the webhook, the lease is for that process, and `accepted` hands the delivery to it.
	 */
	reserve(webhook: Pick<ArmedWebhook, "id" | "projectId" | "customerId">, bytes: number, now: number): number | null {
		const isOurs = this.#tenure.holds(webhook.id);
		const hasRoom = isOurs ? this.#queue.reserve(webhook, bytes, now) : this.#handOffs.reserve(webhook, bytes);
		if (hasRoom) {
			this.#commits.reserved();
			return now + this.#limits.leaseMs;
		}
		// Noted before the commit ends, so that the deliveries of the webhook in the next commit queue up behind this one.
		if (isOurs) this.#queue.lane(webhook.id).noteDue(now);
		return null;
	}

	/** The event and its deliveries are committed: those with a reservation are ready now, here or at their owner. */
	accepted(event: NewEvent): void {
		const reserved = this.#unreserve(event);
		this.#dispatcher.accepted(event);
		this.#commits.ended(reserved);
	}

	/** The event was not committed, or is a duplicate: its reservations end. */
	unreserve(event: NewEvent): void {
		this.#commits.ended(this.#unreserve(event));
	}

	/** Returns how many reservations there were. */
	#unreserve({ event, body, deliveries }: NewEvent): number {
		const { projectId } = event;
		let reserved = 0;
		// Deliveries of one customer usually follow each other.
		let alike = 0;
		let customerId: string | null = null;
		for (const delivery of deliveries) {
			if (delivery.state.leaseUntil === null) continue;
			const next = delivery.customerId ?? null;
			if (next !== customerId) {
				this.#queue.unreserve({ projectId, customerId }, alike, body.length);
				customerId = next;
				alike = 0;
			}
			alike++;
			reserved++;
		}
		this.#queue.unreserve({ projectId, customerId }, alike, body.length);
		return reserved;
	}

	/** The store has a delivery of this webhook that is due at this time. */
	due(webhookId: string, at: number): void {
		if (this.#tenure.holds(webhookId)) this.#dispatcher.noteDue(webhookId, at);
		else this.#handOffs.tellDue(webhookId, at);
	}

	/** This delivery was retried by hand: it is due at this time, also if it was cancelled a moment before. */
	retried(delivery: Pick<LeasedDelivery, "id" | "webhookId">, at: number): void {
		this.#queue.claims.retried(delivery.id);
		this.due(delivery.webhookId, at);
	}

	/**
	 * This webhook may have changed. Starts, stops or speeds up its attempts, as the directory says, and has its waiting
	 * deliveries swept, as the store says.
	 */
	look(webhookId: string): void {
		this.#handOffs.webhookChanged(webhookId);
		if (this.#directory.isDeliverable(webhookId)) {
			this.#queue.rateChanged(webhookId);
			this.#dispatcher.pump();
			// What was dropped and not swept has its leases yet.
			for (const lease of this.#dropped.take(webhookId)) void this.#release(lease);
			this.#sweeper.sweep(webhookId);
			// Deliveries that were given back while the directory was behind the store are Pending there, and not swept.
			this.#dispatcher.noteDue(webhookId, this.#clock.now());
			return;
		}
		const dropped = this.#queue.drop(webhookId);
		if (dropped !== undefined) {
			this.#refiller.forget(dropped.lane);
			this.#dropped.add(webhookId, dropped.leases);
		}
		this.#sweeper.sweep(webhookId);
	}

	/**
	 * This delivery was cancelled: it is not attempted, unless its attempt is in flight already. If another process may hold the webhook,
	 * resolves when all others have acted upon it or have lost their tenures, and says whether that is so: see `Wire.tellAll`. Never rejects.
	 */
	discard(delivery: Pick<LeasedDelivery, "id" | "webhookId">): Promise<boolean> {
		this.#discard(delivery.id);
		if (this.#tenure.holds(delivery.webhookId)) return Promise.resolve(true);
		return this.#handOffs.tellDiscarded([delivery.id], null);
	}

	/** The same for deliveries of any webhooks: all other processes are told. */
	discardAll(deliveryIds: readonly string[]): Promise<boolean> {
		for (const id of deliveryIds) this.#discard(id);
		return deliveryIds.length === 0 ? Promise.resolve(true) : this.#handOffs.tellDiscarded(deliveryIds, null);
	}

	/**
	 * The payload of this event is erased: no further attempt of what is in memory begins, before its deliveries are cancelled one by one.
	 * All other processes are told, as by `discardAll`.
	 */
	discardEvent(eventId: string): Promise<boolean> {
		this.#discardEvent(eventId);
		return this.#handOffs.tellDiscarded([], eventId);
	}

	#discard(deliveryId: string): void {
		this.#commits.cancelled(deliveryId);
		this.#handOffs.cancelled(deliveryId);
		this.#queue.discard(deliveryId);
	}

	#discardEvent(eventId: string): void {
		this.#handOffs.erased(eventId);
		for (const deliveryId of this.#queue.deliveriesOf(eventId)) {
			this.#commits.cancelled(deliveryId);
			this.#handOffs.cancelled(deliveryId);
			this.#queue.discard(deliveryId, { isErased: true });
		}
	}

	/**
	 * Takes over the shards that this process has gained (null: all), and looks for due deliveries if it is running.
	 * Returns how many deliveries their earlier owners had leased. Rejects if the shards can't be taken over.
	 */
	async gained(shards: readonly number[] | null): Promise<number> {
		if (shards !== null) this.#queue.gained(shards);
		const recovered = await this.#store.takeOver(shards);
		this.#handOffs.gained();
		await this.#pullIn(shards);
		await this.#refiller.look();
		return recovered;
	}

	/** Corrects due times that the clock of an earlier process has set too late. */
	async #pullIn(shards: readonly number[] | null): Promise<void> {
		const due = (await this.#store.dueWebhooks(shards)).map(({ webhookId }) => webhookId);
		let count = 0;
		for (let at = 0; at < due.length; at += PULL_IN_STEP) {
			const records = await this.#store.webhookRecords(due.slice(at, at + PULL_IN_STEP));
			const waits = records.map(({ id, retries }) => ({ webhookId: id, waitMs: longestWaitMs(retries) }));
			count += await this.#store.pullIn(this.#clock.now(), waits);
		}
		if (count > 0) {
			this.#observer.note("made deliveries due earlier: their times were set by a clock that ran ahead", { count });
		}
	}

	/** Removes the ready deliveries of shards that this process has lost. Attempts in flight end here. */
	lost(shards: readonly number[]): void {
		const lost = new Set(shards);
		for (const lane of this.#queue.lanes()) {
			if (!lost.has(shardOf(lane.webhookId))) continue;
			this.#queue.drop(lane.webhookId);
			this.#refiller.forget(lane);
		}
	}

	/** Attempts may begin again after the tenure was stalled. */
	resumed(): void {
		this.#dispatcher.pump();
	}

	/** How many attempts to webhooks in these shards are under way. */
	inFlightOf(shards: readonly number[]): number {
		const wanted = new Set(shards);
		let count = 0;
		for (const { webhookId, inFlight } of this.#queue.lanes()) {
			if (inFlight > 0 && wanted.has(shardOf(webhookId))) count += inFlight;
		}
		return count;
	}

	/** Another process has committed this delivery for the owner of its webhook. */
	handedOver(place: Place, delivery: LeasedDelivery): void {
		this.#handOffs.take(place, delivery);
	}

	/** Deliveries for this process are perhaps leased in the store without having come. */
	handOffsMissed(): void {
		this.#handOffs.missed();
	}

	/** Another process says this about deliveries. That one is due is ignored if this process does not hold its webhook. */
	noted(note: OwnerNote | DiscardNote): void {
		if (note.kind === "discard many") {
			for (const id of note.deliveryIds) this.#discard(id);
			if (note.eventId !== null) this.#discardEvent(note.eventId);
		} else if (this.#tenure.holds(note.webhookId)) this.#dispatcher.noteDue(note.webhookId, note.at);
	}

	/** Ready deliveries may be attempted: called by the parts of this room that have added some. */
	filled(): void {
		this.#dispatcher.pump();
	}

	/** How many attempts may be in flight to this webhook at once, in its present condition. */
	inFlightLimit(webhookId: string): number {
		return this.#queue.inFlightLimit(webhookId);
	}

	load(): DeliveryLoad {
		const now = this.#clock.now();
		let oldest = now;
		for (const lane of this.#queue.lanes()) oldest = Math.min(oldest, lane.storeDueAt);
		return { readyDeliveries: this.#queue.ready, inFlightAttempts: this.#queue.inFlight, oldestDueMs: now - oldest };
	}

	/**
	 * Whether sends or replays have something to give way to: deliveries that are ready or in flight. One whose outcome only
	 * waits for a send needs nothing.
	 */
	get busy(): boolean {
		return this.#queue.ready + this.#queue.inFlight > this.#committer.ridingOutcomes;
	}

	/** Fails if the store has not been polled lately, if this process lacks resources, or if no attempt was started although deliveries are ready. */
	check(): { ok: boolean; message: string } {
		if (this.#startedAt === null) return { ok: false, message: "the dispatcher is not started" };
		const now = this.#clock.monotonicMs();
		const { polledAt } = this.#refiller;
		if (polledAt === null) return { ok: false, message: "the store has not been asked for due deliveries yet" };
		const silentMs = Math.round(now - polledAt);
		if (silentMs > 3 * this.#limits.pollEveryMs) {
			return { ok: false, message: `the store has not been asked for due deliveries for ${silentMs} ms` };
		}
		const { shortage } = this.#dispatcher;
		if (shortage !== null) return { ok: false, message: shortage };
		const stalledMs = Math.round(now - Math.max(this.#dispatcher.lastActivityAt, this.#startedAt));
		if (this.#queue.ready > 0 && this.#queue.inFlight === 0 && stalledMs > this.#limits.pollEveryMs) {
			return { ok: false, message: `no attempt was started for ${stalledMs} ms although deliveries are ready` };
		}
		return { ok: true, message: "the dispatcher is working" };
	}
}
