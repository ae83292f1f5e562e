// Sweeps: those that a stop or a crash has interrupted are finished at the next start, and webhooks are swept in turns.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { systemChance } from "../../adapters/system/system-chance.ts";
import { createIdMaker } from "../../core/ids.ts";
import type { Webhook } from "../../core/webhook.ts";
import { setWebhook } from "../../ports/contract/store/records/records.ts";
import { allWebhooks, summaryOf } from "../../ports/contract/store/records/webhooks.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { Store } from "../../ports/store/store.ts";
import { WebhookTable } from "../directory/webhook-table.ts";
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

it("releases, at the next start, Held deliveries if a stop came between the resume of their webhook and its sweep", async () => {
	await using receiver = await startReceiver();
	await using first = await openTestEngine();
	const { id } = await first.createWebhook(receiver.url);
	await first.engine.webhooks.pause(first.change, id);
	const eventId = await first.send();
	await first.delivery(eventId, { status: "Held" });
	await first.engine.stop();
	const [record] = await allWebhooks(first.store);
	await setWebhook(first.store, record!.id, { status: "Enabled" });
	await using second = await openTestEngine({ store: first.store });
	await second.delivery(eventId, { status: "Succeeded" });
	expect(receiver.requests).toHaveLength(1);
});

it("sweeps, at a start, only webhooks with deliveries that contradict them", async () => {
	const { store, swept } = await openSweptStore();
	const first = await openTestEngine({ store });
	const webhooks: Webhook[] = [];
	for (let n = 0; n < 4; n++)
		webhooks.push(await first.createWebhook("http://127.0.0.1:9/", { eventTypes: [`t${n}`] }));
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
	const many = await test.createWebhook("http://127.0.0.1:9/", { eventTypes: ["many"] });
	const few = await test.createWebhook("http://127.0.0.1:9/", { eventTypes: ["few"] });
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
		const { id } = await test.createWebhook("http://127.0.0.1:9/", { customerId: "acme" });
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

	it("waits for one step of another project, however many of its webhooks wait", async () => {
		expect(await turnsBeside(() => ({ projectId: "other", customerId: null }))).toEqual([2, 4, 6]);
	});

	it("waits for one step of a project with many customers", async () => {
		expect(await turnsBeside((n) => ({ projectId: "other", customerId: `customer ${n}` }))).toEqual([2, 4, 6]);
	});

	it("waits for one step of another customer of its project", async () => {
		expect(await turnsBeside((_, own) => ({ ...own, customerId: "globex" }))).toEqual([2, 4, 6]);
	});

	it("waits for one step of the webhooks that this process does not know", async () => {
		expect(await turnsBeside(() => undefined)).toEqual([2, 4, 6]);
	});

	it("waits for the other webhooks of its customer", async () => {
		expect(await turnsBeside((_, own) => own)).toEqual([60, 61, 62]);
	});
});

describe("a failing sweep", () => {
	/** A sweeper of webhooks without deliveries, and which of them are swept. Steps of those that fail are noted, too. */
	async function openFailing() {
		const { store, swept } = await openSweptStore();
		const test = await openTestEngine({ store });
		const fails = new Set<string>();
		const sweepWebhook: Store["sweepWebhook"] = async (webhookId, ...rest) => {
			if (!fails.has(webhookId)) return store.sweepWebhook(webhookId, ...rest);
			swept.push(webhookId);
			throw new StoreError("store_unavailable", "a lock was not given");
		};
		const { clock, observer } = test;
		const webhooks = Array.from({ length: 50 }, () => createIdMaker(systemChance).make("webhook", clock.now()));
		const directory = { webhook: () => undefined, forgetWebhook() {} };
		const sweeper = new Sweeper(
			{ store: { ...store, sweepWebhook }, clock, observer },
			{ directory, live: { deliveriesUpdated() {} }, line: { due() {} } },
		);
		const close = async () => {
			await sweeper.stop();
			await test[Symbol.asyncDispose]();
			await store.close();
		};
		return { sweeper, swept, fails, webhooks, clock, observer, [Symbol.asyncDispose]: close };
	}

	it("is repeated after a second, for which no other one waits", async () => {
		await using test = await openFailing();
		const { sweeper, swept, fails, clock } = test;
		const [one = "", two = "", three = ""] = test.webhooks;
		fails.add(one);
		sweeper.sweep(one);
		await eventually("it has failed", () => test.observer.problems.length === 1);
		// The clock does not move.
		for (const webhookId of [two, three]) sweeper.sweep(webhookId);
		await eventually("the others are swept", () => swept.length === 3);
		clock.advance(999);
		await Promise.resolve();
		expect(swept).toEqual([one, two, three]);
		clock.advance(1);
		await eventually("it is swept again", () => swept.length === 4);
		fails.clear();
		clock.advance(1_000);
		await eventually("it is swept for the last time", () => swept.length === 5);
		clock.advance(10_000);
		expect(swept).toEqual([one, two, three, one, one]);
	});

	it("of the same webhook, however often, makes no other one wait", async () => {
		await using test = await openFailing();
		const { sweeper, swept, fails, clock } = test;
		const [one = "", ...others] = test.webhooks;
		fails.add(one);
		sweeper.sweep(one);
		for (let second = 1; second <= 10; second++) {
			await eventually("it has failed", () => test.observer.problems.length === second);
			if (second < 10) clock.advance(1_000);
		}
		swept.length = 0;
		// The clock does not move.
		for (const webhookId of others.slice(0, 3)) sweeper.sweep(webhookId);
		await eventually("the others are swept", () => swept.length === 3);
	});

	it("of many webhooks makes all wait, so that a store that fails is asked once a second", async () => {
		await using test = await openFailing();
		const { sweeper, swept, fails, webhooks, clock, observer } = test;
		for (const webhookId of webhooks) fails.add(webhookId);
		for (const webhookId of webhooks) sweeper.sweep(webhookId);
		for (let second = 0; second < 5; second++) {
			await eventually("the store is asked", () => swept.length === 8 + second);
			for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
			expect(swept).toHaveLength(8 + second);
			expect(observer.problems).toHaveLength(8 + second);
			clock.advance(1_000);
		}
		fails.clear();
		swept.length = 0;
		await eventually("all are swept", () => {
			clock.advance(100);
			return new Set(swept).size === webhooks.length;
		});
	});
});

it("has the deliveries of every step of a resume attempted at once", async () => {
	await using receiver = await startReceiver();
	await using test = await openTestEngine();
	const { id } = await test.createWebhook(receiver.url);
	await test.engine.webhooks.pause(test.change, id);
	const sent = await Promise.all(Array.from({ length: 600 }, () => test.send()));
	await test.engine.webhooks.resume(test.change, id);
	// The clock does not move, so that no poll helps.
	await eventually("all are delivered", () => receiver.requests.length === sent.length);
});

it("forgets a deleted webhook when it is swept, but not before memory knows of the deletion", async () => {
	await using test = await openTestEngine();
	const { id } = await test.createWebhook("http://127.0.0.1:9/");
	await test.engine.webhooks.pause(test.change, id);
	await test.delivery(await test.send(), { status: "Held" });
	const [found] = await allWebhooks(test.store);
	const record = summaryOf(found!);
	const table = new WebhookTable();
	table.put(record);
	const directory = { webhook: (id: string) => table.find(id), forgetWebhook: (id: string) => table.forget(id) };
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
