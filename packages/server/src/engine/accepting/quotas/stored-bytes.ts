// What projects have stored, as far as their sends depend on it: sums of the store, read from time to time, and what was sent since.
import { SharedRuns } from "../../../core/concurrency/shared-runs.ts";
import type { UsageStore, StoreUsage } from "../../../ports/store/usage.ts";
import { Periodic } from "../../background/periodic.ts";
import type { PartsOn } from "../../parts.ts";

type Parts = Pick<PartsOn<UsageStore>, "store" | "clock" | "observer">;

/** How often a sum is read again. Until then, it misses records of attempts, own events, deletions and, in a cluster, other processes. */
const EVERY_MS = 5_000;
const FIRST_AFTER_MS = 1_000;
/** A project that has sent nothing for this long is forgotten, and read when it sends again. */
const KEEP_MS = 60_000;
/**
 * A project is crowding only if what is counted for it is more than this part of what the files hold. Far from a half, since long
 * idempotency keys and lists of customers are counted for nobody.
 */
const PART_HELD = 1 / 8;
/** Below this part, a volume is low: then the project that holds more than half of the store is crowding. */
export const PART_LOW = 0.1;

interface Sum {
	stored: number;
	/** The bytes of sends that are not accepted or refused yet. */
	reserved: number;
	usedAt: number;
}

/** Knows the projects that have a quota of stored bytes and have sent lately. */
export class StoredBytes {
	readonly #parts: Parts;
	readonly #sums = new Map<string, Sum>();
	readonly #loads = new SharedRuns();
	readonly #loop: Periodic;
	#stopped = false;
	#crowding: string | null = null;
	#total = 0;

	constructor(parts: Parts) {
		this.#parts = parts;
		this.#loop = new Periodic(parts, {
			firstAfterMs: FIRST_AFTER_MS,
			everyMs: EVERY_MS,
			work: () => this.#look(),
			problem: "what projects have stored could not be read",
		});
	}

	start(): void {
		this.#loop.start();
	}

	/** There is no way back: a sum that is loaded later starts nothing. */
	stop(): Promise<void> {
		this.#stopped = true;
		return this.#loop.stop();
	}

	/** The bytes of all projects, when they were last read. */
	get total(): number {
		return this.#total;
	}

	/**
	 * The project that has over half of what is counted for all, an eighth of all that the store holds, and more than is free on a volume
	 * of which less than a tenth is free; null if there is none.
	 */
	get crowding(): string | null {
		return this.#crowding;
	}

	/** Resolves when the sum of a project is known; at once if it is. Rejects with a `StoreError`. */
	async load(projectId: string): Promise<void> {
		if (this.#sums.has(projectId)) return;
		await this.#loads.run(projectId, async () => {
			if (this.#sums.has(projectId)) return;
			const { projects } = await this.#parts.store.usage([projectId]);
			this.#sums.set(projectId, { stored: projects[0] ?? 0, reserved: 0, usedAt: this.#parts.clock.monotonicMs() });
		});
		if (!this.#stopped) this.#loop.start();
	}

	/** The bytes of a project whose sum was loaded, with those of its sends under way. */
	of(projectId: string): number {
		const sum = this.#sums.get(projectId);
		return sum === undefined ? 0 : sum.stored + sum.reserved;
	}

	/** Counts bytes of a send of a project whose sum was loaded. `settle` must follow. */
	reserve(projectId: string, bytes: number): void {
		const sum = this.#sums.get(projectId);
		if (sum === undefined) return;
		sum.reserved += bytes;
		sum.usedAt = this.#parts.clock.monotonicMs();
	}

	/** A send whose bytes were reserved has ended. `stored` is 0 if it was not accepted. */
	settle(projectId: string, reserved: number, stored: number): void {
		const sum = this.#sums.get(projectId);
		if (sum === undefined) return;
		sum.reserved = Math.max(0, sum.reserved - reserved);
		sum.stored += stored;
	}

	async #look(): Promise<void> {
		const keepFrom = this.#parts.clock.monotonicMs() - KEEP_MS;
		for (const [projectId, { reserved, usedAt }] of this.#sums) {
			if (reserved === 0 && usedAt < keepFrom) this.#sums.delete(projectId);
		}
		const ids = [...this.#sums.keys()];
		const usage = await this.#parts.store.usage(ids);
		for (const [index, projectId] of ids.entries()) {
			const sum = this.#sums.get(projectId);
			if (sum !== undefined) sum.stored = usage.projects[index] ?? 0;
		}
		this.#total = usage.total;
		this.#crowding = crowdingIn(usage);
		// Nothing to look at, until a project with a quota sends.
		if (usage.volume === null && this.#sums.size === 0) void this.#loop.stop();
	}
}

function crowdingIn({ volume, largest, total, heldBytes }: StoreUsage): string | null {
	if (volume === null || largest === null || volume.freeBytes >= volume.sizeBytes * PART_LOW) return null;
	// Most of what the files hold can be what is counted for nobody, such as metadata and the audit log. A project that holds less than
	// is free is not what fills the volume.
	const least = Math.max(total / 2, (heldBytes ?? 0) * PART_HELD, volume.freeBytes);
	return largest.bytes > least ? largest.projectId : null;
}
