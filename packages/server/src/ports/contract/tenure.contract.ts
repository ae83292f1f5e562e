// The contract of a tenure, for a process that no other one shares the work with. The test of an adapter is a few lines
// that run it.
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { systemChance } from "../../adapters/system/system-chance.ts";
import { shardOf, SHARDS } from "../../core/cluster/shard.ts";
import { createIdMaker } from "../../core/ids.ts";
import type { Duty, DutyWork, Tenure, TenureHolder } from "../tenure.ts";

export interface TenureContractOptions {
	/** Names the adapter in the titles of the tests. */
	readonly name: string;
	/** Makes the tenure of the only process on a new store. It is not started. */
	readonly open: () => Promise<Tenure>;
}

const DUTIES: readonly Duty[] = ["retention", "stats", "housekeeping", "health", "erasures", "customer deletions"];
const WEBHOOK_IDS = Array.from({ length: 500 }, () => createIdMaker(systemChance).make("webhook", 1_800_000_000_000));

/**
 * Runs the suite. Each test gets a new tenure.
 *
 * @example
 * tenureContract({ name: "alone", open: () => Promise.resolve(createAloneTenure()) });
 */
export function tenureContract({ name, open }: TenureContractOptions): void {
	describe(`the ${name} tenure`, () => {
		let tenure: Tenure;
		beforeEach(async () => {
			tenure = await open();
		});
		afterEach(() => tenure.leave(0));

		describe("of the only process", () => {
			describeShards(() => tenure);
		});
		describe("for duties", () => {
			describeDuties(() => tenure);
		});
	});
}

function describeShards(current: () => Tenure): void {
	it("gains every shard, and each of them once", async () => {
		const holder = new RecordingHolder();
		await startWith(current(), holder);
		expect(holder.gainedShards.toSorted((a, b) => a - b)).toEqual(ALL_SHARDS);
		expect(holder.lostShards).toEqual([]);
	});

	it("has gained the shards, with all that the holder does for them, when the start resolves", async () => {
		const holder = new RecordingHolder();
		const { promise: slow, resolve: end } = Promise.withResolvers<void>();
		holder.whenGained = () => slow;
		let started = false;
		const starting = startWith(current(), holder).then(() => (started = true));
		await expect.poll(() => holder.gainedShards.length).toBeGreaterThan(0);
		expect(started).toBe(false);
		end();
		await starting;
	});

	it("holds exactly the webhooks in its shards, at a place with a name", async () => {
		const tenure = current();
		await startWith(tenure, new RecordingHolder());
		const shards = tenure.shards() ?? ALL_SHARDS;
		expect([...shards].toSorted((a, b) => a - b)).toEqual(ALL_SHARDS);
		const places = WEBHOOK_IDS.map((id) => {
			expect(tenure.holds(id)).toBe(shards.includes(shardOf(id)));
			return tenure.placeOf(id);
		});
		expect(places).not.toContain(null);
		expect(new Set(places.map((place) => place?.member)).size).toBe(1);
		expect(places[0]?.member).not.toBe("");
	});

	it("is not stalled while it reaches its store", async () => {
		await startWith(current(), new RecordingHolder());
		expect(current().stalled()).toBe(false);
	});

	it("does not start if its holder can't take the shards", async () => {
		const holder = new RecordingHolder();
		holder.whenGained = () => Promise.reject(new Error("on purpose"));
		const work = new RecordingWork();
		current().duty("stats", work);
		await expect(startWith(current(), holder)).rejects.toThrow("on purpose");
		expect(work.calls).toEqual([]);
	});
}

function describeDuties(current: () => Tenure): void {
	it("starts the work of each duty once, and not before the start", async () => {
		const works = DUTIES.map((duty) => {
			const work = new RecordingWork();
			current().duty(duty, work);
			return work;
		});
		expect(works.flatMap(({ calls }) => calls)).toEqual([]);
		await startWith(current(), new RecordingHolder());
		await expect.poll(() => works.map(({ calls }) => calls)).toEqual(DUTIES.map(() => ["start"]));
	});

	it("has stopped the work of each duty when leave resolves", async () => {
		const work = new RecordingWork();
		current().duty("retention", work);
		await startWith(current(), new RecordingHolder());
		await expect.poll(() => work.calls).toEqual(["start"]);
		await current().leave(1_000);
		expect(work.calls).toEqual(["start", "stop", "stopped"]);
	});

	it("may leave without a start", async () => {
		await current().leave(0);
	});
}

const ALL_SHARDS: readonly number[] = Array.from({ length: SHARDS }, (_, shard) => shard);

function startWith(tenure: Tenure, holder: TenureHolder): Promise<void> {
	tenure.attach(holder);
	return tenure.start();
}

class RecordingHolder implements TenureHolder {
	readonly gainedShards: number[] = [];
	readonly lostShards: number[] = [];
	/** What `gained` waits for. */
	whenGained: () => Promise<void> = () => Promise.resolve();

	gained(shards: readonly number[] | null): Promise<void> {
		this.gainedShards.push(...(shards ?? ALL_SHARDS));
		return this.whenGained();
	}

	lost(shards: readonly number[]): void {
		this.lostShards.push(...shards);
	}

	resumed(): void {}

	inFlightOf(): number {
		return 0;
	}
}

class RecordingWork implements DutyWork {
	readonly calls: string[] = [];

	start(): void {
		this.calls.push("start");
	}

	async stop(): Promise<void> {
		// Stopping what has stopped, or has never started, does nothing.
		if (this.calls.at(-1) !== "start") return;
		this.calls.push("stop");
		await new Promise((resolve) => setImmediate(resolve));
		this.calls.push("stopped");
	}
}
