// The contract of a tenure, for processes that share the work. The test of an adapter is a few lines that run it.
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { systemChance } from "../../adapters/system/system-chance.ts";
import { shardOf, SHARDS } from "../../core/cluster/shard.ts";
import { createIdMaker } from "../../core/ids.ts";
import type { Duty, DutyWork, Tenure, TenureHolder } from "../tenure.ts";

/** A process that the test can make stand still. */
export interface SharingProcess {
	readonly tenure: Tenure;
	/** From now on, nothing of this process goes on, as if it was killed or stopped. */
	freeze(): void;
	/** It goes on. */
	resume(): void;
}

export interface SharedTenureContractOptions {
	/** Names the adapter in the titles of the tests. */
	readonly name: string;
	/** Makes a process on the store of this test. Its tenure is not started. */
	readonly open: () => SharingProcess;
	/** Ends everything that was opened, and empties the store. */
	readonly close: () => Promise<void>;
}

const WAIT = { interval: 20 };
/** Longer than anything that the test does while a process is leaving. */
const GRACE_MS = 60_000;
const SAMPLE_MS = 5;

/** By shard: the id of a webhook in it. */
const WEBHOOKS = webhookOfEachShard();

/**
 * Runs the suite.
 *
 * @example
 * sharedTenureContract({ name: "PostgreSQL", open: () => openProcess(url), close });
 */
export function sharedTenureContract({ name, open, close }: SharedTenureContractOptions): void {
	describe(`the ${name} tenure of several processes`, () => {
		let cluster: TestCluster;
		beforeEach(() => {
			cluster = new TestCluster(open);
		});
		afterEach(async () => {
			cluster.stopSampling();
			await close();
			expect(cluster.violations).toEqual([]);
		});
		describe("for shards", () => {
			describeSharing(() => cluster);
		});
		describe("when a process stands still", () => {
			describeStandstill(() => cluster);
		});
		describe("for duties", () => {
			describeSharedDuties(() => cluster);
		});
	});
}

function describeSharing(current: () => TestCluster): void {
	it("gives each process its share, and each shard one owner whom all know", async () => {
		const [a, b, c] = await current().start(3);
		await current().isShared([86, 85, 85]);
		const owners = WEBHOOKS.map((id) => [a, b, c].filter(({ tenure }) => tenure.holds(id)));
		expect(owners.map(({ length }) => length)).toEqual(WEBHOOKS.map(() => 1));
		await expect
			.poll(
				() => WEBHOOKS.every((id, shard) => c.tenure.placeOf(id)?.epoch === owners[shard]?.[0]?.epochOf(shard)),
				WAIT,
			)
			.toBe(true);
		const names = [a, b, c].map(({ tenure }) => tenure.placeOf(WEBHOOKS[tenure.shards()?.[0] ?? 0]!)?.member);
		expect(new Set(names).size).toBe(3);
		expect([a, b, c].map(({ tenure }) => tenure.liveMembers())).toEqual([3, 3, 3]);
	});

	it("gives a new process its share, each shard only when none of its attempts is under way", async () => {
		const [a] = await current().start(1);
		a.holder.isBusy = true;
		const [b] = await current().start(1);
		await expect.poll(() => a.held.length, WAIT).toBe(128);
		expect(a.holder.lostShards).toHaveLength(128);
		// It has looked again, since that is when others are asked about.
		const { questions } = a.holder;
		await expect.poll(() => a.holder.questions, WAIT).toBeGreaterThan(questions);
		expect(b.held).toEqual([]);
		const busy = a.holder.lostShards.slice(0, 28);
		a.holder.busy = new Set(busy);
		a.holder.isBusy = false;
		await expect.poll(() => b.held.length, WAIT).toBe(100);
		expect(a.holder.busy.isDisjointFrom(new Set(b.held))).toBe(true);
		a.holder.busy = new Set();
		await current().isShared([128, 128]);
	});

	it("moves shards of a process that leaves, each as soon as none of its attempts is under way", async () => {
		const [a, b] = await current().start(2);
		await current().isShared([128, 128]);
		const [busy = 0] = b.held;
		const lostBefore = b.holder.lostShards.length;
		b.holder.busy = new Set([busy]);
		let hasLeft = false;
		const leaving = b.tenure.leave(GRACE_MS).then(() => (hasLeft = true));
		expect(b.held).toEqual([]);
		await expect.poll(() => a.held.length, WAIT).toBe(SHARDS - 1);
		expect(a.held).not.toContain(busy);
		expect(hasLeft).toBe(false);
		b.holder.busy = new Set();
		await leaving;
		await expect.poll(() => a.held.length, WAIT).toBe(SHARDS);
		expect(b.holder.lostShards).toHaveLength(lostBefore);
		expect(a.tenure.liveMembers()).toBe(1);
	});

	it("gives up everything at the end of the grace, whatever is under way", async () => {
		const [a, b] = await current().start(2);
		await current().isShared([128, 128]);
		b.holder.busy = new Set(b.held);
		await b.tenure.leave(50);
		await expect.poll(() => a.held.length, WAIT).toBe(SHARDS);
	});

	it("gives shards that a holder could not take to others, and takes them later", async () => {
		const [a, b] = await current().start(2);
		await current().isShared([128, 128]);
		a.holder.failures = 1;
		const lostBefore = a.holder.lostShards.length;
		await b.tenure.leave(0);
		await expect.poll(() => a.held.length, WAIT).toBe(SHARDS);
		expect(a.holder.failures).toBe(0);
		// It was told that it has lost what it could not take.
		expect(a.holder.lostShards).toHaveLength(lostBefore + 128);
	});

	it("shares all shards among twenty processes that start at once", async () => {
		const processes = await current().start(20);
		await current().isShared([...Array<number>(16).fill(13), ...Array<number>(4).fill(12)]);
		expect(processes.flatMap(({ held }) => held).toSorted((x, y) => x - y)).toEqual([...WEBHOOKS.keys()]);
	});
}

