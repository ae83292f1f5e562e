// Several processes that share a store, for tests: the test decides who owns which shard, and what becomes of messages.
import { createAloneWire } from "../../adapters/alone/alone-wire.ts";
import { shardOf, SHARDS } from "../../core/cluster/shard.ts";
import type { LeasedDelivery } from "../../ports/store/queue.ts";
import type { Duty, DutyWork, Place, Tenure, TenureHolder } from "../../ports/tenure.ts";
import type { DiscardNote, OwnerNote, Wire, WireListener } from "../../ports/wire.ts";
import { eventually } from "./test-engine.ts";

interface Shard {
	/** The name of the member that owns it; null if it has no owner. */
	owner: string | null;
	epoch: number;
}

/** The members, the owners of the shards, and the wire between the members. */
export class ScriptedCluster {
	readonly #shards: Shard[] = Array.from({ length: SHARDS }, () => ({ owner: null, epoch: 0 }));
	readonly #members = new Map<string, ScriptedMember>();
	/** All deliveries that were handed off, lost or not. */
	readonly handedOff: LeasedDelivery[] = [];
	/** What the wire does with a hand-off. Those that are late arrive when the test calls `deliverLate`. */
	handOffs: "arrive" | "are lost" | "are late" = "arrive";
	/** What the wire does with a note to all. Those that are late arrive when the test calls `deliverLate`. */
	notesToAll: "arrive" | "are lost" | "are late" = "arrive";
	readonly #late: (() => void)[] = [];

	/** A new member, which owns these shards, also before it is started. */
	join(name: string, shards: readonly number[]): ScriptedMember {
		const member = new ScriptedMember(this, name);
		this.#members.set(name, member);
		this.#own(shards, name);
		return member;
	}

