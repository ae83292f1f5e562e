// Watches how engines share the work: one owner for each shard, no attempt without its owner's tenure, limits across moves, and whose
// attempts may be repeated.
import { shardOf } from "../../packages/server/src/core/cluster/shard.ts";
import type { Delivery } from "../../packages/server/src/core/delivery.ts";
import { DEFAULT_LIMITS } from "../../packages/server/src/engine/parts.ts";
import type { CommitBatch, CommitResult } from "../../packages/server/src/ports/store/accept.ts";
import type { Claim } from "../../packages/server/src/ports/store/queue.ts";
import type { Grip } from "../cluster/member.ts";
import type { SimTenure } from "../cluster/sim-tenure.ts";
import type { RunScope } from "../world/run-scope.ts";
import type { SharingWatcher } from "../world/watchers.ts";
import type { World } from "../world/world.ts";
import type { Book } from "./book.ts";
import { readDeliveries } from "./read-log.ts";

/** A request of an attempt whose outcome is not in the store. */
interface Open {
	readonly run: RunScope;
	readonly tenure: SimTenure;
	/** Null if the engine did not hold the webhook. */
	readonly grip: Grip | null;
	readonly webhookId: string;
	readonly pair: string;
	/** `certain` becomes false if the end of its run explains that its outcome is missing. */
	readonly request: { certain: boolean };
	isUnderWay: boolean;
}

/** With one engine, it watches nothing. */
export class SharingWatch implements SharingWatcher {
	readonly #world: World;
	readonly #book: Book;
	readonly #open = new Set<Open>();
	/** Pairs of event and webhook of which an engine that had lost its tenure has made an attempt besides the owner's. */
	readonly #doubled = new Set<string>();
	/** By delivery: its pair. */
	readonly #pairs = new Map<string, string>();
	/**
	 * Deliveries that their owner does not know to be leased: somebody else has leased them in good faith, or a claim got no answer. They wait
	 * for the ends of their leases.
	 */
	readonly #leasedByOthers = new Set<string>();

	constructor(world: World, book: Book) {
		this.#world = world;
		this.#book = book;
	}

	/** Whether an outcome of this pair came from an engine that had lost its tenure, or may still come. */
	isDoubled(eventId: string, webhookId: string): boolean {
		return this.#doubled.has(`${eventId} ${webhookId}`);
	}

	isLeasedByOther(deliveryId: string): boolean {
		return this.#leasedByOthers.has(deliveryId);
	}

	/** How many attempts of a pair are under way, those of engines that have lost their tenure since left out. */
	underWay(pair: string): number {
		return this.#held((open) => open.pair === pair);
	}

