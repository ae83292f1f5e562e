// Quotas of projects: what is refused and when, what is exempt, and what is given back.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it, vi } from "vitest";

import { createAloneTenure } from "../../../adapters/alone/alone-tenure.ts";
import type { EventInput } from "../../../core/event.ts";
import { storedEventBytes } from "../../../core/policies/quota.ts";
import { StoreError, StoreInDoubtError } from "../../../ports/store/errors.ts";
import type { Volume } from "../../../ports/store/usage.ts";
import type { EventTypeCalls } from "../../managing/event-type-calls.ts";
import { eventInput, eventually, openTestEngine, type TestEngine } from "../../test/test-engine.ts";
import type { Intake } from "../intake.ts";

const DAY_MS = 86_400_000;
const RATE = { code: "event_rate_exceeded" };
const BYTES = { code: "stored_bytes_exceeded" };
const dataOf = (bytes: number) => JSON.stringify("x".repeat(bytes));

function sendBatch(test: TestEngine, inputs: readonly Partial<EventInput>[]) {
	return test.engine.intake.sendBatch(test.scope, inputs.map(eventInput));
}

function many(count: number, input: Partial<EventInput> = {}): Partial<EventInput>[] {
	return Array.from({ length: count }, () => input);
}

/** The results of a batch as one text for each event: the id, or the code of the refusal. */
async function resultsOf(sending: ReturnType<typeof sendBatch>): Promise<string[]> {
	return (await sending).map((result) => (result instanceof Error ? result.code : result.event.id));
}

/** How many of `count` sends at once are accepted. */
async function acceptedOf(count: number, send: (n: number) => Promise<string>): Promise<number> {
	const results = await Promise.allSettled(Array.from({ length: count }, (_, n) => send(n)));
	return results.filter(({ status }) => status === "fulfilled").length;
}

async function usageOf(test: TestEngine): Promise<number> {
	return (await test.engine.projects.usage(test.scope)).storedBytes;
}

/** Lets the engine read again what is stored, as it does every few seconds. */
async function lookAgain(test: TestEngine): Promise<void> {
	const usage = vi.spyOn(test.engineStore, "usage");
	await eventually("the usage was read", () => {
		test.clock.advance(1_000);
		return usage.mock.settledResults.some(({ type }) => type === "fulfilled");
	});
	usage.mockRestore();
}

