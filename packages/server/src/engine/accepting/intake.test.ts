// Sends that are accepted or refused: room, idempotency keys, and a store that can't write.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import type { EventInput } from "../../core/event.ts";
import type { CommitBatch } from "../../ports/store/accept.ts";
import { StoreError, StoreInDoubtError } from "../../ports/store/errors.ts";
import { eventInput, eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const OVERLOADED = { code: "overloaded" };
/** Data of about this many bytes. */
const dataOf = (bytes: number) => JSON.stringify("x".repeat(bytes));

function sendBatch(test: TestEngine, inputs: readonly Partial<EventInput>[]) {
	return test.engine.intake.sendBatch(test.scope, inputs.map(eventInput));
}

describe("room for sends that wait", () => {
	it("is needed for a whole batch, unless nothing waits: otherwise a batch above the limit could never be sent", async () => {
		await using test = await openTestEngine({ limits: { maxWaitingSends: 10 } });
		const batch = Array.from({ length: 20 }, () => ({}));
		const waiting = test.send();
		await expect(sendBatch(test, batch.slice(0, 7))).rejects.toMatchObject(OVERLOADED);
		expect(await sendBatch(test, batch.slice(0, 6))).toHaveLength(6);
		await waiting;
		expect(await sendBatch(test, batch)).toHaveLength(20);
	});

	it("is bounded in bytes, and is free again after the commit", async () => {
		await using test = await openTestEngine({ limits: { maxWaitingBytes: 10_000 } });
		for (let round = 0; round < 3; round++) {
			const waiting = test.send({ dataJson: dataOf(6_000) });
			await expect(test.send({ dataJson: dataOf(6_000) })).rejects.toMatchObject(OVERLOADED);
			await expect(sendBatch(test, [{ dataJson: dataOf(6_000) }])).rejects.toMatchObject(OVERLOADED);
			await Promise.all([waiting, test.send({ dataJson: dataOf(100) })]);
		}
	});

	it("is divided by project: one that floods has three quarters of what the others leave, and they have the rest", async () => {
		await using test = await openTestEngine({ limits: { maxWaitingSends: 100 } });
		const other = test.in((await test.engine.projects.create("other", null)).id);
		const third = test.in((await test.engine.projects.create("third", null)).id);
		const sendAll = (from: TestEngine, count: number) =>
			Promise.allSettled(Array.from({ length: count }, () => from.send()));
		const accepted = (results: readonly PromiseSettledResult<string>[]) =>
			results.filter(({ status }) => status === "fulfilled").length;
		const results = await Promise.all([sendAll(test, 200), sendAll(other, 200), sendAll(third, 1)]);
		// 75 of 100, then 75 % of the 25 that are left.
		expect(results.map(accepted)).toEqual([75, 18, 1]);
		expect(results[0].find(({ status }) => status === "rejected")).toMatchObject({ reason: OVERLOADED });
	});

	it("is divided in bytes, too", async () => {
		await using test = await openTestEngine({ limits: { maxWaitingBytes: 40_000 } });
		const other = test.in((await test.engine.projects.create("other", null)).id);
		const large = () => test.send({ dataJson: dataOf(9_000) });
		const waiting = [large(), large(), large()];
		await expect(large()).rejects.toMatchObject(OVERLOADED);
		await Promise.all([...waiting, other.send({ dataJson: dataOf(9_000) })]);
	});

	it("includes the memory that an event takes besides its body", async () => {
		await using test = await openTestEngine({ limits: { maxWaitingBytes: 5_000 } });
		const results = await Promise.allSettled(Array.from({ length: 30 }, () => test.send()));
		expect(results.filter(({ status }) => status === "fulfilled").length).toBeLessThan(10);
	});

	it("is checked again after the check by event types, which many sends can wait for at once", async () => {
		await using test = await openTestEngine({ limits: { maxWaitingSends: 10 } });
		const settings = { description: null, schemaJson: null, exampleJson: null, archived: false };
		await test.engine.eventTypes.create(test.change, "test.event", settings);
		await test.engine.projects.update(test.change, { eventTypes: "catalogued" });
		const results = await Promise.allSettled(Array.from({ length: 30 }, () => test.send()));
		const refused = results.filter(({ status }) => status === "rejected");
		expect(refused).toHaveLength(23);
		expect(refused[0]).toMatchObject({ reason: OVERLOADED });
		const waiting = test.send();
		const batches = await Promise.allSettled([
			sendBatch(test, [{}, {}, {}, {}, {}, {}]),
			sendBatch(test, [{}, {}, {}, {}, {}, {}]),
		]);
		expect(batches.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
		await waiting;
	});
});

describe("a send that the store refuses", () => {
	it("takes no room in memory from the sends after it", async () => {
		let full = true;
		await using receiver = await startReceiver();
		await using test = await openTestEngine({
			limits: { maxReady: 8 },
			beforeCommit() {
				if (full) throw new StoreError("store_full", "no space");
			},
		});
		await test.createWebhook(receiver.url);
		for (let count = 0; count < 10; count++) {
			await expect(test.send()).rejects.toMatchObject({ code: "store_full" });
		}
		full = false;
		await test.delivery(await test.send(), { status: "Succeeded" });
	});

	it("does not say that a send was not accepted whose commit may have been made", async () => {
		await using test = await openTestEngine({
			beforeCommit() {
				throw new StoreInDoubtError("the answer was lost");
			},
		});
		await expect(test.send()).rejects.toMatchObject({ code: "outcome_unknown" });
		await expect(sendBatch(test, [{}, {}])).rejects.toMatchObject({ code: "outcome_unknown" });
		expect(test.observer.refusals).toContain("outcome_unknown");
	});

	it("says in doubt what to do, with an idempotency key and without, and says that nothing was stored by a look for a key", async () => {
		const store = await openSqliteStore({ path: ":memory:" });
		let isLost = false;
		const commit = (batch: CommitBatch) =>
			isLost ? Promise.reject(new StoreInDoubtError("the answer was lost")) : store.commit(batch);
		await using test = await openTestEngine({ store: { ...store, commit } });
		await test.engine.projects.update(test.change, { eventTypes: "catalogued" });
		const settings = { description: null, schemaJson: null, exampleJson: null, archived: false };
		await test.engine.eventTypes.put(test.change, "known", settings);
		isLost = true;
		const send = (type: string, idempotencyKey: string | null) => test.send({ type, idempotencyKey });
		await expect(send("known", "k")).rejects.toThrow(/Send it again with the same idempotencyKey/);
		await expect(send("known", null)).rejects.toThrow(/Look for it among the newest events/);
		// It is refused unless it is a repeat, which the store is asked for.
		await expect(send("unknown", "k")).rejects.toMatchObject({ code: "store_unavailable" });
		isLost = false;
		await expect(send("unknown", "k")).rejects.toMatchObject({ code: "invalid_request" });
		await store.close();
	});

	it.each([
		["first", ["store_full", null]],
		["last", [null, "store_full"]],
	] as const)(
		"does not say so of a batch either, if its %s event was surely not accepted",
		async (_which, failures) => {
			let commits = 0;
			await using test = await openTestEngine({
				beforeCommit() {
					// The events are then stored one by one.
					if (commits++ === 0) throw new StoreError("store_conflict", "one of them");
					const code = failures[commits - 2] ?? null;
					throw code === null ? new StoreInDoubtError("the answer was lost") : new StoreError(code, "no space");
				},
			});
			await expect(sendBatch(test, [{}, {}])).rejects.toMatchObject({ code: "outcome_unknown" });
			expect(commits).toBe(3);
		},
	);

	it("fails a whole batch if none of its events could be stored", async () => {
		await using test = await openTestEngine({
			beforeCommit() {
				throw new StoreError("store_full", "no space");
			},
		});
		const tooLarge = { dataJson: dataOf(300_000) };
		await expect(sendBatch(test, [{}, tooLarge, {}])).rejects.toMatchObject({ code: "store_full" });
		expect(await sendBatch(test, [tooLarge])).toMatchObject([{ code: "payload_too_large" }]);
	});
});

describe("an idempotency key", () => {
	it("makes one event and one delivery of many sends at once", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url);
		const ids = await Promise.all(Array.from({ length: 50 }, () => test.send({ idempotencyKey: "once" })));
		expect(new Set(ids).size).toBe(1);
		await test.delivery(ids[0]!, { status: "Succeeded" });
		await eventually("no delivery is in memory", () => {
			const { readyDeliveries, inFlightAttempts } = test.engine.gauges();
			return readyDeliveries + inFlightAttempts === 0;
		});
		expect(receiver.requests).toHaveLength(1);
	});

	it("is bound to the type, time, targets and data of its event", async () => {
		await using test = await openTestEngine();
		const { id } = await test.createWebhook("http://127.0.0.1:9/", { eventTypes: [] });
		const first = { type: "a.b", timestamp: 1_000, webhookIds: [id], dataJson: "1", idempotencyKey: "k" };
		await test.send(first);
		const others = [
			{ type: "a.c" },
			{ timestamp: 1_001 },
			{ timestamp: null },
			{ webhookIds: null },
			{ dataJson: "2" },
		];
		for (const other of others) {
			await expect(test.send({ ...first, ...other })).rejects.toMatchObject({ code: "idempotency_conflict" });
		}
		await test.send(first);
	});

	it("returns the event that was accepted, although its type or its webhook would be refused now", async () => {
		await using test = await openTestEngine();
		const { id } = await test.createWebhook("http://127.0.0.1:9/", { eventTypes: [] });
		const first = { type: "a.b", webhookIds: [id], dataJson: "1", idempotencyKey: "k" };
		const eventId = await test.send(first);
		const isRepeat = [{ event: { id: eventId }, duplicate: true }];
		const unlisted = { type: "a.c", dataJson: "1", idempotencyKey: "other" };

		await test.engine.webhooks.delete(test.change, id);
		expect(await sendBatch(test, [first])).toMatchObject(isRepeat);
		await expect(test.send({ ...first, idempotencyKey: "new" })).rejects.toMatchObject({ code: "unknown_webhook" });

		await test.engine.projects.update(test.change, { eventTypes: "catalogued" });
		expect(await test.send(first)).toBe(eventId);
		expect(await sendBatch(test, [unlisted, first])).toMatchObject([{ code: "invalid_request" }, ...isRepeat]);
		await expect(test.send(unlisted)).rejects.toMatchObject({ code: "invalid_request" });
		const everything = { types: null, after: null, before: null };
		const { rows } = await test.store.events(test.scope, everything, { limit: 10, cursor: null });
		expect(rows.map((event) => event.id)).toEqual([eventId]);
	});

	it("is a conflict for another event, whatever else that would be refused for", async () => {
		await using test = await openTestEngine();
		const CONFLICT = { code: "idempotency_conflict" };
		const { id } = await test.createWebhook("http://127.0.0.1:9/", { eventTypes: [] });
		const first = { type: "a.b", webhookIds: [id], dataJson: "1", idempotencyKey: "k" };
		await test.send(first);
		const other = { ...first, dataJson: "2" };

		await test.engine.webhooks.delete(test.change, id);
		await expect(test.send(other)).rejects.toMatchObject(CONFLICT);
		await test.engine.projects.update(test.change, { maxStoredBytes: 1 });
		await expect(test.send({ ...other, webhookIds: null })).rejects.toMatchObject(CONFLICT);
		expect(await sendBatch(test, [first, other])).toMatchObject([{ duplicate: true }, CONFLICT]);
		await test.engine.projects.update(test.change, { eventTypes: "catalogued" });
		await expect(test.send(other)).rejects.toMatchObject(CONFLICT);
		await test.engine.projects.update(test.change, { maxStoredBytes: 0 });
		await expect(test.send(other)).rejects.toMatchObject(CONFLICT);
		expect(await sendBatch(test, [first, other])).toMatchObject([{ duplicate: true }, CONFLICT]);
		expect(new Set(test.observer.refusals)).toEqual(new Set([CONFLICT.code]));
	});

	it("is looked up again if the event is refused since its project has changed while it waited for its commit", async () => {
		await using test = await openTestEngine();
		const { id } = await test.createWebhook("http://127.0.0.1:9/", { eventTypes: [] });
		const commit = test.engineStore.commit.bind(test.engineStore);
		let accepted: string | undefined;
		test.engineStore.commit = async (batch) => {
			const committed = await commit(batch);
			const [first] = batch.events;
			if (first === undefined || accepted !== undefined) return committed;
			// As if another process had accepted it before this one, and the webhook had been deleted then.
			accepted = first.event.id;
			await test.engine.webhooks.delete(test.change, id);
			return { ...committed, events: [{ kind: "stale" }] };
		};
		expect(await test.send({ webhookIds: [id], idempotencyKey: "k" })).toBe(accepted);
	});
});

it("stores new deliveries of a paused webhook as Held", async () => {
	await using test = await openTestEngine();
	const { id } = await test.createWebhook("http://127.0.0.1:9/");
	await test.engine.webhooks.pause(test.change, id);
	const eventId = await test.send();
	expect(await test.deliveries({ eventId })).toMatchObject([{ status: "Held", reason: "the webhook is paused" }]);
});
