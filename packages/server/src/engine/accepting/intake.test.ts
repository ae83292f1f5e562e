// Sends that are accepted or refused: room, idempotency keys, and a store that can't write.
import { describe, expect, it } from "vitest";

import { FanfareError } from "../../core/errors.ts";
import type { EventInput } from "../../core/event.ts";
import { StoreError, StoreInDoubtError } from "../../ports/store/errors.ts";
import { NOBODY, openDelivering } from "../test/delivering.ts";
import { eventInput, eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const SETTINGS = { description: null, schemaJson: null, exampleJson: null, archived: false };
const OVERLOADED = { code: "overloaded" };
/** Data of about this many bytes. */
const dataOf = (bytes: number) => JSON.stringify("x".repeat(bytes));

function sendBatch(test: TestEngine, inputs: readonly Partial<EventInput>[]) {
	return test.engine.intake.sendBatch(test.scope, inputs.map(eventInput));
}

/** Sends many events at once. Returns how many were accepted, and why the others were refused. */
async function sendAll(test: TestEngine, count: number, input: Partial<EventInput> = {}) {
	const results = await Promise.allSettled(Array.from({ length: count }, () => test.send(input)));
	const refused = results.filter((result) => result.status === "rejected");
	return { accepted: count - refused.length, refusal: refused[0]?.reason as unknown };
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
		const results = await Promise.all([sendAll(test, 200), sendAll(other, 200), sendAll(third, 1)]);
		// 75 of 100, then 75 % of the 25 that are left.
		expect(results.map(({ accepted }) => accepted)).toEqual([75, 18, 1]);
		expect(results[0].refusal).toMatchObject(OVERLOADED);
	});

	it("is divided in bytes, too, which include the memory that an event takes besides its body", async () => {
		await using test = await openTestEngine({ limits: { maxWaitingBytes: 40_000 } });
		const other = test.in((await test.engine.projects.create("other", null)).id);
		const large = { dataJson: dataOf(9_000) };
		const results = await Promise.all([sendAll(test, 4, large), sendAll(other, 1, large)]);
		expect(results.map(({ accepted }) => accepted)).toEqual([3, 1]);
		expect(results[0].refusal).toMatchObject(OVERLOADED);
		expect((await sendAll(test, 300)).accepted).toBeLessThan(100);
	});

	it("is checked again after the check by event types, which many sends can wait for at once", async () => {
		await using test = await openTestEngine({ limits: { maxWaitingSends: 10 } });
		await test.engine.eventTypes.create(test.change, "test.event", SETTINGS);
		await test.engine.projects.update(test.change, { eventTypes: "catalogued" });
		expect(await sendAll(test, 30)).toMatchObject({ accepted: 7, refusal: OVERLOADED });
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
	it("takes no room in memory from the sends after it, and fails a batch of which nothing could be stored as a whole", async () => {
		let full = true;
		const { test } = await openDelivering(null, {
			limits: { maxReady: 8 },
			beforeCommit() {
				if (full) throw new StoreError("store_full", "no space");
			},
		});
		const tooLarge = { dataJson: dataOf(300_000) };
		for (let count = 0; count < 10; count++) {
			await expect(test.send()).rejects.toMatchObject({ code: "store_full" });
			await expect(sendBatch(test, [{}, tooLarge, {}])).rejects.toMatchObject({ code: "store_full" });
		}
		expect(await sendBatch(test, [tooLarge])).toMatchObject([{ code: "payload_too_large" }]);
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
		let isLost = false;
		await using test = await openTestEngine({
			beforeCommit() {
				if (isLost) throw new StoreInDoubtError("the answer was lost");
			},
		});
		await test.engine.projects.update(test.change, { eventTypes: "catalogued" });
		await test.engine.eventTypes.put(test.change, "known", SETTINGS);
		isLost = true;
		const send = (type: string, idempotencyKey: string | null) => test.send({ type, idempotencyKey });
		await expect(send("known", "k")).rejects.toThrow(/Send it again with the same idempotencyKey/);
		await expect(send("known", null)).rejects.toThrow(/Look for it among the newest events/);
		// It is refused unless it is a repeat, which the store is asked for.
		await expect(send("unknown", "k")).rejects.toMatchObject({ code: "store_unavailable" });
		isLost = false;
		await expect(send("unknown", "k")).rejects.toMatchObject({ code: "invalid_request" });
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
});

describe("an idempotency key", () => {
	it("makes one event and one delivery of many sends at once", async () => {
		const { test, receiver } = await openDelivering();
		const ids = await Promise.all(Array.from({ length: 50 }, () => test.send({ idempotencyKey: "once" })));
		expect(new Set(ids).size).toBe(1);
		await test.delivery(ids[0]!, { status: "Succeeded" });
		await eventually("no delivery is in memory", () => {
			const { readyDeliveries, inFlightAttempts } = test.engine.gauges();
			return readyDeliveries + inFlightAttempts === 0;
		});
		expect(receiver.requests).toHaveLength(1);
	});

	it("lets each event of a batch succeed or fail by itself, and is another one in another project", async () => {
		await using test = await openTestEngine();
		await test.send({ idempotencyKey: "taken", dataJson: "1" });
		const taken = { idempotencyKey: "taken", dataJson: "2" };
		const results = await sendBatch(test, [
			{ dataJson: "1" },
			taken,
			{ idempotencyKey: "same" },
			{ idempotencyKey: "same" },
			{ dataJson: dataOf(300_000) },
		]);
		expect(results.map((result) => (result instanceof FanfareError ? result.code : result.duplicate))).toEqual([
			false,
			"idempotency_conflict",
			false,
			true,
			"payload_too_large",
		]);
		await expect(test.send({ webhookIds: ["webhook_x"] })).rejects.toThrow("No such webhook");
		expect(test.observer.refusals).toEqual(["payload_too_large", "idempotency_conflict", "unknown_webhook"]);
		const other = test.in((await test.engine.projects.create("other", null)).id);
		expect(await sendBatch(other, [taken])).toMatchObject([{ duplicate: false }]);
	});

	it("is bound to the type, time, targets and data of its event", async () => {
		await using test = await openTestEngine();
		const { id } = await test.createWebhook(NOBODY, { eventTypes: [] });
		const first = { type: "a.b", timestamp: 1_000, webhookIds: [id], dataJson: "1", idempotencyKey: "k" };
		await test.send(first);
		for (const other of [
			{ type: "a.c" },
			{ timestamp: 1_001 },
			{ timestamp: null },
			{ webhookIds: null },
			{ dataJson: "2" },
		]) {
			await expect(test.send({ ...first, ...other })).rejects.toMatchObject({ code: "idempotency_conflict" });
		}
		await test.send(first);
	});

	it("returns the event that was accepted, and is a conflict for another one, whatever else these would be refused for now", async () => {
		await using test = await openTestEngine();
		const { webhooks, projects } = test.engine;
		const { id } = await test.createWebhook(NOBODY, { eventTypes: [] });
		const first = { type: "a.b", webhookIds: [id], dataJson: "1", idempotencyKey: "k" };
		const eventId = await test.send(first);
		const other = { ...first, dataJson: "2" };
		const CONFLICT = { code: "idempotency_conflict" };
		for (const [refuse, fresh, code] of [
			[() => webhooks.delete(test.change, id), first, "unknown_webhook"],
			[
				() => projects.update(test.change, { maxStoredBytes: 1 }),
				{ ...first, webhookIds: null },
				"stored_bytes_exceeded",
			],
			[
				() => projects.update(test.change, { eventTypes: "catalogued", maxStoredBytes: 0 }),
				{ dataJson: "1" },
				"invalid_request",
			],
		] as const) {
			await refuse();
			expect(await test.send(first)).toBe(eventId);
			await expect(test.send(other)).rejects.toMatchObject(CONFLICT);
			const isRepeat = { event: { id: eventId }, duplicate: true };
			expect(await sendBatch(test, [first, other])).toMatchObject([isRepeat, CONFLICT]);
			await expect(test.send({ ...fresh, idempotencyKey: "new" })).rejects.toMatchObject({ code });
		}
		const unlisted = { type: "a.c", dataJson: "1", idempotencyKey: "other" };
		expect(await sendBatch(test, [unlisted, first])).toMatchObject([{ code: "invalid_request" }, { duplicate: true }]);
		const everything = { types: null, after: null, before: null };
		const { rows } = await test.store.events(test.scope, everything, { limit: 10, cursor: null });
		expect(rows.map((event) => event.id)).toEqual([eventId]);
	});

	it("is looked up again if the event is refused since its project has changed while it waited for its commit", async () => {
		await using test = await openTestEngine();
		const { id } = await test.createWebhook(NOBODY, { eventTypes: [] });
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
