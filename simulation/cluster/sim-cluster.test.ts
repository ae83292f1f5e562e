// The simulated tenure and wire keep the contracts of their ports, like those on PostgreSQL.
import { afterAll } from "vitest";

import { sharedTenureContract } from "../../packages/server/src/ports/contract/shared-tenure.contract.ts";
import { tenureContract } from "../../packages/server/src/ports/contract/tenure.contract.ts";
import { wireContract } from "../../packages/server/src/ports/contract/wire.contract.ts";
import type { Store } from "../../packages/server/src/ports/store/store.ts";
import { chancesOf } from "../world/chance.ts";
import type { RunScope } from "../world/run-scope.ts";
import { SimClock } from "../world/sim-clock.ts";
import { Trace } from "../world/trace.ts";
import { Sharing } from "./sharing.ts";
import type { SimTenure } from "./sim-tenure.ts";
import type { SimWire } from "./sim-wire.ts";

/** So much simulated time passes in each turn of a real timer. */
const STEP_MS = 10;
const SEED = 7;

/** A process without an engine. */
class TestRun implements RunScope {
	readonly number: number;
	readonly alive = true;
	readonly isCut = false;
	readonly tenure: SimTenure;
	readonly wire: SimWire;
	readonly #clock: SimClock;
	#frozen: (() => void)[] | null = null;

	constructor(number: number, clock: SimClock, sharing: Sharing) {
		this.number = number;
		this.#clock = clock;
		({ tenure: this.tenure, wire: this.wire } = sharing.join(this));
	}

	now(): number {
		return this.#clock.now();
	}

	later(ms: number, act: () => void): () => void {
		return this.#clock.after(ms, () => this.act(act));
	}

	outside(ms: number, act: () => void): void {
		this.#clock.after(ms, act);
	}

	act(act: () => void): void {
		if (this.#frozen === null) act();
		else this.#frozen.push(act);
	}

	end(): void {}

	freeze(): void {
		this.#frozen = [];
		this.tenure.away();
	}

	resume(): void {
		const waiting = this.#frozen ?? [];
		this.#frozen = null;
		for (const act of waiting) act();
		this.tenure.back();
	}
}

const clock = new SimClock(0);
const ending = new AbortController();
afterAll(() => ending.abort());
/** The contracts look at the states in between in real time, so simulated time passes by itself, at a pace: this is no wait for anything. */
async function letTimePass(): Promise<void> {
	while (!ending.signal.aborted) {
		await clock.advance(STEP_MS);
		await new Promise((resolve) => setTimeout(resolve, 1));
	}
}
void letTimePass();

function newSharing(): Sharing {
	const store: Pick<Store, "directoryVersions"> = {
		directoryVersions: () => Promise.resolve({ workspace: 0, projects: [] }),
	};
	return new Sharing(
		{
			clock,
			trace: new Trace(clock, null),
			chance: chancesOf(SEED),
			store: store as Store,
			sharingWatcher: { gained: () => Promise.resolve(() => Promise.resolve()), claimedUntold: () => {} },
			disturbed: () => {},
		},
		{ handsOff: true },
	);
}

tenureContract({ name: "simulated", open: () => Promise.resolve(new TestRun(0, clock, newSharing()).tenure) });

let sharing = newSharing();
let runs: TestRun[] = [];
sharedTenureContract({
	name: "simulated",
	open() {
		const run = new TestRun(runs.length, clock, sharing);
		runs.push(run);
		return run;
	},
	async close() {
		for (const run of runs) run.resume();
		await Promise.all(runs.map(({ tenure }) => tenure.leave(0)));
		sharing = newSharing();
		runs = [];
	},
});

wireContract({
	name: "simulated",
	async open(members) {
		const opened = newSharing();
		const all = Array.from({ length: members }, (_, number) => new TestRun(number, clock, opened));
		for (const { tenure } of all) await tenure.start();
		return all.map(({ tenure, wire }) => ({ wire, place: { member: tenure.member?.name ?? "", epoch: 1 } }));
	},
});
