// Sweeps: those that a stop or a crash has interrupted are finished at the next start, and webhooks are swept in turns.
import { describe, expect, it, onTestFinished } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { systemChance } from "../../adapters/system/system-chance.ts";
import { createIdMaker } from "../../core/ids.ts";
import type { Webhook } from "../../core/webhook.ts";
import { setWebhook } from "../../ports/contract/store/records/records.ts";
import { allWebhooks, summaryOf } from "../../ports/contract/store/records/webhooks.ts";
import { StoreError, StoreLockedError } from "../../ports/store/errors.ts";
import type { Store } from "../../ports/store/store.ts";
import { WebhookTable } from "../directory/webhook-table.ts";
import { NOBODY, openDelivering, passTurns } from "../test/delivering.ts";
import { eventually, openTestEngine } from "../test/test-engine.ts";
import { Sweeper } from "./sweeper.ts";

type Owner = Pick<Webhook, "projectId" | "customerId">;

/** A store that notes which webhooks are swept, one entry for each step. */
async function openSweptStore(): Promise<{ readonly store: Store; readonly swept: string[] }> {
	const real = await openSqliteStore({ path: ":memory:" });
	const swept: string[] = [];
	const store: Store = {
		...real,
		sweepWebhook: (webhookId, ...rest) => {
			swept.push(webhookId);
			return real.sweepWebhook(webhookId, ...rest);
		},
	};
	return { store, swept };
}

it("sweeps, at a start, only webhooks with deliveries that contradict them", async () => {
	const { store, swept } = await openSweptStore();
	const first = await openTestEngine({ store });
	const webhooks: Webhook[] = [];
	for (let n = 0; n < 4; n++) webhooks.push(await first.createWebhook(NOBODY, { eventTypes: [`t${n}`] }));
	for (const { id } of webhooks.slice(1)) await first.engine.webhooks.pause(first.change, id);
	for (const type of ["t1", "t2"]) await first.delivery(await first.send({ type }), { status: "Held" });
	await first.engine.stop();
	const record = (await allWebhooks(store)).find(({ id }) => id === webhooks[2]?.id);
	await setWebhook(store, record!.id, { deleteDate: first.clock.now() });
	swept.length = 0;
	await using second = await openTestEngine({ store });
	await eventually(
		"it is swept",
		async () => (await second.deliveries({ webhookId: record!.id }))[0]?.status === "Cancelled",
	);
	expect(swept).toEqual([record!.id]);
});

it("sweeps webhooks in turns, so that none waits for another one with many deliveries", async () => {
	const { store, swept } = await openSweptStore();
	await using test = await openTestEngine({ store });
	const many = await test.createWebhook(NOBODY, { eventTypes: ["many"] });
	const few = await test.createWebhook(NOBODY, { eventTypes: ["few"] });
	for (const { id } of [many, few]) await test.engine.webhooks.pause(test.change, id);
	await Promise.all(Array.from({ length: 600 }, () => test.send({ type: "many" })));
	await test.delivery(await test.send({ type: "few" }), { status: "Held" });
	await eventually("the sweeps of the pauses have ended", () => new Set(swept).size === 2);
	swept.length = 0;
	await Promise.all([many, few].map(({ id }) => test.engine.webhooks.delete(test.change, id)));
	await eventually("both are swept", async () => (await test.store.countOpen()).Held === 0);
	expect(swept).toEqual([many.id, few.id, many.id, many.id]);
});