function describeStandstill(current: () => TestCluster): void {
	it("gives the shards of a process that has died to the others", async () => {
		const [a, b, c] = await current().start(3);
		await current().isShared([86, 85, 85]);
		c.freeze();
		await expect.poll(() => a.held.length + b.held.length, WAIT).toBe(SHARDS);
		await expect.poll(() => a.tenure.liveMembers(), WAIT).toBe(2);
	});

	it("takes everything from a process that stands still for longer than its tenure, and gives it shards with new epochs", async () => {
		const [a, b] = await current().start(2);
		await current().isShared([128, 128]);
		const held = new Map(b.held.map((shard) => [shard, b.epochOf(shard)]));
		const place = b.tenure.placeOf(WEBHOOKS[b.held[0] ?? 0]!);
		const lostBefore = b.holder.lostShards.length;
		b.freeze();
		expect(b.held).toHaveLength(128);
		await expect.poll(() => a.held.length, WAIT).toBe(SHARDS);
		// It does not know yet, but it knows that it can't be sure.
		expect(b.held).toEqual([]);
		expect(b.holder.lostShards).toHaveLength(lostBefore);
		b.resume();
		await expect.poll(() => b.holder.lostShards.length, WAIT).toBe(lostBefore + 128);
		await current().isShared([128, 128]);
		const again = b.held.filter((shard) => held.has(shard));
		for (const shard of again) expect(b.epochOf(shard)).toBeGreaterThan(held.get(shard) ?? 0);
		expect(b.tenure.placeOf(WEBHOOKS[b.held[0] ?? 0]!)?.member).not.toBe(place?.member);
	});

	it("gives shards new epochs although nobody else was there to take them", async () => {
		const [a] = await current().start(1);
		await current().isShared([SHARDS]);
		const epochs = a.held.map((shard) => a.epochOf(shard));
		a.freeze();
		await expect.poll(() => a.held.length, WAIT).toBe(0);
		a.resume();
		await current().isShared([SHARDS]);
		expect(a.holder.lostShards).toHaveLength(SHARDS);
		expect(a.held.every((shard, index) => a.epochOf(shard) > (epochs[index] ?? 0))).toBe(true);
	});

	it("says that a process should begin no attempt when it has not reached the store for a while", async () => {
		const [a] = await current().start(1);
		a.freeze();
		await expect.poll(() => a.tenure.stalled(), WAIT).toBe(true);
		const { resumedCount } = a.holder;
		a.resume();
		await expect.poll(() => a.tenure.stalled(), WAIT).toBe(false);
		expect(a.holder.resumedCount).toBe(resumedCount + 1);
	});
}

const DUTIES: readonly Duty[] = ["retention", "stats", "housekeeping", "health", "erasures", "customer deletions"];

function describeSharedDuties(current: () => TestCluster): void {
	it("gives each duty to one process, its share to one that joins, and all to the others when one leaves or dies", async () => {
		const works = new Map(DUTIES.map((duty) => [duty, new SharedWork()]));
		const add = async () =>
			(
				await current().start(1, ({ tenure }) => {
					for (const [duty, work] of works) tenure.duty(duty, work.of(tenure));
				})
			)[0];
		const workers = () => [...works.values()].map(({ worker }) => worker);
		const a = await add();
		await expect.poll(workers, WAIT).toEqual(DUTIES.map(() => a.tenure));
		const b = await add();
		const counts = () => [a, b].map(({ tenure }) => workers().filter((worker) => worker === tenure).length);
		await expect.poll(counts, WAIT).toEqual([3, 3]);
		await a.tenure.leave(0);
		expect(workers()).not.toContain(a.tenure);
		await expect.poll(workers, WAIT).toEqual(DUTIES.map(() => b.tenure));
		const c = await add();
		for (const work of works.values()) work.forget(b.tenure);
		b.freeze();
		await expect.poll(workers, WAIT).toEqual(DUTIES.map(() => c.tenure));
		expect([...works.values()].flatMap(({ overlaps }) => overlaps)).toEqual([]);
	});
}