	/** Delivers the hand-offs and the notes that were late. */
	deliverLate(): void {
		for (const deliver of this.#late.splice(0)) deliver();
	}

	/** Moves shards as planned: their owner begins no more attempts, and gives them up when it has none under way. */
	async move(shards: readonly number[], to: ScriptedMember): Promise<void> {
		const givers = new Set(shards.map((shard) => this.#members.get(this.#shards[shard]?.owner ?? "")));
		this.#own(shards, null);
		for (const giver of givers) giver?.holder?.lost(shards);
		await eventually("no attempt is under way in the shards that move", () =>
			[...givers].every((giver) => (giver?.holder?.inFlightOf(shards) ?? 0) === 0),
		);
		await this.give(shards, to);
	}

	/** Ends the ownership of shards without telling their owner, as if its tenure had run out. */
	expire(shards: readonly number[]): void {
		this.#own(shards, null);
	}

	/** Gives shards that have no owner to a member. */
	async give(shards: readonly number[], to: ScriptedMember): Promise<void> {
		this.#own(shards, to.name);
		await to.holder?.gained(shards);
	}

	#own(shards: readonly number[], owner: string | null): void {
		for (const index of shards) {
			const shard = this.#shards[index];
			if (shard === undefined) throw new Error(`there is no shard ${index}`);
			shard.owner = owner;
			if (owner !== null) shard.epoch++;
		}
	}

	shardsOf(name: string): number[] {
		return this.#shards.flatMap(({ owner }, index) => (owner === name ? [index] : []));
	}

	get liveMembers(): number {
		return Math.max(1, [...this.#members.values()].filter(({ isStarted }) => isStarted).length);
	}

	placeOf(webhookId: string): Place | null {
		const { owner, epoch } = this.#shards[shardOf(webhookId)]!;
		return owner === null || this.#members.get(owner)?.isReachable !== true ? null : { member: owner, epoch };
	}

	handOff(place: Place, delivery: LeasedDelivery): void {
		this.handedOff.push(delivery);
		const deliver = () => this.#members.get(place.member)?.listener?.handedOver(place, structuredClone(delivery));
		if (this.handOffs === "arrive") setImmediate(deliver);
		else if (this.handOffs === "are late") this.#late.push(deliver);
	}

	async tell(place: Place, note: OwnerNote): Promise<"done" | "unreachable"> {
		await new Promise((resolve) => setImmediate(resolve));
		const listener = this.#members.get(place.member)?.listener ?? null;
		listener?.noted(note);
		return listener === null ? "unreachable" : "done";
	}

	async tellAll(from: ScriptedMember, note: DiscardNote): Promise<"done" | "unreachable"> {
		await new Promise((resolve) => setImmediate(resolve));
		if (this.notesToAll === "are lost") return "unreachable";
		const deliver = () => {
			for (const member of this.#members.values()) if (member !== from) member.listener?.noted(note);
		};
		if (this.notesToAll === "are late") {
			this.#late.push(deliver);
			return "unreachable";
		}
		deliver();
		return "done";
	}

	async changed(from: ScriptedMember, projectId: string | null, version: number): Promise<void> {
		const others = [...this.#members.values()].filter((member) => member !== from);
		await Promise.all(others.map((member) => member.read(projectId, version)));
	}

	/** Gives each duty to the first member that is started and can do it. */
	assignDuties(): void {
		const assigned = new Set<Duty>();
		for (const member of this.#members.values()) {
			if (!member.isStarted) continue;
			for (const [duty, work] of member.duties) {
				if (!assigned.has(duty)) work.start();
				assigned.add(duty);
			}
		}
	}

	/** A member gives up everything, and is gone. */
	async leave(member: ScriptedMember): Promise<void> {
		member.isStarted = false;
		this.#own(this.shardsOf(member.name), null);
		this.#members.delete(member.name);
		await Promise.all([...member.duties.values()].map((work) => work.stop()));
		this.assignDuties();
	}
}

/** One process of the cluster: its tenure and its wire. */
export class ScriptedMember {
	readonly name: string;
	readonly tenure: Tenure;
	readonly wire: Wire;
	readonly duties = new Map<Duty, DutyWork>();
	holder: TenureHolder | null = null;
	listener: WireListener | null = null;
	read: (projectId: string | null, version: number) => Promise<void> = () => Promise.resolve();
	isStarted = false;
	/** False if the others believe that it can't be reached. */
	isReachable = true;
	/** Whether its wire reaches others with hand-offs. */
	handsOff = true;
	#isStalled = false;

	constructor(cluster: ScriptedCluster, name: string) {
		this.name = name;
		this.tenure = {
			holds: (webhookId) => cluster.shardsOf(name).includes(shardOf(webhookId)),
			shards: () => cluster.shardsOf(name),
			stalled: () => this.#isStalled,
			placeOf: (webhookId) => cluster.placeOf(webhookId),
			liveMembers: () => cluster.liveMembers,
			attach: (holder) => {
				this.holder = holder;
			},
			duty: (duty, work) => {
				this.duties.set(duty, work);
			},
			start: async () => {
				await this.holder?.gained(cluster.shardsOf(name));
				this.isStarted = true;
				cluster.assignDuties();
			},
			leave: () => cluster.leave(this),
		};
		this.wire = {
			handsOff: true,
			reaches: () => this.handsOff,
			handOff: (place, delivery) => cluster.handOff(place, delivery),
			tell: (place, note) => cluster.tell(place, note),
			tellAll: (note) => cluster.tellAll(this, note),
			changed: (projectId, version) => cluster.changed(this, projectId, version),
			made: (projectId, version) => void cluster.changed(this, projectId, version),
			live: createAloneWire().live,
			relays: createAloneWire().relays,
			// The store of these tests tells nobody of sessions.
			sessionsEnded: () => Promise.resolve(),
			catchUp: () => Promise.resolve(),
			listen: (listener) => {
				this.listener = listener;
			},
			follow: (read) => {
				this.read = read;
			},
		};
	}

	/** The store does not answer this member for a while, or answers again. */
	set stalled(isStalled: boolean) {
		this.#isStalled = isStalled;
		if (!isStalled) this.holder?.resumed();
	}
}
