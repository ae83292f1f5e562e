// One run of the server: from its start until it stops or dies. Nothing of it happens after its end.
import { createAloneTenure } from "../../packages/server/src/adapters/alone/alone-tenure.ts";
import { createAloneWire } from "../../packages/server/src/adapters/alone/alone-wire.ts";
import type { Clock } from "../../packages/server/src/core/clock.ts";
import { createSealer } from "../../packages/server/src/core/crypto/sealing.ts";
import { createIdMaker } from "../../packages/server/src/core/ids.ts";
import type { Engine } from "../../packages/server/src/engine/calls.ts";
import { openEngine } from "../../packages/server/src/engine/engine.ts";
import type { OutsideParts } from "../../packages/server/src/engine/parts.ts";
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
	}

	later(ms: number, act: () => void): () => void {
		const guarded = () => {
			if (this.alive) act();
		};
		if (ms > 0) return this.#world.clock.after(ms, guarded);
		let cancelled = false;
		this.#world.clock.nextTurn(() => {
			if (!cancelled) guarded();
		});
		return () => {
			cancelled = true;
		};
	}

	#parts(): OutsideParts {
		const { server: chance } = this.#world.chance;
		return {
			store: this.store.calls(),
			sender: this.sender,
			guard: { reject: () => null },
			schemas: new SimSchemas(),
			clock: this.#clock(),
			observer: this.observer,
			sealer: createSealer(MASTER_KEY, chance),
			ids: createIdMaker(chance),
			tenure: createAloneTenure(),
			wire: createAloneWire(),
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