describe("a webhook with many deliveries", () => {
	/**
	 * Resumes a webhook whose sweep takes three steps, while 60 webhooks of others wait for theirs. Returns which turns it had,
	 * counted from 0. The first two are those of the others, since the first step begins before the webhook waits.
	 */
	async function turnsBeside(others: (index: number, own: Owner) => Owner | undefined): Promise<number[]> {
		const { store, swept } = await openSweptStore();
		await using test = await openTestEngine({ store });
		const { id } = await test.createWebhook(NOBODY, { customerId: "acme" });
		await test.engine.webhooks.pause(test.change, id);
		await Promise.all(Array.from({ length: 600 }, () => test.send({ customers: ["acme"] })));
		await eventually("all are Held", async () => (await store.countOpen()).Held === 600);
		await test.engine.stop();
		const [record] = await allWebhooks(store);
		await setWebhook(store, record!.id, { status: "Enabled" });
		const own = { projectId: test.projectId, customerId: "acme" };
		const table = new WebhookTable();
		const ids = createIdMaker(systemChance);
		const webhookIds = Array.from({ length: 60 }, () => ids.make("webhook", test.clock.now()));
		for (const [n, other] of webhookIds.entries()) {
			const owner = others(n, own);
			if (owner !== undefined) table.put({ ...summaryOf(record!), id: other, ...owner });
		}
		table.put(summaryOf(record!));
		const directory = { webhook: (webhookId: string) => table.find(webhookId), forgetWebhook() {} };
		const sweeper = new Sweeper(test, { directory, live: { deliveriesUpdated() {} }, line: { due() {} } });
		swept.length = 0;
		for (const webhookId of [...webhookIds, id]) sweeper.sweep(webhookId);
		await eventually("all are swept", () => swept.length === 63);
		await sweeper.stop();
		expect((await store.countOpen()).Held).toBe(0);
		return swept.flatMap((webhookId, turn) => (webhookId === id ? [turn] : []));
	}

	it.each<[string, number[], Parameters<typeof turnsBeside>[0]]>([
		[
			"one step of another project, however many of its webhooks wait",
			[2, 4, 6],
			() => ({ projectId: "other", customerId: null }),
		],
		[
			"one step of a project with many customers",
			[2, 4, 6],
			(n) => ({ projectId: "other", customerId: `customer ${n}` }),
		],
		["one step of another customer of its project", [2, 4, 6], (_, own) => ({ ...own, customerId: "globex" })],
		["one step of the webhooks that this process does not know", [2, 4, 6], () => undefined],
		["the other webhooks of its customer", [60, 61, 62], (_, own) => own],
	])("waits for %s", async (_, turns, others) => {
		expect(await turnsBeside(others)).toEqual(turns);
	});
});

/** A sweeper of webhooks without deliveries, some of whose steps fail, and which of them are swept. Steps that fail are noted, too. */
async function openFailing() {
	const { store, swept } = await openSweptStore();
	const test = await openTestEngine({ store });
	const { clock, observer } = test;
	const fails = new Set<string>();
	/** Until when others hold a lock on a webhook, in monotonic time. */
	const locks = new Map<string, number>();
	/** Webhooks that have more deliveries than can be swept in any time. */
	const endless = new Set<string>();
	const owners = new Map<string, Owner>();
	const forgotten: string[] = [];
	/** How long steps take, whether a store can be written, and for how long failing steps were under way. */
	const world = { failingMs: 0, endlessMs: 0, isWritable: true, probes: 0, failedMs: 0, most: 0 };
	let underWay = 0;
	const pass = (ms: number) =>
		ms === 0 ? Promise.resolve() : new Promise<void>((resolve) => clock.after(ms, resolve));
	const sweepWebhook: Store["sweepWebhook"] = async (webhookId, ...rest) => {
		if (endless.has(webhookId)) {
			await pass(world.endlessMs);
			swept.push(webhookId);
			return { change: { type: "resume", at: rest[0] }, count: 0, done: false };
		}
		const lockedMs = (locks.get(webhookId) ?? 0) - clock.monotonicMs();
		if (lockedMs > 0) {
			const [, , lockWaitMs = LOCK_TIMEOUT_MS] = rest;
			await pass(Math.min(lockedMs, lockWaitMs));
			if (lockWaitMs < lockedMs) {
				throw rest[2] === undefined
					? new StoreError("store_unavailable", "a lock was not given")
					: new StoreLockedError();
			}
		}
		if (!fails.has(webhookId)) return store.sweepWebhook(webhookId, ...rest);
		swept.push(webhookId);
		world.most = Math.max(world.most, ++underWay);
		const [, , lockWaitMs = Infinity] = rest;
		const failingMs = Math.min(world.failingMs, lockWaitMs);
		await pass(failingMs);
		underWay--;
		world.failedMs += failingMs;
		throw new StoreError("store_unavailable", "a lock was not given");
	};
	const probe = async () => {
		world.probes++;
		if (!world.isWritable) throw new StoreError("store_unavailable", "there is no disk");
	};
	const ids = createIdMaker(systemChance);
	const make = (count: number, owner?: Owner) =>
		Array.from({ length: count }, () => {
			const id = ids.make("webhook", clock.now());
			if (owner !== undefined) owners.set(id, owner);
			return id;
		});
	const [record] = await test.createWebhook(NOBODY).then(() => allWebhooks(store));
	const directory = {
		webhook: (id: string) => {
			const owner = owners.get(id);
			return owner === undefined ? undefined : { ...summaryOf(record!), id, ...owner, deleteDate: 1 };
		},
		forgetWebhook: (id: string) => void forgotten.push(id),
	};
	const sweeper = new Sweeper(
		{ store: { ...store, sweepWebhook, probe }, clock, observer },
		{ directory, live: { deliveriesUpdated() {} }, line: { due() {} } },
	);
	const sweep = (webhookIds: readonly string[]) => {
		for (const webhookId of webhookIds) sweeper.sweep(webhookId);
	};
	/** Each step needs a turn of the event loop. */
	const settle = passTurns;
	/** Moves the clock, and lets everything happen on the way. */
	const advance = async (ms: number, stepMs: number) => {
		for (let passed = 0; passed < ms; passed += stepMs) {
			clock.advance(stepMs);
			await settle(3);
		}
	};
	const close = async () => {
		const stopped = sweeper.stop();
		await advance(10_000, 1_000);
		await stopped;
		await test[Symbol.asyncDispose]();
		await store.close();
	};
	/** Makes webhooks whose steps fail, and sweeps them. */
	const makeFailing = async (count: number, ownerOf: (n: number) => Owner | undefined = () => ACME) => {
		const made = Array.from({ length: count }, (_, n) => make(1, ownerOf(n))[0]!);
		for (const webhookId of made) fails.add(webhookId);
		sweep(made);
		await settle(2 * count + 20);
		return made;
	};
	onTestFinished(close);
	return { sweep, swept, fails, locks, endless, forgotten, world, make, makeFailing, settle, advance, clock, observer };
}

