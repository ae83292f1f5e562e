// Deliveries that change hands between processes: new ones of webhooks that this process does not hold go to the owner
// of the webhook, and those that other processes have committed come in here.
import { shardOf } from "../../../core/cluster/shard.ts";
import type { ArmedWebhook } from "../../../core/webhook.ts";
import type { LeasedDelivery, QueueStore } from "../../../ports/store/queue.ts";
import type { Place } from "../../../ports/tenure.ts";
import { HAND_OFF_MS } from "../../../ports/wire.ts";
import type { PartsOn } from "../../parts.ts";
import type { ReleaseLease } from "../leases/release-lease.ts";
import type { OpenCommits } from "../open-commits.ts";
import type { Owner, ReadyQueue } from "../ready-queue.ts";
import { Orphans } from "./orphans.ts";
import { RecentIds } from "./recent-ids.ts";

type Parts = Pick<PartsOn<QueueStore>, "store" | "tenure" | "wire" | "clock" | "observer">;

interface Neighbours {
	/** Whether the answer to a commit or a claim may be lost, since the store is another process's. */
	readonly mayLoseAnswers: boolean;
	readonly queue: ReadyQueue;
	readonly commits: OpenCommits;
	readonly release: ReleaseLease;
	/** Told when a delivery was added to the queue. */
	readonly line: { filled(): void };
}

/**
 * How long what was cancelled, erased or changed is remembered. A process learns of it up to some seconds later than others, or is stalled; what
 * it hands off just before takes up to `HAND_OFF_MS`.
 */
const REMEMBERED_MS = 2 * HAND_OFF_MS;
/** The most ids of a kind that are remembered for a few seconds: some 10 MB. */
const MAX_REMEMBERED = 50_000;

/**
 * A new delivery of a webhook that this process does not hold is committed with a lease for the webhook's owner, and
 * then handed off. It passes through these states here:
 *
 * - reserved: `reserve` has kept room for it. Left when its commit has ended.
 * - handed off: `send` has given it to the wire. The owner puts it into its ready queue, or releases its lease. If the
 *   wire loses it, it is an orphan, which the owner finds in the store and releases.
 * - released: by `send` if its owner is not known any more or has changed, or if this process is stalled, and by `take` if it can't be
 *   taken. It is due in the store, and the owner's poll finds it.
 *
 * A process that runs alone holds every webhook, so nothing here is called.
 */
export class HandOffs {
	readonly #parts: Parts;
	readonly #near: Neighbours;
	readonly #orphans: Orphans;
	/** Cancelled deliveries: what comes of them has no lease any more. */
	readonly #cancelled: RecentIds;
	/** Events whose payloads were erased. Apart, so that many cancelled deliveries make none of them forgotten. */
	readonly #erased: RecentIds;
	/** Changed webhooks: perhaps they were paused and resumed, which ends leases. */
	readonly #changed: RecentIds;
	/** By shard: its epoch as the last reservation has seen it, and how many reservations were made before that, if one saw another epoch. */
	readonly #epochs = new Map<number, { readonly epoch: number; readonly madeBefore: number }>();

	constructor(parts: Parts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
		this.#cancelled = new RecentIds(parts.clock, REMEMBERED_MS, MAX_REMEMBERED);
		this.#erased = new RecentIds(parts.clock, REMEMBERED_MS, MAX_REMEMBERED);
		this.#changed = new RecentIds(parts.clock, REMEMBERED_MS, MAX_REMEMBERED);
		this.#orphans = new Orphans(parts, near);
	}

