// One run of the server: from its start until it stops or dies. Nothing of it happens after its end.
import { createAloneTenure } from "../../packages/server/src/adapters/alone/alone-tenure.ts";
import { createAloneWire } from "../../packages/server/src/adapters/alone/alone-wire.ts";
import type { Clock } from "../../packages/server/src/core/clock.ts";
import { createSealer } from "../../packages/server/src/core/crypto/sealing.ts";
import { createIdMaker } from "../../packages/server/src/core/ids.ts";
import type { Engine } from "../../packages/server/src/engine/calls.ts";
import { openEngine } from "../../packages/server/src/engine/engine.ts";
import type { OutsideParts } from "../../packages/server/src/engine/parts.ts";
import type { Membership } from "../../packages/server/src/ports/membership.ts";
import type { SimTenure } from "../cluster/sim-tenure.ts";
import type { SimWire } from "../cluster/sim-wire.ts";
import type { RunEndKind, RunScope } from "./run-scope.ts";
import { SimObserver } from "./sim-observer.ts";
import { SimSchemas } from "./sim-schemas.ts";
import { SimSender } from "./sim-sender.ts";
import { SimStore } from "./sim-store.ts";
import type { World } from "./world.ts";

/** The rate of the engine's time after a step back: see the server's `SteadyClock`. */
const SLOWED = 0.9;
const MASTER_KEY = Buffer.alloc(32, 7);

/**
 * States: opening ──engine started──▶ running ──stop──▶ ended; from each of them ──death──▶ ended
 *
 * - opening: the engine reads the store.
 * - running: `engine` is not null.
 * - ended: no timer fires, no call of the store is executed or answered, and no response arrives.
 *
 * Before its end, the process can stand still: what would happen in it waits until it goes on. It can be cut from its store. And it
 * can fail to read what others have changed.
 */
export class ServerRun implements RunScope {
	readonly number: number;
	/** When it began, by the monotonic clock. */
	readonly since: number;
	readonly store: SimStore;
	readonly sender: SimSender;
	readonly observer: SimObserver;
	readonly #world: World;
	/** The engine's time when the engine last looked at the clock, and when that was, by the monotonic clock. */
	#now: number;
	#nowAt: number;
	#engine: Engine | null = null;
	#firstKey: string | null = null;
	#end: RunEndKind | null = null;
	/** What waits until the process goes on; null if it does not stand still. */
	#frozen: (() => void)[] | null = null;
	#isCut = false;
	#tenure: SimTenure | null = null;
	#wire: SimWire | null = null;

	constructor(world: World, number: number) {
		this.#world = world;
		this.number = number;
		this.since = world.clock.monotonicMs();
		this.store = new SimStore(world, this);
		this.sender = new SimSender(world, this);
		this.observer = new SimObserver(world);
		this.#now = world.clock.now();
		this.#nowAt = this.since;
	}

	now(): number {
		const { clock } = this.#world;
		return Math.max(clock.now(), this.#now + (clock.monotonicMs() - this.#nowAt) * SLOWED);
	}

	/** The engine looks at the wall clock: only then can it tell that the clock was set. */
	#look(): number {
		this.#now = this.now();
		this.#nowAt = this.#world.clock.monotonicMs();
		return this.#world.clock.now();
	}

	get alive(): boolean {
		return this.#end === null;
	}

	/** How it ended; null if it has not. */
	get how(): RunEndKind | null {
		return this.#end;
	}

	/** Null while it is opening. */
	get engine(): Engine | null {
		return this.#engine;
	}

	/** The admin key that this run has made, if it was the first one on its store. */
	get firstKey(): string | null {
		return this.#firstKey;
	}