/** As on PostgreSQL. */
const LOCK_TIMEOUT_MS = 5_000;
const ACME = { projectId: "shop", customerId: "acme" };
const FORUM = { projectId: "forum", customerId: "acme" };
const customer = (n: number) => ({ ...ACME, customerId: `customer ${n}` });

describe("a failing sweep", () => {
	it("is repeated after a second, then after two and so on up to sixteen, for which no other one waits", async () => {
		const { sweep, swept, fails, make, makeFailing, settle, advance, clock } = await openFailing();
		const [one = ""] = await makeFailing(1);
		// The clock does not move.
		const others = make(2);
		sweep(others);
		await settle(5);
		expect(swept).toEqual([one, ...others]);
		swept.length = 0;
		for (const [n, seconds] of [1, 2, 4, 8, 16, 16].entries()) {
			await advance(seconds * 1_000 - 1, seconds * 1_000 - 1);
			expect(swept).toHaveLength(n);
			await advance(1, 1);
			expect(swept).toHaveLength(n + 1);
		}
		fails.clear();
		swept.length = 0;
		await advance(16_000, 100);
		expect(swept).toEqual([one]);
		clock.advance(100_000);
		expect(swept).toEqual([one]);
		// It is well again: the first failure counts as the first one.
		fails.add(one);
		sweep([one]);
		await settle(5);
		await advance(1_000, 1_000);
		expect(swept).toEqual([one, one, one]);
	});

	it("is not repeated earlier because its webhook is changed again and again, and then once for all changes", async () => {
		const { sweep, swept, fails, makeFailing, advance } = await openFailing();
		const [one = ""] = await makeFailing(1);
		for (let n = 0; n < 50; n++) {
			sweep([one]);
			await advance(10, 10);
		}
		expect(swept).toEqual([one]);
		fails.clear();
		await advance(600, 100);
		expect(swept).toEqual([one, one]);
		await advance(20_000, 1_000);
		expect(swept).toEqual([one, one]);
	});

	it("is followed by another one if its webhook was changed while it was repeated", async () => {
		const { sweep, swept, fails, locks, makeFailing, advance, clock } = await openFailing();
		const [one = ""] = await makeFailing(1);
		fails.clear();
		swept.length = 0;
		// The repetition waits for it.
		locks.set(one, clock.monotonicMs() + 1_010);
		await advance(1_000, 1_000);
		sweep([one]);
		await advance(100, 10);
		expect(swept).toEqual([one, one]);
	});

	it.each(
		[8, 200].flatMap((count) =>
			[ACME, { ...ACME, customerId: "globex" }, FORUM].map(
				(owner) => [count, owner.projectId, owner.customerId, owner] as const,
			),
		),
	)(
		"of %i webhooks of a customer of a shop holds up no webhook of %s %s",
		async (count, _project, _customer, owner) => {
			const { sweep, swept, make, makeFailing, settle, clock, world } = await openFailing();
			const [healthy = ""] = make(1, owner);
			const failing = makeFailing(count);
			sweep([healthy]);
			await failing;
			// The clock has not moved.
			expect(swept.filter((webhookId) => webhookId === healthy)).toHaveLength(1);
			expect(new Set(swept).size).toBe(count + 1);
			// Each repetition takes as long as a lock is waited for.
			world.failingMs = 5_000;
			for (let second = 0; second < 60; second++) {
				swept.length = 0;
				sweep([healthy]);
				await settle(5);
				expect(swept).toContain(healthy);
				clock.advance(1_000);
				await settle(3);
			}
			expect(world.failedMs).toBeGreaterThan(5_000);
			expect(world.most).toBe(1);
		},
	);

	it.each([
		["a quarter of the time if nobody else waits", 0, 1 / 4],
		["what each of nine other customers has, if these always wait", 9, 1 / 10],
	])("of 200 webhooks takes, when it is repeated, no more than %s", async (_, others, share) => {
		const { sweep, endless, world, make, makeFailing, advance } = await openFailing();
		await makeFailing(200);
		world.failingMs = 50;
		world.endlessMs = 10;
		for (let n = 0; n < others; n++) {
			const [own = ""] = make(1, customer(n));
			endless.add(own);
			sweep([own]);
		}
		await advance(1_000, 10);
		world.failedMs = 0;
		await advance(20_000, 10);
		expect(world.failedMs).toBeGreaterThan(20_000 * share * 0.8);
		expect(world.failedMs).toBeLessThanOrEqual(20_000 * share + 50);
	});

	it("of 200 webhooks ends within its back-off once the cause is gone, also beside those of others that still fail", async () => {
		const { swept, fails, makeFailing, advance } = await openFailing();
		const all = await makeFailing(400, (n) => (n < 200 ? ACME : { ...ACME, customerId: "globex" }));
		const healed = all.slice(0, 200);
		await advance(100_000, 10);
		for (const webhookId of healed) fails.delete(webhookId);
		swept.length = 0;
		await advance(16_000, 10);
		const own = new Set(healed);
		expect(swept.filter((webhookId) => own.has(webhookId)).toSorted()).toEqual(healed.toSorted());
	});

	it("is repeated before those that have failed more often, however many customers have these", async () => {
		const { swept, fails, world, makeFailing, advance } = await openFailing();
		await makeFailing(100, customer);
		// As long as a lock is waited for, and then a pause.
		world.failingMs = 5_000;
		await advance(60_000, 100);
		const [healthy = ""] = await makeFailing(1, () => FORUM);
		fails.delete(healthy);
		swept.length = 0;
		await advance(41_000, 100);
		expect(swept).toContain(healthy);
		expect(swept.length).toBeLessThan(5);
	});

	it("whose first step waits for a lock holds up the others for a moment only", async () => {
		const { sweep, swept, world, make, makeFailing, settle, clock } = await openFailing();
		// As long as a lock is waited for.
		world.failingMs = 5_000;
		const [healthy = ""] = make(1, FORUM);
		const failing = makeFailing(3);
		sweep([healthy]);
		const [first = ""] = await failing;
		expect(swept).toEqual([first]);
		// The project of the first one may have its turn again before the other project.
		for (let turn = 0; turn < 2; turn++) {
			clock.advance(100);
			await settle(5);
		}
		expect(swept).toContain(healthy);
	});

	it("that only meets a lock does not count as failed: it is made when the lock is free, before those of webhooks that fail", async () => {
		const { sweep, swept, locks, world, make, makeFailing, settle, clock, advance, observer } = await openFailing();
		await makeFailing(100, customer);
		world.failingMs = 200;
		await advance(60_000, 100);
		const problems = observer.problems.length;
		const [locked = ""] = make(1, FORUM);
		for (let time = 0; time < 5; time++) {
			locks.set(locked, clock.monotonicMs() + 150);
			swept.length = 0;
			sweep([locked]);
			await settle(5);
			// The lock, and a step of one that fails.
			await advance(400, 10);
			expect(swept.filter((webhookId) => webhookId === locked)).toHaveLength(1);
		}
		const told = observer.problems.slice(problems).map((problem) => JSON.stringify(problem));
		expect(told.filter((problem) => problem.includes(locked))).toEqual([]);
	});

	it("of others has its turn while there are always webhooks that meet locks", async () => {
		const { sweep, swept, fails, locks, make, makeFailing, clock, advance } = await openFailing();
		const [healed = ""] = await makeFailing(1, () => FORUM);
		fails.delete(healed);
		swept.length = 0;
		const locked = make(100, ACME);
		for (const webhookId of locked) locks.set(webhookId, clock.monotonicMs() + 1_000_000);
		sweep(locked);
		// All have given up a lock once; each waits for it then, one after the other.
		await advance(30_000, 100);
		for (const webhookId of locked) locks.delete(webhookId);
		expect(swept).toContain(healed);
	});

	it("of a webhook that is deleted meanwhile ends, and the webhook is forgotten", async () => {
		const { sweep, swept, fails, forgotten, makeFailing, advance } = await openFailing();
		const [deleted = ""] = await makeFailing(20);
		await advance(5_000, 10);
		// The store has it no more.
		fails.delete(deleted);
		sweep([deleted]);
		swept.length = 0;
		await advance(16_000, 10);
		expect(swept.filter((webhookId) => webhookId === deleted)).toHaveLength(1);
		expect(forgotten).toEqual([deleted]);
		swept.length = 0;
		await advance(60_000, 100);
		expect(swept).not.toContain(deleted);
		expect(new Set(swept).size).toBe(19);
	});

	it("of many webhooks makes all wait if it is the store that fails, which is then asked once a second", async () => {
		const { swept, fails, world, makeFailing, settle, observer, advance } = await openFailing();
		world.isWritable = false;
		const webhooks = await makeFailing(50, () => undefined);
		expect([swept.length, world.probes]).toEqual([8, 1]);
		const late = await makeFailing(1);
		for (let second = 1; second <= 20; second++) {
			await advance(1_000, 100);
			expect([swept.length, world.probes, observer.problems.length]).toEqual([8, 1 + second, 9 + second]);
		}
		fails.clear();
		world.isWritable = true;
		swept.length = 0;
		await advance(1_000, 1_000);
		await settle(200);
		expect(swept.toSorted()).toEqual([...webhooks, ...late].toSorted());
	});
});

