// Finds deliveries that are leased for this process in the store, and that it does not have: others have committed them for it, and their
// hand-off was lost; or the answer to its own commit or claim was.
import type { DeliveryLease, QueueStore } from "../../../ports/store/queue.ts";
import { Periodic } from "../../background/periodic.ts";
import type { PartsOn } from "../../parts.ts";
import type { ReleaseLease } from "../leases/release-lease.ts";
import type { OpenCommits } from "../open-commits.ts";
import type { ReadyQueue } from "../ready-queue.ts";
import { RecentIds } from "./recent-ids.ts";

type Parts = Pick<PartsOn<QueueStore>, "store" | "clock" | "observer" | "tenure">;

interface Neighbours {
	readonly queue: Pick<ReadyQueue, "leaseUntil" | "claims">;
	readonly commits: Pick<OpenCommits, "settled">;
	readonly release: ReleaseLease;
}

const LOOK_EVERY_MS = 10_000;
/** A delivery without a lease in memory is an orphan if it is the same after this time. Most hand-offs come within some milliseconds. */
const GRACE_MS = 500;
/** After it has gained shards, this process may be handed what was committed for their owner before, who is gone. */
const AFTER_GAIN_MS = [1_500, 4_000, 7_000];
/** How far the clocks of processes may be apart, which have made the ids. Beyond that, orphans are due when their leases end. */
const SKEW_MS = 30_000;
/** A hand-off is dropped long before it is as late as this. */
const REMEMBERED_MS = 60_000;
/** Leases that are ended at once. */
const STEP = 500;

/**
 * States: stopped ──start──▶ running ──stop──▶ stopped
 *
 * While it is running, it looks every 10 s, and when it is told that something may have been lost. What was found stays out of memory
 * for a while, also if its hand-off comes after all: then it may be claimed and attempted already.
 */
export class Orphans {
	readonly #parts: Parts;
	readonly #near: Neighbours;
	readonly #looking: Periodic;
	/** When the last look that has succeeded began, in monotonic time. */
	#lookedAt: number;
	readonly #found: RecentIds;
	#cancelGained: (() => void)[] = [];

	constructor(parts: Parts, near: Neighbours) {
		this.#parts = parts;
		this.#near = near;
		this.#lookedAt = parts.clock.monotonicMs();
		this.#found = new RecentIds(parts.clock, REMEMBERED_MS, Infinity);
		this.#looking = new Periodic(parts, {
			everyMs: LOOK_EVERY_MS,
			work: () => this.#look(),
			problem: "lost hand-offs of deliveries could not be looked for",
		});
	}

	start(): void {
		this.#looking.start();
	}

	/** Resolves when the look under way has ended. */
	async stop(): Promise<void> {
		this.#cancel();
		await this.#looking.stop();
	}

	/** Looks as soon as possible: hand-offs were perhaps lost. */
	look(): void {
		this.#looking.hurry();
	}

	/** This process has gained shards. */
	gained(): void {
		this.#cancel();
		this.#cancelGained = AFTER_GAIN_MS.map((ms) => this.#parts.clock.after(ms, () => this.look()));
	}

	/** Whether this delivery was found in the store, so that its hand-off must be ignored. */
	wasFound(deliveryId: string): boolean {
		return this.#found.has(deliveryId);
	}

	#cancel(): void {
		for (const cancel of this.#cancelGained) cancel();
		this.#cancelGained = [];
	}

	async #look(): Promise<void> {
		const { clock, store, tenure } = this.#parts;
		const { queue, commits, release } = this.#near;
		const startedAt = clock.monotonicMs();
		const shards = tenure.shards();
		const isOrphan = ({ id, webhookId }: DeliveryLease) => queue.leaseUntil(id) === 0 && tenure.holds(webhookId);
		const since = clock.now() - (startedAt - this.#lookedAt) - SKEW_MS;
		const leased = shards?.length === 0 ? [] : await store.leasedDeliveries(shards, since);
		const missing = leased.filter(isOrphan);
		if (missing.length > 0) {
			// Its hand-off, the answer to its commit or the answer to its claim may be on their way.
			await Promise.all([this.#looking.pause(GRACE_MS), commits.settled(), queue.claims.settled()]);
			if (!this.#looking.running) return;
		}
		const orphans = missing.filter(isOrphan);
		for (const { id } of orphans) this.#found.add(id);
		for (let at = 0; at < orphans.length; at += STEP) {
			await Promise.all(orphans.slice(at, at + STEP).map((lease) => release(lease)));
		}
		this.#lookedAt = startedAt;
		if (orphans.length > 0) {
			this.#parts.observer.note(
				"found deliveries that are leased for this process in the store, and that have not come to it",
				{
					count: orphans.length,
				},
			);
		}
	}
}