	#held(isMeant: (open: Open) => boolean): number {
		let count = 0;
		for (const open of this.#open) {
			const isExcused = open.grip === null || open.tenure.isLost(open.grip);
			if (open.isUnderWay && !isExcused && isMeant(open)) count++;
		}
		return count;
	}

	/** An attempt begins. Returns what is to be called when its answer has come. */
	began(run: RunScope, webhookId: string, eventId: string, request: { certain: boolean }): (isOver: boolean) => void {
		const tenure = this.#tenureOf(run);
		if (tenure === null) return () => {};
		const pair = `${eventId} ${webhookId}`;
		const grip = tenure.gripOn(webhookId);
		if (grip === null) {
			this.#world.breach("ownership", `run ${run.number} has attempted ${pair} without holding the webhook`);
		}
		this.#checkOwners(webhookId);
		for (const other of this.#open) if (other.pair === pair && this.#isForeign(other, tenure)) this.#doubled.add(pair);
		const open: Open = { run, tenure, grip, webhookId, pair, request, isUnderWay: true };
		this.#open.add(open);
		this.#checkInFlight(webhookId);
		return (isOver) => {
			open.isUnderWay = false;
			if (isOver) this.#open.delete(open);
		};
	}

	/** Whether an attempt belongs to another engine, or to an earlier tenure of this one. */
	#isForeign({ tenure, grip }: Open, present: SimTenure): boolean {
		return tenure !== present || grip === null || tenure.isLost(grip);
	}

	#checkOwners(webhookId: string): void {
		const holders = (this.#world.sharing?.cluster.members ?? []).filter(({ tenure }) => tenure.holds(webhookId));
		if (holders.length < 2) return;
		this.#world.breach("ownership", `${webhookId} is held by ${holders.map(({ name }) => name).join()}`);
	}

	#checkInFlight(webhookId: string): void {
		const limit = this.#world.settings.limits.maxInFlightPerWebhook ?? DEFAULT_LIMITS.maxInFlightPerWebhook;
		const count = this.#held((open) => open.webhookId === webhookId);
		if (count > limit)
			this.#world.breach("limits", `${webhookId} has ${count} attempts in flight, its limit is ${limit}`);
	}

	/** A claim was executed. The tenure of its run may be over by now. */
	claimed(run: RunScope, { deliveries }: Claim): void {
		const tenure = this.#tenureOf(run);
		if (tenure === null) return;
		for (const { id, webhookId } of deliveries) {
			if (tenure.holds(webhookId)) this.#leasedByOthers.delete(id);
			else this.#leasedByOthers.add(id);
		}
	}

	claimedUntold({ deliveries }: Claim): void {
		for (const { id } of deliveries) this.#leasedByOthers.add(id);
	}

	async committed(run: RunScope, { events, updates }: CommitBatch, result: CommitResult): Promise<void> {
		const tenure = this.#tenureOf(run);
		if (tenure === null) return;
		for (const [index, { event, deliveries }] of events.entries()) {
			if (result.events[index]?.kind !== "accepted") continue;
			for (const { id, webhookId, state } of deliveries) {
				this.#pairs.set(id, `${event.id} ${webhookId}`);
				if (state.leaseUntil !== null && !tenure.holds(webhookId)) this.#leasedByOthers.add(id);
			}
		}
		for (const { deliveryId, attempt } of updates) {
			if (attempt !== null) this.#written(run, await this.#pairOf(deliveryId));
		}
	}

	/** The outcome of an attempt is in the store. */
	#written(run: RunScope, pair: string | undefined): void {
		const open = this.#open.values().find((each) => each.run === run && each.pair === pair && !each.isUnderWay);
		if (open === undefined) return;
		this.#open.delete(open);
		if (open.grip === null || open.tenure.isLost(open.grip)) this.#doubled.add(open.pair);
	}

	async #pairOf(deliveryId: string): Promise<string | undefined> {
		if (!this.#pairs.has(deliveryId)) {
			// One that a replay has made.
			for (const { id } of this.#book.projects.values()) {
				for (const delivery of await readDeliveries(this.#world.store, id)) {
					this.#pairs.set(delivery.id, `${delivery.eventId} ${delivery.webhookId}`);
				}
			}
		}
		return this.#pairs.get(deliveryId);
	}

	/** A run has ended. Outcomes that it has not written are lost, unless it has waited for them. */
	runEnded(run: RunScope, isStopped: boolean): void {
		let count = 0;
		for (const open of this.#open) {
			if (open.run !== run) continue;
			this.#open.delete(open);
			if (isStopped) continue;
			open.request.certain = false;
			count++;
		}
		const limit = this.#world.settings.limits.maxInFlight ?? DEFAULT_LIMITS.maxInFlight;
		if (count > limit) this.#world.breach("duplicates", `run ${run.number} has ended with ${count} outcomes unwritten`);
	}

	/** An engine takes shards over: it must end the leases that their earlier owners have left. */
	async gained(shards: readonly number[]): Promise<() => Promise<void>> {
		const before = await this.#leased(shards);
		return async () => {
			const after = new Map((await this.#leased(shards)).map((delivery) => [delivery.id, delivery]));
			for (const { id, leaseUntil } of before) {
				if (after.get(id)?.leaseUntil !== leaseUntil) continue;
				this.#world.breach("leases", `${id} is leased by an earlier owner until ${leaseUntil} after a take-over`);
			}
		};
	}

	async #leased(shards: readonly number[]): Promise<Delivery[]> {
		const wanted = new Set(shards);
		const lists: Delivery[] = [];
		for (const { id } of this.#book.projects.values()) {
			lists.push(...(await readDeliveries(this.#world.store, id, { statuses: ["Pending"] })));
		}
		return lists.filter(({ leaseUntil, webhookId }) => leaseUntil !== null && wanted.has(shardOf(webhookId)));
	}

	#tenureOf(run: RunScope): SimTenure | null {
		return this.#world.sharing?.tenureOf(run) ?? null;
	}
}