/** The processes of a test. While it lasts, it looks again and again whether two processes hold the same shard. */
class TestCluster {
	readonly #open: () => SharingProcess;
	readonly #processes: TestProcess[] = [];
	/** By shard: the highest epoch that it was gained with. */
	readonly #epochs = new Map<number, number>();
	readonly violations: string[] = [];
	readonly #sampling: NodeJS.Timeout;

	constructor(open: () => SharingProcess) {
		this.#open = open;
		this.#sampling = setInterval(() => this.#sample(), SAMPLE_MS);
	}

	/** Starts processes at once. `prepare` is called before each start. */
	async start(count: number, prepare: (process: TestProcess) => void = () => {}) {
		const started = Array.from({ length: count }, () => new TestProcess(this.#open(), this));
		this.#processes.push(...started);
		for (const each of started) prepare(each);
		await Promise.all(started.map(({ tenure }) => tenure.start()));
		return started as [TestProcess, TestProcess, TestProcess, ...TestProcess[]];
	}

	/** Waits until the processes hold so many shards each, in any order. */
	async isShared(shares: readonly number[]): Promise<void> {
		const sizes = () => this.#processes.map(({ held }) => held.length).toSorted((x, y) => y - x);
		await expect.poll(sizes, WAIT).toEqual(shares);
	}

	stopSampling(): void {
		clearInterval(this.#sampling);
		this.#sample();
	}

	gained(process: TestProcess, shards: readonly number[]): void {
		for (const shard of shards) {
			const epoch = process.epochOf(shard);
			const before = this.#epochs.get(shard) ?? 0;
			if (epoch <= before) this.violations.push(`shard ${shard} was gained with epoch ${epoch} after ${before}`);
			this.#epochs.set(shard, epoch);
		}
		this.#sample();
	}

	#sample(): void {
		for (const [shard, id] of WEBHOOKS.entries()) {
			const holders = this.#processes.filter(({ tenure }) => tenure.holds(id));
			if (holders.length > 1) this.violations.push(`shard ${shard} is held by ${holders.length} processes`);
		}
	}
}

class TestProcess {
	readonly tenure: Tenure;
	readonly holder: SharingHolder;
	readonly #process: SharingProcess;

	constructor(process: SharingProcess, cluster: TestCluster) {
		this.#process = process;
		this.tenure = process.tenure;
		this.holder = new SharingHolder((shards) => cluster.gained(this, shards));
		this.tenure.attach(this.holder);
	}

	get held(): readonly number[] {
		return this.tenure.shards() ?? [...WEBHOOKS.keys()];
	}

	epochOf(shard: number): number {
		return this.tenure.placeOf(WEBHOOKS[shard]!)?.epoch ?? 0;
	}

	freeze(): void {
		this.#process.freeze();
	}

	resume(): void {
		this.#process.resume();
	}
}

class SharingHolder implements TenureHolder {
	readonly lostShards: number[] = [];
	/** Shards with an attempt under way. */
	busy: ReadonlySet<number> = new Set();
	/** Whether all shards have one. */
	isBusy = false;
	/** How often it was asked about attempts. */
	questions = 0;
	/** How many takes fail from now on. */
	failures = 0;
	resumedCount = 0;
	readonly #onGained: (shards: readonly number[]) => void;

	constructor(onGained: (shards: readonly number[]) => void) {
		this.#onGained = onGained;
	}

	gained(shards: readonly number[] | null): Promise<void> {
		this.#onGained(shards ?? [...WEBHOOKS.keys()]);
		if (this.failures === 0) return Promise.resolve();
		this.failures--;
		return Promise.reject(new Error("on purpose"));
	}

	lost(shards: readonly number[]): void {
		this.lostShards.push(...shards);
	}

	resumed(): void {
		this.resumedCount++;
	}

	inFlightOf(shards: readonly number[]): number {
		this.questions++;
		return shards.filter((shard) => this.isBusy || this.busy.has(shard)).length;
	}
}

/** The work of a duty in all processes, which knows who does it. */
class SharedWork {
	worker: Tenure | null = null;
	readonly overlaps: string[] = [];

	of(tenure: Tenure): DutyWork {
		return {
			start: () => {
				if (this.worker !== null) this.overlaps.push("two processes do the same work");
				this.worker = tenure;
			},
			stop: async () => {
				await new Promise((resolve) => setImmediate(resolve));
				if (this.worker === tenure) this.worker = null;
			},
		};
	}

	/** This process is about to die: nobody will hear of its end. */
	forget(tenure: Tenure): void {
		if (this.worker === tenure) this.worker = null;
	}
}

function webhookOfEachShard(): readonly string[] {
	const ids = createIdMaker(systemChance);
	const found = new Map<number, string>();
	while (found.size < SHARDS) {
		const id = ids.make("webhook", 1_800_000_000_000);
		found.set(shardOf(id), id);
	}
	return Array.from({ length: SHARDS }, (_, shard) => found.get(shard)!);
}