describe("a quota of events per second", () => {
	it("lets five seconds' worth through at once, then the rate, and says when to send again", async () => {
		await using test = await openTestEngine({ quotas: { maxEventsPerSecond: 2, maxStoredBytes: 0 } });
		for (let sent = 0; sent < 10; sent++) await test.send();
		await expect(test.send()).rejects.toMatchObject({ ...RATE, retryAfterMs: 500 });
		expect(test.observer.refusals).toEqual(["event_rate_exceeded"]);
		test.clock.advance(250);
		await expect(test.send()).rejects.toMatchObject({ ...RATE, retryAfterMs: 250 });
		test.clock.advance(250);
		await test.send();
		test.clock.advance(60_000);
		for (let sent = 0; sent < 10; sent++) await test.send();
		await expect(test.send()).rejects.toMatchObject(RATE);
	});

	it("names the quota, and is one for each project", async () => {
		await using test = await openTestEngine({ quotas: { maxEventsPerSecond: 1, maxStoredBytes: 0 } });
		const other = test.in((await test.engine.projects.create("other", null)).id);
		const free = test.in((await test.engine.projects.create("free", null)).id);
		await test.engine.projects.update(other.change, { maxEventsPerSecond: 3 });
		await test.engine.projects.update(free.change, { maxEventsPerSecond: 0 });
		for (let sent = 0; sent < 5; sent++) await test.send();
		await expect(test.send()).rejects.toThrow(/quota of 1 event per second \(maxEventsPerSecond\)/);
		for (let sent = 0; sent < 15; sent++) await other.send();
		await expect(other.send()).rejects.toThrow(/quota of 3 events per second/);
		for (let sent = 0; sent < 50; sent++) await free.send();
		// Counts for the next send. A bucket that is empty stays empty.
		await test.engine.projects.update(test.change, { maxEventsPerSecond: 100 });
		await expect(test.send()).rejects.toMatchObject({ ...RATE, retryAfterMs: 10 });
		await test.engine.projects.update(test.change, { maxEventsPerSecond: 0 });
		await test.send();
	});

	it("is divided by the live members", async () => {
		const alone = createAloneTenure();
		const tenure = Object.assign(Object.create(alone) as typeof alone, { liveMembers: () => 4 });
		for (const name of ["attach", "duty", "start", "leave"] as const)
			Object.assign(tenure, { [name]: alone[name].bind(alone) });
		await using test = await openTestEngine({ tenure, quotas: { maxEventsPerSecond: 4, maxStoredBytes: 0 } });
		for (let sent = 0; sent < 5; sent++) await test.send();
		await expect(test.send()).rejects.toMatchObject({ ...RATE, retryAfterMs: 1_000 });
	});

	it("refuses a batch as a whole, and lets one that is larger than the burst through when the bucket is full", async () => {
		await using test = await openTestEngine({ quotas: { maxEventsPerSecond: 2, maxStoredBytes: 0 } });
		await sendBatch(test, many(4));
		await expect(sendBatch(test, many(7))).rejects.toMatchObject({ ...RATE, retryAfterMs: 500 });
		await sendBatch(test, many(6));
		test.clock.advance(5_000);
		expect(await sendBatch(test, many(30))).toHaveLength(30);
		// The debt of 20 is paid first.
		await expect(test.send()).rejects.toMatchObject({ ...RATE, retryAfterMs: 10_500 });
		expect(test.observer.refusals).toHaveLength(2);
	});

	it("exempts repeats of accepted sends, alone and in a batch, and own events", async () => {
		await using test = await openTestEngine({ quotas: { maxEventsPerSecond: 1, maxStoredBytes: 0 } });
		const ids = await resultsOf(
			sendBatch(
				test,
				["a", "b", "c"].map((idempotencyKey) => ({ idempotencyKey })),
			),
		);
		await sendBatch(test, many(2));
		await expect(test.send()).rejects.toMatchObject(RATE);
		expect(await test.send({ idempotencyKey: "a" })).toBe(ids[0]);
		await expect(test.send({ idempotencyKey: "d" })).rejects.toMatchObject(RATE);
		const repeats = ["c", "a"].map((idempotencyKey) => ({ idempotencyKey }));
		expect(await resultsOf(sendBatch(test, repeats))).toEqual([ids[2], ids[0]]);
		const withOther = [...repeats, { idempotencyKey: "b", dataJson: "1" }];
		expect(await resultsOf(sendBatch(test, withOther))).toEqual([ids[2], ids[0], "idempotency_conflict"]);
		await expect(sendBatch(test, [...repeats, {}])).rejects.toMatchObject(RATE);
		test.clock.advance(1_000);
		expect(await resultsOf(sendBatch(test, [...repeats, {}]))).toEqual([ids[2], ids[0], expect.any(String)]);
		const before = (await test.engine.stats.read(test.scope, null, { width: "hour", from: null, to: null })).totals;
		const intake = test.engine.intake as unknown as { sendOwn: (...p: (string | null)[]) => Promise<void> };
		await intake.sendOwn(test.projectId, "fanfare.replay.finished", "{}", null);
		const after = (await test.engine.stats.read(test.scope, null, { width: "hour", from: null, to: null })).totals;
		expect(after.accepted - before.accepted).toBe(1);
	});

	it("gives back what was not used: by repeats, refused sends and sends that the store can't write", async () => {
		let isFailing = false;
		await using test = await openTestEngine({
			quotas: { maxEventsPerSecond: 1, maxStoredBytes: 1_000_000 },
			beforeCommit: () => {
				if (isFailing) throw new StoreError("store_full", "full");
			},
		});
		await test.send({ idempotencyKey: "a" });
		for (let round = 0; round < 20; round++) {
			await test.send({ idempotencyKey: "a" });
			await expect(test.send({ idempotencyKey: "a", dataJson: "1" })).rejects.toThrow("idempotencyKey");
			await expect(test.send({ webhookIds: ["webhook_x"] })).rejects.toThrow("No such webhook");
			await expect(test.send({ dataJson: dataOf(300_000) })).rejects.toThrow("limit is");
			isFailing = true;
			await expect(test.send()).rejects.toMatchObject({ code: "store_full" });
			isFailing = false;
		}
		for (let sent = 0; sent < 4; sent++) await test.send();
		await expect(test.send()).rejects.toMatchObject(RATE);
	});
});

