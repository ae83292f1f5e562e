// Everything outside the server in one history: time, chance, the store on its disk, receivers, and who watches.
import { openSqliteStore, type StoreInside } from "../../packages/server/src/adapters/sqlite/sqlite-store.ts";
import { prepareLate } from "../../packages/server/src/adapters/sqlite/test/late-statements.ts";
import { StoreInvariants } from "../../packages/server/src/adapters/sqlite/test/store-invariants.ts";
import type { RetentionSettings } from "../../packages/server/src/core/policies/retention.ts";
import type { EngineLimits } from "../../packages/server/src/engine/parts.ts";
import type { Store } from "../../packages/server/src/ports/store/store.ts";
import { Sharing } from "../cluster/sharing.ts";
import { chancesOf, type Chances } from "./chance.ts";
import { Commits, Faults } from "./faults.ts";
import { Receivers } from "./receivers.ts";
import { SimClock } from "./sim-clock.ts";
import { Trace } from "./trace.ts";
import type { AttemptWatcher, SharingWatcher, StoreWatcher } from "./watchers.ts";

export interface WorldSettings {
	/** Everything that is left to chance follows from it. */
	readonly seed: number;
	readonly limits: Partial<EngineLimits>;
	/** Whether the store answers calls in the order in which it has executed them. */
	readonly answersInOrder: boolean;
	readonly retention: Partial<RetentionSettings>;
	/** How several engines share the work; null if there is one engine. */
	readonly sharing: { readonly engines: number; readonly handsOff: boolean; readonly relays?: boolean } | null;
}

/** A promise that was broken. */
export interface Broken {
	readonly promise: string;
	readonly text: string;
}

/** The wall time at which every history begins. */
export const BEGINNING = Date.parse("2026-11-24T12:00:00Z");

interface Disk {
	readonly store: Store;
	readonly invariants: StoreInvariants;
	readonly commits: Commits;
}

/** The share of histories in which the server sometimes lacks descriptors. */
const SHORTAGES_SHARE = 0.25;

/** It outlives the runs of the server. */
export class World {
	readonly clock = new SimClock(BEGINNING);
	readonly trace: Trace;
	readonly chance: Chances;
	readonly faults = new Faults();
	readonly receivers: Receivers;
	readonly store: Store;
	/** What must hold between its rows, and between them and what it knows in memory. */
	readonly invariants: StoreInvariants;
	readonly commits: Commits;
	readonly settings: WorldSettings;
	/** What several engines share; null if there is one engine. */
	readonly sharing: Sharing | null;
	readonly breaches: Broken[] = [];
	/** Whether some attempts can't be made, since the server lacks what it takes. */
	readonly hasShortages: boolean;
	/** Counts the calls of the store that may have changed deliveries. */
	changes = 0;
	#watcher: StoreWatcher | null = null;
	#attempts: AttemptWatcher | null = null;
	#sharingWatcher: SharingWatcher | null = null;
	#disturbedAt = 0;
	#faultyAt = -Infinity;
	#struck = 0;

	private constructor(settings: WorldSettings, disk: Disk, print: ((line: string) => void) | null) {
		const { store, invariants, commits } = disk;
		this.settings = settings;
		this.store = store;
		this.invariants = invariants;
		this.commits = commits;
		this.chance = chancesOf(settings.seed);
		this.hasShortages = this.chance.sender() < SHORTAGES_SHARE;
		this.trace = new Trace(this.clock, print);
		this.receivers = new Receivers(this.clock, this.chance.receivers);
		this.sharing = settings.sharing === null ? null : new Sharing(this, settings.sharing);
	}

	/** @param print gets each line of the trace; null if only its hash is wanted */
	static async open(settings: WorldSettings, print: ((line: string) => void) | null): Promise<World> {
		const commits = new Commits();
		const beforeCommit = () => commits.check();
		const inside: StoreInside[] = [];
		const onOpened = (opened: StoreInside) => void inside.push(opened);
		const hooks = { beforeCommit, onConnected: prepareLate, onOpened };
		const store = await openSqliteStore({ path: ":memory:", now: BEGINNING, ...hooks });
		const [invariants] = inside.map((opened) => new StoreInvariants(opened));
		if (invariants === undefined) throw new Error("the store did not say that it is open");
		return new World(settings, { store, invariants, commits }, print);
	}

	/** Says who watches the store, the attempts and the moves of shards. Called once, before the first run. */
	watch(watcher: StoreWatcher, attempts: AttemptWatcher, sharing: SharingWatcher): void {
		this.#watcher = watcher;
		this.#attempts = attempts;
		this.#sharingWatcher = sharing;
	}

	get watcher(): StoreWatcher {
		return expected(this.#watcher);
	}

	get attempts(): AttemptWatcher {
		return expected(this.#attempts);
	}

	get sharingWatcher(): SharingWatcher {
		return expected(this.#sharingWatcher);
	}

	/** How many calls of the store a fault has struck. */
	get faultsStruck(): number {
		return this.#struck;
	}

	/** When the store was last slow or failed, by the monotonic clock. */
	get faultyAt(): number {
		return this.#faultyAt;
	}

	/** When something last happened that may delay deliveries, by the monotonic clock. */
	get disturbedAt(): number {
		return this.#disturbedAt;
	}

	disturbed(): void {
		this.#disturbedAt = this.clock.monotonicMs();
	}

	/** A fault has struck a call of the store. */
	struck(): void {
		this.#struck++;
		this.slowed();
	}

	/** A call of the store takes longer because of a fault. */
	slowed(): void {
		this.#faultyAt = this.clock.monotonicMs();
		this.disturbed();
	}

	breach(promise: string, text: string): void {
		this.trace.add("breach", `${promise}: ${text}`);
		this.breaches.push({ promise, text });
	}
}

function expected<T>(watcher: T | null): T {
	if (watcher === null) throw new Error("call `watch` before the first run");
	return watcher;
}
