// Waiting deliveries when their webhook or project is paused, disabled, resumed or deleted, whatever happens in
// between.
import { startReceiver, type Answer } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { allWebhooks } from "../../ports/contract/store/records/webhooks.ts";
import { StoreError } from "../../ports/store/errors.ts";
import type { Store } from "../../ports/store/store.ts";
import { eventually, openTestEngine } from "../test/test-engine.ts";

describe("pausing, disabling and deleting", () => {
	it("holds waiting and new deliveries, and sends all of them in the order of creation after a resume", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ status: 500 }]);
		await using test = await openTestEngine({ limits: { maxInFlightPerWebhook: 1 } });
		const webhook = await test.createWebhook(receiver.url);
		const waiting = await test.send();
		await test.delivery(waiting, { status: "Pending", attemptCount: 1 });
		await test.engine.webhooks.pause(test.change, webhook.id);
		await test.delivery(waiting, { status: "Held", reason: "the webhook is paused" });
		const later: string[] = [];
		for (let count = 0; count < 20; count++) later.push(await test.send());
		await test.delivery(later[0]!, { status: "Held" });
		test.clock.advance(60_000);
		expect(receiver.requests).toHaveLength(1);

		await test.engine.webhooks.resume(test.change, webhook.id);
		test.clock.advance(20);
		await receiver.waitFor(22);
		expect(receiver.requests.slice(1).map(({ headers }) => headers["webhook-id"])).toEqual([waiting, ...later]);
	});

	it.each<[string, Answer]>([
		["answers 410", { status: 410 }],
		[
			"answers 410 and breaks off",
			{ kind: "raw", parts: ["HTTP/1.1 410 Gone\r\ncontent-length: 20\r\n\r\nso"], after: "reset" },
		],
	])("disables a webhook whose receiver %s, and holds later deliveries", async (_what, answer) => {
		await using receiver = await startReceiver();
		receiver.respond([answer]);
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(receiver.url);
		const gone = await test.send();
		await test.delivery(gone, { status: "Failed", responseCode: 410 });
		await eventually("the webhook is disabled", async () => {
			const { status, disabledReason } = await test.engine.webhooks.get(test.scope, webhook.id);
			return status === "Disabled" && disabledReason === "the receiver responded with 410 Gone";
		});
		const held = await test.send();
		await test.delivery(held, { status: "Held" });
		await test.engine.webhooks.resume(test.change, webhook.id);
		test.clock.advance(20);
		await test.delivery(held, { status: "Succeeded" });
	});

	it("cancels the waiting deliveries of a deleted webhook, visibly in the log", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(receiver.url);
		const ids = await Promise.all(Array.from({ length: 600 }, () => test.send()));
		await receiver.waitFor(1);
		await test.engine.webhooks.delete(test.change, webhook.id);
		for (const id of ids) await test.delivery(id, { status: "Cancelled", reason: "the webhook was deleted" });
		await expect(test.engine.webhooks.get(test.scope, webhook.id)).rejects.toThrow(/No such webhook/);
	});

	it.each([
		["pause", { status: "Held", reason: "the webhook is paused", attemptCount: 0 }],
		["delete", undefined],
	] as const)(
		"matches an event again that was being committed at a %s: its delivery is %j",
		async (action, delivery) => {
			await using receiver = await startReceiver();
			const real = await openSqliteStore({ path: ":memory:" });
			let gate = Promise.resolve();
			const store: Store = {
				...real,
				async commit(batch) {
					await gate;
					return real.commit(batch);
				},
			};
			await using test = await openTestEngine({ store });
			const webhook = await test.createWebhook(receiver.url);
			const { promise, resolve: open } = Promise.withResolvers<void>();
			gate = promise;
			const sending = test.send();
			await eventually("its commit is under way", () => test.engine.gauges().waitingSends === 0);
			await test.engine.webhooks[action](test.change, webhook.id);
			open();
			const [accepted] = await test.deliveries({ eventId: await sending });
			if (delivery === undefined) expect(accepted).toBeUndefined();
			else expect(accepted).toMatchObject(delivery);
			expect(receiver.requests).toHaveLength(0);
		},
	);

	it("carries out a pause later if the store fails", async () => {
		await using receiver = await startReceiver();
		const real = await openSqliteStore({ path: ":memory:" });
		let failures = 0;
		const store: Store = {
			...real,
			async sweepWebhook(...parameters) {
				if (failures-- > 0) throw new StoreError("store_full", "no space");
				return real.sweepWebhook(...parameters);
			},
		};
		await using test = await openTestEngine({ store });
		receiver.respond([{ status: 500 }]);
		const webhook = await test.createWebhook(receiver.url, {
			retries: { maxRetries: 1, maxBackoffMs: 0, scheduleMs: [86_400_000] },
		});
		const eventId = await test.send();
		await test.delivery(eventId, { attemptCount: 1 });
		failures = 2;
		await test.engine.webhooks.pause(test.change, webhook.id);
		for (const count of [1, 2]) {
			await eventually("it has failed", () => test.observer.problems.length === count);
			// The next try is planned in the same turn. With a retry schedule of a day the delivery is not due, which would
			// start a sweep. The second try is after two seconds.
			test.clock.advance(count * 1_000);
		}
		const facts = { projectId: test.projectId, webhookId: webhook.id };
		expect(test.observer.problems).toMatchObject([{ facts }, { facts }]);
		await test.delivery(eventId, { status: "Held" });
	});

	it("releases the deliveries that a pause holds after the webhook has been resumed", async () => {
		await using receiver = await startReceiver();
		const real = await openSqliteStore({ path: ":memory:" });
		let gate: Promise<void> | null = null;
		let sweeps = 0;
		const store: Store = {
			...real,
			async sweepWebhook(...parameters) {
				const step = await real.sweepWebhook(...parameters);
				sweeps++;
				// The store has made the step, and its result is on the way.
				await gate;
				return step;
			},
		};
		await using test = await openTestEngine({ store });
		receiver.respond([{ status: 500 }]);
		const webhook = await test.createWebhook(receiver.url);
		const eventId = await test.send();
		await test.delivery(eventId, { attemptCount: 1 });
		const { promise, resolve: open } = Promise.withResolvers<void>();
		gate = promise;
		await test.engine.webhooks.pause(test.change, webhook.id);
		await eventually("the pause is being carried out", () => sweeps === 1);
		await test.delivery(eventId, { status: "Held" });
		await test.engine.webhooks.resume(test.change, webhook.id);
		open();
		await eventually("the delivery has succeeded", async () => {
			test.clock.advance(20);
			return (await test.deliveries({ eventId }))[0]?.status === "Succeeded";
		});
	});

	it("cancels held deliveries at a start if a crash interrupted the deletion of their webhook", async () => {
		await using receiver = await startReceiver();
		const first = await openTestEngine();
		const webhook = await first.createWebhook(receiver.url);
		await first.engine.webhooks.pause(first.change, webhook.id);
		const held = await first.send();
		const records = await allWebhooks(first.store);
		// As if the process had crashed between the deletion and its sweep.
		const [record] = records;
		const options = { expected: record!.revision, entry: null };
		await first.store.updateWebhook({ ...record!, deleteDate: first.clock.now() }, options);
		await using second = await openTestEngine({ store: first.store });
		await second.delivery(held, { status: "Cancelled" });
		expect(receiver.requests).toHaveLength(0);
	});

	it("holds waiting deliveries at a start if a stop came between the pause of their webhook and its sweep", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ status: 500 }]);
		await using first = await openTestEngine();
		await first.createWebhook(receiver.url);
		const eventId = await first.send();
		await first.delivery(eventId, { status: "Pending", attemptCount: 1 });
		await first.engine.stop();
		const [record] = await allWebhooks(first.store);
		await first.store.updateWebhook({ ...record!, status: "Paused" }, { expected: record!.revision, entry: null });
		await using second = await openTestEngine({ store: first.store });
		await second.delivery(eventId, { status: "Held", reason: "the webhook is paused" });
		expect(receiver.requests).toHaveLength(1);
	});

	it("deletes the keys of a deleted project and cancels its waiting deliveries", async () => {
		await using test = await openTestEngine();
		await test.createWebhook("http://127.0.0.1:9/");
		const { secretKey } = await test.engine.keys.create({ name: "k", scope: "write", projectId: test.projectId }, null);
		const eventId = await test.send();
		await test.delivery(eventId, { attemptCount: 1 });
		await test.engine.projects.delete(test.change);
		await test.delivery(eventId, { status: "Cancelled" });
		expect(test.engine.keys.authenticate(secretKey)).toBeNull();
		await expect(test.send()).rejects.toMatchObject({ code: "project_not_found" });
	});

	it("answers a change of a project that is being deleted as if the project were deleted already", async () => {
		const real = await openSqliteStore({ path: ":memory:" });
		const store: Store = {
			...real,
			async deleteProject(...parameters) {
				const deleted = await real.deleteProject(...parameters);
				// The store has deleted the project, and its result is on the way.
				await new Promise((resolve) => setImmediate(resolve));
				return deleted;
			},
		};
		await using test = await openTestEngine({ store });
		const { projects } = test.engine;
		const deleting = projects.delete(test.change);
		const updating = projects.update(test.change, { name: "late" });
		await expect(updating).rejects.toMatchObject({ code: "project_not_found" });
		await deleting;
		expect(projects.list()).toEqual([]);
	});
});
