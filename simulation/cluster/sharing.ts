// What the engines of one history share besides their store: the cluster and its wires, and the order of their calls of the store.
import type { Store } from "../../packages/server/src/ports/store/store.ts";
import type { Chances } from "../world/chance.ts";
import type { RunScope } from "../world/run-scope.ts";
import type { SimClock } from "../world/sim-clock.ts";
import type { Trace } from "../world/trace.ts";
import type { SharingWatcher } from "../world/watchers.ts";
import type { MemberTenure } from "./member.ts";
import { SimCluster } from "./sim-cluster.ts";
import { SimRelayRows, SimRelayWire } from "./sim-relay-wire.ts";
import { SimTenure } from "./sim-tenure.ts";
import { SimWire } from "./sim-wire.ts";

/** What it needs of the world. */
export interface Surroundings {
	readonly clock: SimClock;
	readonly trace: Trace;
	readonly chance: Chances;
	readonly store: Store;
	readonly sharingWatcher: SharingWatcher;
	disturbed(): void;
}

/** Calls of the store that change the directory. */
const CHANGES_DIRECTORY = new Set([
	"insertProject",
	"updateProject",
	"deleteProject",
	"insertKey",
	"deleteKey",
	"putEventType",
	"deleteEventType",
	"insertWebhook",
	"updateWebhook",
	"beginCustomerDeletion",
	"stepCustomerDeletion",
	"endCustomerDeletion",
]);

export class Sharing {
	readonly cluster: SimCluster;
	readonly #world: Surroundings;
	readonly #wires = new Map<MemberTenure, SimWire>();
	readonly #tenures = new Map<RunScope, SimTenure>();
	readonly #relayRows: SimRelayRows | null;
	#last: Promise<unknown> = Promise.resolve();

	constructor(world: Surroundings, { handsOff, relays }: { readonly handsOff: boolean; readonly relays?: boolean }) {
		this.#world = world;
		this.#relayRows = relays === true ? new SimRelayRows() : null;
		this.cluster = new SimCluster({
			clock: world.clock,
			random: world.chance.cluster,
			handsOff,
			disturbed: () => world.disturbed(),
			trace: (text) => world.trace.add("cluster", text),
		});
	}

	/** The tenure and the wire of a run. */
	join(run: RunScope): { readonly tenure: SimTenure; readonly wire: SimWire } {
		const { cluster } = this;
		const tenure: SimTenure = new SimTenure(
			cluster,
			run,
			() => wire,
			(shards) => this.#world.sharingWatcher.gained(shards),
		);
		const wireOf = (other: MemberTenure) => this.#wires.get(other);
		const { store } = this.#world;
		const rows = this.#relayRows;
		const relays =
			rows === null
				? null
				: new SimRelayWire({
						cluster,
						run,
						rows,
						member: () => tenure.member?.name ?? null,
						isCurrent: () => tenure.isCurrent,
						epochOf: async (webhookId) => (await store.relay(webhookId))?.epoch ?? 0,
					});
		const wire: SimWire = new SimWire({
			cluster,
			run,
			store,
			relays,
			wireOf,
			tenure: () => tenure,
			caughtUp: () => tenure.caughtUp(),
			couldNotRead: () => tenure.couldNotRead(),
		});
		this.#wires.set(tenure, wire);
		this.#tenures.set(run, tenure);
		return { tenure, wire };
	}

	tenureOf(run: RunScope): SimTenure | null {
		return this.#tenures.get(run) ?? null;
	}

	/** A run has made this call of the store, and it was executed. */
	executed(run: RunScope, name: string): void {
		if (!CHANGES_DIRECTORY.has(name)) return;
		for (const { tenure } of this.cluster.members) {
			if (tenure.run !== run) this.#wires.get(tenure)?.changedByOther();
		}
	}

	/** A run was not told that this call was executed. It finds the change when it looks, as it finds those of others. */
	executedUntold(run: RunScope, name: string): void {
		const tenure = this.#tenures.get(run);
		if (CHANGES_DIRECTORY.has(name) && tenure !== undefined) this.#wires.get(tenure)?.changedByOther();
	}

	/** Calls of several engines are executed one after the other. */
	inTurn<T>(execute: () => Promise<T>): Promise<T> {
		const result = this.#last.then(execute);
		this.#last = result.catch(() => {});
		return result;
	}
}