	/** Begins to look for what was lost, if anything can be. */
	start(): void {
		if (this.#canLose()) this.#orphans.start();
	}

	/** Resolves when the look for lost ones has ended. */
	stop(): Promise<void> {
		return this.#orphans.stop();
	}

	/** Hand-offs to this process were perhaps lost. */
	missed(): void {
		this.#orphans.look();
	}

	/** This process has gained shards. */
	gained(): void {
		if (this.#canLose()) this.#orphans.gained();
	}

	/**
	 * Reserves room for a new delivery of a webhook that another process holds, just before its commit. False if the wire
	 * hands nothing off, no owner can be reached or there is no room: then it is committed without a lease.
	 */
	reserve(webhook: Pick<ArmedWebhook, "id"> & Owner, bytes: number): boolean {
		const { tenure, wire } = this.#parts;
		const place = wire.handsOff ? tenure.placeOf(webhook.id) : null;
		if (place === null || !wire.reaches(place, bytes)) return false;
		if (!this.#near.queue.reserveElsewhere(webhook, bytes)) return false;
		const shard = shardOf(webhook.id);
		const seen = this.#epochs.get(shard);
		if (seen?.epoch !== place.epoch) {
			this.#epochs.set(shard, { epoch: place.epoch, madeBefore: seen === undefined ? 0 : this.#near.commits.made });
		}
		return true;
	}

	/**
	 * Whether this place was the owner's when the delivery was reserved, which is about to be handed off. If it has become the owner since, it
	 * may have ended the lease, and have attempted the delivery.
	 */
	#isAsReserved(webhookId: string, { epoch }: Place): boolean {
		const seen = this.#epochs.get(shardOf(webhookId));
		return seen?.epoch === epoch && !this.#near.commits.isOpen(seen.madeBefore);
	}

	/**
	 * Hands a delivery to the owner of its webhook. It is committed with a lease, and its reservation has ended. A process that is stalled may
	 * lack that it was cancelled, long ago: it releases it.
	 */
	send(delivery: LeasedDelivery): void {
		const { tenure, wire } = this.#parts;
		const place = tenure.stalled() ? null : tenure.placeOf(delivery.webhookId);
		if (place !== null && this.#isAsReserved(delivery.webhookId, place)) wire.handOff(place, delivery);
		else void this.#near.release(delivery);
	}

	/** Tells the process that holds a webhook about a due delivery. Without the note, its poll finds the delivery. */
	tellDue(webhookId: string, at: number): void {
		const place = this.#parts.tenure.placeOf(webhookId);
		if (place !== null) void this.#parts.wire.tell(place, { kind: "due", webhookId, at });
	}

	/**
	 * Tells all other processes that these deliveries were cancelled, or all of an event, which one of them may have in memory: a webhook may
	 * have another owner by now than this process has heard of. Resolves with whether none of them attempts one any more. Never rejects.
	 */
	async tellDiscarded(deliveryIds: readonly string[], eventId: string | null): Promise<boolean> {
		return (await this.#parts.wire.tellAll({ kind: "discard many", deliveryIds, eventId })) === "done";
	}

	/** A delivery was cancelled: its hand-off, if it is on its way, is ignored. */
	cancelled(deliveryId: string): void {
		if (this.#parts.wire.handsOff) this.#cancelled.add(deliveryId);
	}

	/** The payload of an event was erased: hand-offs that are on their way with it are ignored. */
	erased(eventId: string): void {
		if (this.#parts.wire.handsOff) this.#erased.add(eventId);
	}

	/** A webhook has changed: hand-offs to it that are on their way are released, and found in the store if they still wait. */
	webhookChanged(webhookId: string): void {
		if (this.#parts.wire.handsOff) this.#changed.add(webhookId);
	}

	/**
	 * Takes a delivery that another process has handed off to this one. If it is not this process's, or if there is no
	 * room, or if older deliveries of the webhook come first, or if the webhook has changed lately, its lease is released.
	 */
	take(place: Place, delivery: LeasedDelivery): void {
		const { queue } = this.#near;
		const { webhookId, projectId } = delivery;
		const bytes = delivery.body.length;
		const isInMemory = queue.leaseUntil(delivery.id) > 0;
		const isCancelled = this.#cancelled.has(delivery.id) || this.#erased.has(delivery.eventId);
		if (isInMemory || isCancelled || this.#orphans.wasFound(delivery.id)) return;
		// A take-over may have ended a lease of another epoch, so the delivery may have been claimed and attempted since.
		const now = this.#parts.clock.now();
		const isHere = this.#isHere(webhookId, place.epoch) && !this.#changed.has(webhookId);
		const owner = isHere ? { projectId, customerId: queue.lane(webhookId, projectId).customer.customerId } : null;
		if (owner === null || !queue.reserve({ id: webhookId, ...owner }, bytes, now)) {
			void this.#near.release(delivery);
			return;
		}
		queue.unreserve(owner, 1, bytes);
		queue.push(delivery);
		this.#near.line.filled();
	}

	#canLose(): boolean {
		return this.#parts.wire.handsOff || this.#near.mayLoseAnswers;
	}

	#isHere(webhookId: string, epoch: number): boolean {
		const { tenure } = this.#parts;
		return tenure.holds(webhookId) && tenure.placeOf(webhookId)?.epoch === epoch;
	}
}