describe("a quota of events per second of a project whose events are checked", () => {
	const schemaJson = '{"type":"object"}';
	const settings = { description: null, schemaJson, exampleJson: null, archived: false };
	const wrong = { type: "checked", dataJson: "1" };
	const right = { type: "checked", dataJson: "{}" };

	async function openChecked(): Promise<TestEngine> {
		const test = await openTestEngine({ quotas: { maxEventsPerSecond: 1, maxStoredBytes: 0 } });
		await test.engine.eventTypes.create(test.change, "checked", settings);
		await test.engine.projects.update(test.change, { eventTypes: "catalogued" });
		return test;
	}

	/** Calls `before` before each check by event types, until `end` is called. */
	function beforeChecks({ engine }: TestEngine, before: () => void | Promise<void>): () => void {
		const { eventTypes } = engine as unknown as { eventTypes: Pick<EventTypeCalls, "check"> };
		const check = eventTypes.check.bind(eventTypes);
		eventTypes.check = async (...parameters) => {
			await before();
			return check(...parameters);
		};
		return () => (eventTypes.check = check);
	}

	/** Holds the next check by event types until it is told to go on, and tells when it has begun. */
	function holdCheck(test: TestEngine) {
		const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
		const end = beforeChecks(test, async () => {
			end();
			begun.resolve();
			await goOn.promise;
		});
		return { begun: begun.promise, goOn: goOn.resolve };
	}

	/** Counts the checks by event types from now on. */
	function countChecks(test: TestEngine): { count: number } {
		const checks = { count: 0 };
		beforeChecks(test, () => void checks.count++);
		return checks;
	}

	it("refuses before the check, which takes longer than the refusal", async () => {
		await using test = await openChecked();
		await expect(test.send(wrong)).rejects.toMatchObject({ code: "invalid_request" });
		await sendBatch(test, many(5, right));
		await expect(test.send(wrong)).rejects.toMatchObject({ ...RATE, retryAfterMs: 1_000 });
		await expect(sendBatch(test, many(3, wrong))).rejects.toMatchObject({ ...RATE, retryAfterMs: 3_000 });
		test.clock.advance(1_000);
		await expect(test.send(wrong)).rejects.toMatchObject({ code: "invalid_request" });
		// A batch for which there is room for one event.
		await expect(sendBatch(test, many(3, wrong))).rejects.toMatchObject({ ...RATE, retryAfterMs: 2_000 });
		expect(await resultsOf(sendBatch(test, [wrong]))).toEqual(["invalid_request"]);
		// None of them has used anything up.
		await test.send(right);
		await expect(test.send(right)).rejects.toMatchObject(RATE);
	});

	it("exempts repeats, which it looks for before the check, and refuses a batch that has another event", async () => {
		await using test = await openChecked();
		const known = { ...right, idempotencyKey: "a" };
		const [id] = await resultsOf(sendBatch(test, [known, ...many(4, right)]));
		expect(await test.send(known)).toBe(id);
		expect(await resultsOf(sendBatch(test, [known, known]))).toEqual([id, id]);
		const fresh = { ...wrong, idempotencyKey: "b" };
		await expect(sendBatch(test, [fresh])).rejects.toMatchObject({ ...RATE, retryAfterMs: 1_000 });
		await expect(sendBatch(test, [known, fresh])).rejects.toMatchObject({ ...RATE, retryAfterMs: 1_000 });
		await expect(sendBatch(test, [known, wrong])).rejects.toMatchObject(RATE);
		await expect(test.send(fresh)).rejects.toMatchObject(RATE);
		expect(test.observer.refusals).toEqual(many(4).map(() => RATE.code));
		const other = { ...known, dataJson: '{"other":1}' };
		expect(await resultsOf(sendBatch(test, [known, other]))).toEqual([id, "idempotency_conflict"]);
		test.clock.advance(1_000);
		expect(await resultsOf(sendBatch(test, [known, { ...right, idempotencyKey: "c" }]))).toEqual([
			id,
			expect.any(String),
		]);
		await expect(test.send(right)).rejects.toMatchObject(RATE);
	});

	it("spends no check on repeats, alone or in a batch, nor on a batch that it refuses", async () => {
		await using test = await openChecked();
		const checks = countChecks(test);
		const known = ["a", "b", "c"].map((idempotencyKey) => ({ ...right, idempotencyKey }));
		const ids = await resultsOf(sendBatch(test, known));
		expect(await resultsOf(sendBatch(test, known))).toEqual(ids);
		// There is room for two more.
		await expect(sendBatch(test, many(3, wrong))).rejects.toMatchObject(RATE);
		await expect(sendBatch(test, [...known, ...many(3, right)])).rejects.toMatchObject(RATE);
		expect(checks.count).toBe(3);
		const mixed = [...known, wrong, { ...right, idempotencyKey: "d" }];
		expect(await resultsOf(sendBatch(test, mixed))).toEqual([...ids, "invalid_request", expect.any(String)]);
		expect(checks.count).toBe(5);
		const alone = { ...right, idempotencyKey: "alone" };
		const id = await test.send(alone);
		expect(checks.count).toBe(6);
		// Whatever has become of its schema.
		await test.engine.eventTypes.update(test.change, "checked", { schemaJson: '{"type":"string"}' });
		expect(await test.send(alone)).toBe(id);
		const conflict = test.send({ ...alone, dataJson: '{"other":1}' });
		await expect(conflict).rejects.toMatchObject({ code: "idempotency_conflict" });
		expect(checks.count).toBe(6);
		test.clock.advance(5_000);
		// What was refused is checked again, and so is what has a new key, or none.
		for (const idempotencyKey of ["e", "e", "f", null]) {
			await expect(test.send({ ...right, idempotencyKey })).rejects.toMatchObject({ code: "invalid_request" });
		}
		expect(checks.count).toBe(10);
	});

	it("asks the store no more about a send whose key is new, or whose type has no schema", async () => {
		await using test = await openChecked();
		await test.engine.eventTypes.create(test.change, "free", { ...settings, schemaJson: null });
		let built = 0;
		const commit = test.engineStore.commit.bind(test.engineStore);
		test.engineStore.commit = (batch) => ((built += batch.events.length), commit(batch));
		await test.send({ ...right, idempotencyKey: "a" });
		await test.send(right);
		const free = { type: "free", dataJson: "1", idempotencyKey: "b" };
		await test.send(free);
		await test.send(free);
		expect(built).toBe(4);
	});

	it("takes nothing for a batch while it is checked", async () => {
		await using test = await openChecked();
		const { begun, goOn } = holdCheck(test);
		const results = resultsOf(sendBatch(test, many(100, wrong)));
		await begun;
		await sendBatch(test, many(5, right));
		goOn();
		expect(new Set(await results)).toEqual(new Set(["invalid_request"]));
		await expect(test.send(right)).rejects.toMatchObject(RATE);
	});

	it("lets no more through because batches were checked for long", async () => {
		await using test = await openChecked();
		const batches: Promise<unknown[]>[] = [];
		const held: (() => void)[] = [];
		for (let second = 0; second < 4; second++) {
			const { begun, goOn } = holdCheck(test);
			batches.push(resultsOf(sendBatch(test, many(3, right))).catch(({ code }: { code: string }) => [code]));
			await begun;
			held.push(goOn);
			test.clock.advance(1_000);
		}
		for (const goOn of held) goOn();
		const results = await Promise.all(batches);
		expect(results.filter(([first]) => first !== RATE.code)).toHaveLength(1);
	});

	it("answers what has become a repeat while it was checked, whatever the check says, and though there is no room for it any more", async () => {
		await using test = await openChecked();
		const batch = ["a", "b", "c"].map((idempotencyKey) => ({ ...right, idempotencyKey }));
		const { begun, goOn } = holdCheck(test);
		const slow = resultsOf(sendBatch(test, batch));
		await begun;
		const ids = await resultsOf(sendBatch(test, batch));
		await test.engine.eventTypes.update(test.change, "checked", { schemaJson: '{"type":"string"}' });
		goOn();
		expect(await slow).toEqual(ids);
		await test.engine.eventTypes.update(test.change, "checked", { schemaJson });
		await sendBatch(test, many(2, right));
		await expect(test.send(right)).rejects.toMatchObject(RATE);
	});

	it("counts neither repeats nor events of reserved types of a batch for which there is no room", async () => {
		await using test = await openChecked();
		const known = { ...right, idempotencyKey: "a" };
		const reserved = { type: "fanfare.webhook.failing", dataJson: "{}" };
		const [id] = await resultsOf(sendBatch(test, [known, ...many(4, right)]));
		expect(await resultsOf(sendBatch(test, [known, reserved]))).toEqual([id, "invalid_request"]);
		const soon = { ...RATE, retryAfterMs: 1_000 };
		await expect(sendBatch(test, [known, known, reserved, right])).rejects.toMatchObject(soon);
		await expect(sendBatch(test, [known, { ...right, idempotencyKey: "b" }])).rejects.toMatchObject(soon);
		test.clock.advance(1_000);
		expect(await resultsOf(sendBatch(test, [known, reserved, right]))).toEqual([
			id,
			"invalid_request",
			expect.any(String),
		]);
	});

	it("answers repeats in a batch also if nothing else is accepted any more after the check", async () => {
		await using test = await openChecked();
		const known = { ...right, idempotencyKey: "a" };
		const id = await test.send(known);
		await sendBatch(test, many(3, right));
		const { intake } = test.engine as unknown as { intake: Pick<Intake, "close"> };
		beforeChecks(test, () => intake.close());
		expect(await resultsOf(sendBatch(test, [known, right]))).toEqual([id, "shutting_down"]);
		expect(test.observer.refusals).toEqual(["shutting_down"]);
	});

	it("refuses what has no room before the check, too, unless it is a repeat", async () => {
		await using test = await openChecked();
		const known = { ...right, idempotencyKey: "a" };
		const id = await test.send(known);
		await test.engine.projects.update(test.change, { maxEventsPerSecond: 0, maxStoredBytes: 1 });
		const fresh = { ...wrong, idempotencyKey: "b" };
		await expect(test.send(wrong)).rejects.toMatchObject(BYTES);
		await expect(sendBatch(test, [wrong])).rejects.toMatchObject(BYTES);
		await expect(sendBatch(test, [known, fresh])).rejects.toMatchObject(BYTES);
		expect(await test.send(known)).toBe(id);
		expect(await resultsOf(sendBatch(test, [known, known]))).toEqual([id, id]);
		await test.engine.projects.update(test.change, { maxStoredBytes: 1_000_000 });
		await expect(test.send(wrong)).rejects.toMatchObject({ code: "invalid_request" });
	});
});