	/** Opens and starts the engine. Rejects if that fails. Never settles if the run ends. */
	async open(): Promise<void> {
		const { limits, retention } = this.#world.settings;
		const setup = { parts: this.#parts(), userAgent: "Fanfare/simulation", limits, retention };
		const { engine, firstStart } = await openEngine(setup);
		this.#firstKey = firstStart?.secretKey ?? null;
		await engine.start();
		this.#engine = engine;
	}

	end(how: RunEndKind): void {
		if (!this.alive) return;
		this.#world.trace.add("end", `run ${this.number} ${how}`);
		this.#end = how;
		this.#tenure?.away();
	}

	later(ms: number, act: () => void): () => void {
		let cancelled = false;
		const unlessCancelled = () => {
			if (!cancelled) act();
		};
		let cancelTimer = () => {};
		if (ms > 0) cancelTimer = this.#world.clock.after(ms, () => this.act(unlessCancelled));
		else this.#world.clock.nextTurn(() => this.act(unlessCancelled));
		return () => {
			cancelled = true;
			cancelTimer();
		};
	}

	act(act: () => void): void {
		if (!this.alive) return;
		if (this.#frozen === null) act();
		else this.#frozen.push(act);
	}

	outside(ms: number, act: () => void): void {
		const guarded = () => {
			if (this.alive) act();
		};
		if (ms > 0) this.#world.clock.after(ms, guarded);
		else this.#world.clock.nextTurn(guarded);
	}

	// In a cluster

	/** Its share of the work; null if it is the only process. */
	get tenure(): SimTenure | null {
		return this.#tenure;
	}

	get isFrozen(): boolean {
		return this.#frozen !== null;
	}

	get isCut(): boolean {
		return this.#isCut;
	}

	/** Whether it may answer calls. */
	get isCurrent(): boolean {
		return this.#tenure?.isCurrent ?? true;
	}

	/** The process stands still, until `thaw`. */
	freeze(): void {
		if (!this.alive || this.isFrozen) return;
		this.#world.trace.add("cluster", `run ${this.number} stands still`);
		this.#frozen = [];
		this.#tenure?.away();
	}

	/** It goes on, with what has waited first. */
	thaw(): void {
		if (this.#frozen === null) return;
		this.#world.trace.add("cluster", `run ${this.number} goes on`);
		this.#world.clock.nextTurn(() => {
			const waiting = this.#frozen ?? [];
			this.#frozen = null;
			for (const act of waiting) this.act(act);
			if (this.alive && !this.#isCut) this.#tenure?.back();
		});
	}

	/** The process can't reach its store, until `mend`. */
	cut(): void {
		if (!this.alive || this.#isCut) return;
		this.#world.trace.add("cluster", `run ${this.number} is cut from the store`);
		this.#isCut = true;
		this.#tenure?.away();
	}

	mend(): void {
		if (!this.#isCut) return;
		this.#world.trace.add("cluster", `run ${this.number} reaches the store`);
		this.#isCut = false;
		if (this.alive && !this.isFrozen) this.#tenure?.back();
	}

	/** The process can't read what others have changed and written, though it renews its tenure, until `see`. */
	blind(): void {
		if (!this.alive || this.#wire === null || this.#wire.isBlind) return;
		this.#world.trace.add("cluster", `run ${this.number} can't read changes`);
		this.#world.disturbed();
		this.#wire.blind();
	}

	see(): void {
		if (this.#wire?.isBlind !== true) return;
		this.#world.trace.add("cluster", `run ${this.number} reads changes`);
		this.#wire.see();
	}

	#parts(): OutsideParts {
		const { server: chance } = this.#world.chance;
		const shared = this.#world.sharing?.join(this) ?? null;
		this.#tenure = shared?.tenure ?? null;
		this.#wire = shared?.wire ?? null;
		return {
			store: this.store.calls(),
			sender: this.sender,
			guard: { reject: () => null },
			schemas: new SimSchemas(),
			clock: this.#clock(),
			observer: this.observer,
			sealer: createSealer(MASTER_KEY, chance),
			ids: createIdMaker(chance),
			tenure: shared?.tenure ?? createAloneTenure(),
			wire: shared?.wire ?? createAloneWire(),
			...(shared !== null && { membership: membershipOf(shared.tenure) }),
			chance,
		};
	}

	#clock(): Clock {
		const { clock } = this.#world;
		return {
			now: () => this.#look(),
			monotonicMs: () => clock.monotonicMs(),
			after: (delayMs: number, fire: () => void) => this.later(Math.max(1, delayMs), fire),
			nextTurn: (fire: () => void) => void this.later(0, fire),
		};
	}
}

function membershipOf(tenure: SimTenure): Membership {
	return {
		role: "all",
		isMember: () => tenure.isCurrent,
		deliverers: () => tenure.liveMembers(),
		members: () => Promise.resolve([]),
		report() {},
	};
}