it("has the deliveries of every step of a resume attempted at once", async () => {
	const {
		test,
		receiver,
		webhook: { id },
	} = await openDelivering();
	await test.engine.webhooks.pause(test.change, id);
	const sent = await Promise.all(Array.from({ length: 600 }, () => test.send()));
	await test.engine.webhooks.resume(test.change, id);
	// The clock does not move, so that no poll helps.
	await eventually("all are delivered", () => receiver.requests.length === sent.length);
});

it("forgets a deleted webhook when it is swept, but not before memory knows of the deletion", async () => {
	await using test = await openTestEngine();
	const { id } = await test.createWebhook(NOBODY);
	await test.engine.webhooks.pause(test.change, id);
	await test.delivery(await test.send(), { status: "Held" });
	const [found] = await allWebhooks(test.store);
	const record = summaryOf(found!);
	const table = new WebhookTable();
	table.put(record);
	const directory = { webhook: (id: string) => table.find(id), forgetWebhook: (id: string) => void table.forget(id) };
	const changes: string[] = [];
	const live = {
		deliveriesUpdated: (...[, , { type }]: [unknown, unknown, { type: string }]) => void changes.push(type),
	};
	const sweeper = new Sweeper(test, { directory, live, line: { due() {} } });

	const deleted = { ...record, deleteDate: test.clock.now() };
	await setWebhook(test.store, id, { deleteDate: deleted.deleteDate });
	sweeper.sweep(id);
	await eventually("it is swept", () => changes.length === 1);
	expect(directory.webhook(id)).toBeDefined();
	table.put(deleted);
	sweeper.sweep(id);
	await eventually("it is forgotten", () => directory.webhook(id) === undefined);
	expect(changes).toEqual(["cancel", "cancel"]);
	await sweeper.stop();
});