describe("a quota of stored bytes", () => {
	it("counts a send of which it is not known whether it is stored", async () => {
		let isLost = true;
		await using test = await openTestEngine({
			quotas: { maxEventsPerSecond: 0, maxStoredBytes: 8_000 },
			beforeCommit: () => {
				if (isLost) throw new StoreInDoubtError("the answer was lost");
			},
		});
		const send = () => test.send({ dataJson: dataOf(3_000) });
		await expect(send()).rejects.toMatchObject({ code: "outcome_unknown" });
		isLost = false;
		await send();
		await expect(send()).rejects.toMatchObject({ code: "stored_bytes_exceeded" });
	});

	it("refuses what goes beyond it until retention has made room, with the time to its next pass", async () => {
		await using test = await openTestEngine({
			quotas: { maxEventsPerSecond: 0, maxStoredBytes: 10_000 },
			retention: { retentionDays: 1, payloadRetentionDays: null },
		});
		const send = () => test.send({ dataJson: dataOf(3_000) });
		await Promise.all([send(), send(), send()]);
		const refusal = await send().catch((error: unknown) => error as Error & { retryAfterMs: number });
		expect(refusal).toMatchObject({ ...BYTES, message: expect.stringMatching(/quota of 10000 \(maxStoredBytes\)/) });
		const { retryAfterMs } = refusal as { retryAfterMs: number };
		expect(retryAfterMs).toBe(5_000);
		// A batch is refused as a whole, also if one of its events had room.
		await expect(sendBatch(test, [{ dataJson: "1" }, { dataJson: dataOf(3_000) }])).rejects.toMatchObject(BYTES);
		test.clock.advance(DAY_MS + 1);
		await eventually("the events are purged", async () => {
			test.clock.advance(20_000);
			return (await usageOf(test)) === 0;
		});
		await send();
	});

	it("counts idempotency keys and customers, of tiny bodies too, before they are committed and afterwards", async () => {
		await using test = await openTestEngine({ quotas: { maxEventsPerSecond: 0, maxStoredBytes: 500_000 } });
		const customers = Array.from({ length: 100 }, (_, index) => `${index}`.padEnd(128, "."));
		const input = { dataJson: "1", customers };
		const accepted = await acceptedOf(40, (n) => test.send({ ...input, idempotencyKey: `${n}`.padEnd(256, "k") }));
		expect(accepted).toBeLessThan(14);
		expect(await usageOf(test)).toBeLessThanOrEqual(500_000);
		expect(await usageOf(test)).toBeGreaterThan(accepted * 3 * 100 * 128);
	});

	it("counts sends under way, so that many at once do not go beyond it", async () => {
		await using test = await openTestEngine({ quotas: { maxEventsPerSecond: 0, maxStoredBytes: 50_000 } });
		const accepted = await acceptedOf(100, () => test.send({ dataJson: dataOf(1_000) }));
		const stored = await usageOf(test);
		expect(stored).toBeLessThanOrEqual(50_000);
		expect(stored).toBeGreaterThan(48_000);
		expect(accepted).toBe(Math.round(stored / (storedEventBytes(1_002, 0) + 60)));
	});

	it("holds after a restart, for a project of its own, and while it is lowered or raised", async () => {
		await using first = await openTestEngine();
		for (let sent = 0; sent < 5; sent++) await first.send({ dataJson: dataOf(1_000) });
		const stored = await usageOf(first);
		expect(stored).toBeGreaterThan(5_000);
		await first.engine.projects.update(first.change, { maxStoredBytes: stored + 500 });
		await using test = await openTestEngine({ store: first.store });
		await expect(test.send({ dataJson: dataOf(1_000) })).rejects.toMatchObject(BYTES);
		await test.engine.projects.update(test.change, { maxStoredBytes: stored + 5_000 });
		await test.send({ dataJson: dataOf(1_000) });
		expect(await test.engine.projects.usage(test.scope)).toMatchObject({ maxStoredBytes: stored + 5_000 });
		await test.engine.projects.update(test.change, { maxStoredBytes: null });
		for (let sent = 0; sent < 10; sent++) await test.send({ dataJson: dataOf(1_000) });
		await first.stop();
	});

	it("exempts repeats, and takes erasing into account", async () => {
		await using test = await openTestEngine({ quotas: { maxEventsPerSecond: 0, maxStoredBytes: 5_000 } });
		const id = await test.send({ idempotencyKey: "a", dataJson: dataOf(4_000) });
		await expect(test.send({ dataJson: dataOf(1_000) })).rejects.toMatchObject(BYTES);
		expect(await test.send({ idempotencyKey: "a", dataJson: dataOf(4_000) })).toBe(id);
		await test.engine.events.erasePayload(test.change, id);
		await lookAgain(test);
		await test.send({ dataJson: dataOf(1_000) });
	});

	it("holds for a batch with a known key, also if what is stored is forgotten while the store looks for the key", async () => {
		await using test = await openTestEngine({ quotas: { maxEventsPerSecond: 0, maxStoredBytes: 10_000 } });
		const { engineStore, store, clock } = test;
		const big = { dataJson: dataOf(5_000) };
		const known = { idempotencyKey: "a", dataJson: dataOf(6_000) };
		await test.send(known);
		await expect(test.send(big)).rejects.toMatchObject(BYTES);
		const [begun, looked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
		engineStore.commit = async (batch) => {
			begun.resolve();
			await looked.promise;
			return store.commit(batch);
		};
		const sending = resultsOf(sendBatch(test, [known, big]));
		await begun.promise;
		const usage = vi.spyOn(engineStore, "usage");
		await eventually("it was forgotten", () => {
			clock.advance(5_000);
			return usage.mock.lastCall?.[0].length === 0;
		});
		looked.resolve();
		await expect(sending).rejects.toMatchObject(BYTES);
	});

	it("lets no send through while the store can't be read", async () => {
		await using test = await openTestEngine({ quotas: { maxEventsPerSecond: 0, maxStoredBytes: 5_000 } });
		test.engineStore.usage = () => Promise.reject(new StoreError("store_unavailable", "gone"));
		await expect(test.send()).rejects.toMatchObject({ code: "store_unavailable" });
		test.engineStore.usage = (ids) => test.store.usage(ids);
		await test.send();
	});
});

it("reads nothing more once the engine has stopped, also if a send was waiting for a read", async () => {
	await using test = await openTestEngine({ quotas: { maxEventsPerSecond: 0, maxStoredBytes: 1_000_000 } });
	const answer = Promise.withResolvers<void>();
	const usage = vi.spyOn(test.engineStore, "usage");
	usage.mockImplementation(async (ids) => {
		await answer.promise;
		return test.store.usage(ids);
	});
	const sending = test.send();
	await eventually("the stored bytes are read", () => usage.mock.calls.length === 1);
	await test.engine.stop();
	answer.resolve();
	await expect(sending).rejects.toMatchObject({ code: "shutting_down" });
	test.clock.advance(60_000);
	expect(usage).toHaveBeenCalledTimes(1);
});

describe("a replay of a project that has used up what it may store", () => {
	const EVERYTHING = { since: 0, until: null, outcomes: ["Missed"], eventTypes: null } as const;
	const WAITING = { status: "Running", waitingFor: "storedBytes" } as const;

	/** Sends some events, then makes a webhook and a replay of them to it, which waits until `raise` has made room. */
	async function waitsUntil(test: TestEngine, raise: () => Promise<unknown>): Promise<void> {
		await using receiver = await startReceiver();
		const { id } = await test.createWebhook(receiver.url);
		const other = test.in((await test.engine.projects.create("other", null)).id);
		await other.send();
		const webhook = await test.createWebhook(receiver.url, {}, other.projectId);
		const replay = await test.engine.replays.start(test.change, id, EVERYTHING);
		const ofOther = await test.engine.replays.start(other.change, webhook.id, EVERYTHING);
		const ended = (one: typeof replay, { scope }: typeof other) =>
			eventually("a replay has ended", async () => {
				test.clock.advance(100);
				const { status, deliveryCount } = await test.engine.replays.get(scope, one.id);
				return status !== "Running" && [status, deliveryCount];
			});
		expect(await ended(ofOther, other)).toEqual(["Finished", 1]);
		// It rests for a second at most.
		await lookAgain(test);
		const { replays } = test.engine;
		expect(await replays.get(test.scope, replay.id)).toMatchObject({ ...WAITING, scannedCount: 0 });
		await raise();
		expect(await ended(replay, test)).toEqual(["Finished", 5]);
	}

	it("waits until it may store more, and others do not", async () => {
		await using test = await openTestEngine();
		for (let sent = 0; sent < 5; sent++) await test.send();
		const maxStoredBytes = await usageOf(test);
		await test.engine.projects.update(test.change, { maxStoredBytes });
		await waitsUntil(test, () => test.engine.projects.update(test.change, { maxStoredBytes: maxStoredBytes + 10_000 }));
	});

	it("says what it waits for while it runs, whoever reads it, and nothing while that can't be read", async () => {
		await using test = await openTestEngine();
		await test.send();
		const { replays, projects, webhooks } = test.engine;
		const { id } = await test.createWebhook("https://example.com/");
		await webhooks.pause(test.change, id);
		await projects.update(test.change, { maxStoredBytes: 1 });
		const failing = new StoreError("store_unavailable", "the disk is gone");
		const usage = test.engineStore.usage.bind(test.engineStore);
		test.engineStore.usage = () => Promise.reject(failing);
		const [first] = await replays.startAll(test.change, [id], EVERYTHING);
		expect(first).toMatchObject({ status: "Running", waitingFor: null });
		test.engineStore.usage = usage;
		const [second] = await replays.startAll(test.change, [id], EVERYTHING);
		expect(second).toMatchObject(WAITING);
		const cancelled = await replays.cancel(test.change, second?.id ?? "");
		expect(cancelled).toMatchObject({ status: "Cancelled", waitingFor: null });
		const { rows } = await replays.list(test.scope, null, { limit: 10, cursor: null });
		expect(rows.map(({ waitingFor }) => waitingFor)).toEqual([null, "storedBytes"]);
		await projects.update(test.change, { maxStoredBytes: 1_000_000 });
		expect(await replays.get(test.scope, first?.id ?? "")).toMatchObject({ status: "Running", waitingFor: null });
	});

	it("waits on a volume that is nearly full, if its project holds most of the store", async () => {
		const volume = { sizeBytes: 100_000, freeBytes: 100 };
		await using test = await openTestEngine();
		test.engineStore.usage = async (ids) => ({ ...(await test.store.usage(ids)), volume });
		for (let sent = 0; sent < 5; sent++) await test.send();
		await lookAgain(test);
		await waitsUntil(test, async () => {
			volume.freeBytes = 50_000;
			await lookAgain(test);
		});
	});
});

describe("without a quota of bytes, on a volume that is nearly full", () => {
	/** An engine whose store says that its volume is like this. */
	async function openOn(volume: { current: Volume | null }): Promise<TestEngine> {
		const test = await openTestEngine();
		test.engineStore.usage = async (ids) => ({ ...(await test.store.usage(ids)), volume: volume.current });
		await lookAgain(test);
		return test;
	}

	it("refuses the project that holds more than half of the store, and no other", async () => {
		const volume: { current: Volume | null } = { current: { sizeBytes: 100_000, freeBytes: 50_000 } };
		await using test = await openOn(volume);
		const other = test.in((await test.engine.projects.create("other", null)).id);
		for (let sent = 0; sent < 10; sent++) await test.send({ dataJson: dataOf(1_000), idempotencyKey: `k${sent}` });
		await other.send();
		await lookAgain(test);
		await test.send();
		volume.current = { sizeBytes: 100_000, freeBytes: 9_999 };
		await lookAgain(test);
		await expect(test.send()).rejects.toMatchObject({
			...BYTES,
			message: expect.stringContaining("10 % of the server's volume"),
		});
		await expect(sendBatch(test, many(2))).rejects.toMatchObject(BYTES);
		await test.send({ dataJson: dataOf(1_000), idempotencyKey: "k3" });
		await other.send();
		// A quota of its own takes the place of this rule.
		await test.engine.projects.update(test.change, { maxStoredBytes: 1_000_000 });
		await test.send();
		await test.engine.projects.update(test.change, { maxStoredBytes: null });
		volume.current = { sizeBytes: 100_000, freeBytes: 10_000 };
		await lookAgain(test);
		await test.send();
	});

	it("refuses nobody for what is counted for no project", async () => {
		await using test = await openTestEngine();
		const held = { bytes: 400_000 };
		const volume = { sizeBytes: 100_000, freeBytes: 5_000 };
		test.engineStore.usage = async (ids) => ({ ...(await test.store.usage(ids)), volume, heldBytes: held.bytes });
		for (let sent = 0; sent < 20; sent++) await test.send({ dataJson: dataOf(1_000) });
		await lookAgain(test);
		// It has about 25,000 bytes: all that is counted, but little of what is in the files.
		await test.send();
		held.bytes = 100_000;
		await lookAgain(test);
		await expect(test.send()).rejects.toMatchObject(BYTES);
	});

	it("refuses nobody if no project holds more than half, or if it holds less than is free", async () => {
		const volume: { current: Volume | null } = { current: { sizeBytes: 1_000_000, freeBytes: 50_000 } };
		await using test = await openOn(volume);
		await test.send({ dataJson: dataOf(10_000) });
		await lookAgain(test);
		await test.send();
		const other = test.in((await test.engine.projects.create("other", null)).id);
		await other.send({ dataJson: dataOf(10_000) });
		await test.send({ dataJson: "1" });
		volume.current = { sizeBytes: 1_000_000, freeBytes: 100 };
		const third = test.in((await test.engine.projects.create("third", null)).id);
		await third.send({ dataJson: dataOf(10_000) });
		await lookAgain(test);
		for (const one of [test, other, third]) await one.send();
	});
});
