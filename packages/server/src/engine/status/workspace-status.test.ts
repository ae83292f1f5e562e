// The status of the workspace: what waits, what is used, what is wrong, and what is left of it while the store fails.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { StoreError } from "../../ports/store/errors.ts";
import { openDelivering } from "../test/arrangements.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const codesOf = async (test: TestEngine) => (await test.engine.status()).warnings.map(({ code }) => code);

const limitOf = async (test: TestEngine, name: string) =>
	(await test.engine.status()).limits.find((limit) => limit.name === name);

it("counts what waits, what is under way and how long commits take", async () => {
	await using receiver = await startReceiver();
	const { promise: response, resolve: respond } = Promise.withResolvers<{ status: number }>();
	receiver.script(() => response);
	await using test = await openTestEngine();
	const paused = await test.createWebhook(receiver.url);
	await test.engine.webhooks.pause(test.change, paused.id);
	await test.createWebhook(receiver.url);
	const startDate = test.clock.now();
	await test.send();
	await receiver.waitFor(1);
	test.clock.advance(7_000);
	expect(await test.engine.status()).toMatchObject({
		startDate,
		date: startDate + 7_000,
		// A store in memory has no files.
		store: { storedBytes: expect.any(Number), fileBytes: null, volume: null },
		backlog: { pending: 1, held: 1, readyDeliveries: 0, inFlightAttempts: 1, waitingSends: 0, oldestDueMs: 0 },
		commits: { count: 1, p50Ms: 0, p99Ms: 0 },
		warnings: [],
	});
	expect(await limitOf(test, "maxInFlight")).toEqual({ name: "maxInFlight", used: 1, allowed: 1_024 });
	respond({ status: 200 });
	await eventually("the delivery has ended", async () => (await test.engine.status()).backlog.pending === 0);
	expect((await test.engine.status()).backlog).toMatchObject({ pending: 0, held: 1, inFlightAttempts: 0 });
});

it("measures commits from their beginning to their end", async () => {
	await using test = await openTestEngine({ beforeCommit: () => test.clock.advance(30) });
	await test.send();
	await test.send();
	expect((await test.engine.status()).commits).toEqual({ count: 2, p50Ms: 30, p99Ms: 30 });
});

it("still answers while the store fails, without what only the store knows", async () => {
	await using test = await openTestEngine();
	const gone = () => Promise.reject(new StoreError("store_unavailable", "gone"));
	Object.assign(test.engineStore, { usage: gone, countOpen: gone, probe: gone });
	const { store, backlog, warnings } = await test.engine.status();
	expect(store).toEqual({ storedBytes: null, fileBytes: null, volume: null });
	expect(backlog).toMatchObject({ pending: null, held: null, inFlightAttempts: 0 });
	expect(warnings).toEqual([{ code: "store_failing", message: "The store can't be written: gone.", projectId: null }]);
});

describe("warns", () => {
	it("of a volume that is nearly full, and of the project that fills it", async () => {
		await using test = await openTestEngine();
		await test.send();
		let freeBytes = 100;
		test.engineStore.usage = async (ids) => {
			return { ...(await test.store.usage(ids)), volume: { sizeBytes: 1_000, freeBytes } };
		};
		expect(await codesOf(test)).toEqual([]);
		freeBytes = 99;
		expect((await test.engine.status()).warnings).toMatchObject([
			{ code: "volume_low", message: expect.stringContaining("Only 9 %") },
		]);
		await eventually("the usage was read", async () => {
			test.clock.advance(1_000);
			return (await codesOf(test)).includes("project_crowding");
		});
		const { warnings } = await test.engine.status();
		expect(warnings.map(({ projectId }) => projectId)).toEqual([null, test.projectId]);
	});

	it("of a clock that was set back, until it has caught up", async () => {
		await using test = await openTestEngine();
		test.clock.step(-60_000);
		expect((await test.engine.status()).warnings).toMatchObject([
			{ code: "clock_set_back", message: expect.stringContaining("by 60 s") },
		]);
		test.clock.step(60_000);
		expect(await codesOf(test)).toEqual([]);
	});

	it("of a limit that is used up, unless deliveries only wait for it", async () => {
		const { receiver, test } = await openDelivering({}, { limits: { maxProjects: 2, maxInFlight: 1 } });
		receiver.script(() => new Promise(() => {}));
		await test.send();
		await receiver.waitFor(1);
		expect(await limitOf(test, "maxInFlight")).toMatchObject({ used: 1, allowed: 1 });
		expect(await codesOf(test)).toEqual([]);
		await test.engine.projects.create("second", null);
		const message = "The limit maxProjects is reached: 2 of 2. More are refused.";
		expect((await test.engine.status()).warnings).toEqual([{ code: "limit_reached", message, projectId: null }]);
	});

	it("of a server that is shutting down", async () => {
		await using test = await openTestEngine();
		await test.engine.stop();
		expect(await codesOf(test)).toEqual(["delivery_stalled"]);
	});
});
