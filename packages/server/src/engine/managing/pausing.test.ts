// Waiting deliveries when their webhook or project is paused, disabled, resumed or deleted, whatever happens in
// between.
import type { Answer } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { ANY_ENTRY, NEWEST } from "../../ports/contract/store/records/records.ts";
import { allWebhooks } from "../../ports/contract/store/records/webhooks.ts";
import { StoreError } from "../../ports/store/errors.ts";
import { openDelivering } from "../test/arrangements.ts";
import { eventually, openTestEngine } from "../test/test-engine.ts";

describe("pausing, disabling and deleting", () => {
	it("holds waiting and new deliveries, and sends all of them in the order of creation after a resume", async () => {
		const { receiver, test, webhook } = await openDelivering({}, { limits: { maxInFlightPerWebhook: 1 } });
		receiver.respond([{ status: 500 }]);
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

	const BROKEN_OFF = "HTTP/1.1 410 Gone\r\ncontent-length: 20\r\n\r\nso";
	it.each<[string, Answer]>([
		["answers 410", { status: 410 }],
		["answers 410 and breaks off", { kind: "raw", parts: [BROKEN_OFF], after: "reset" }],
	])("disables a webhook whose receiver %s, with an audit entry, and holds later deliveries", async (_what, answer) => {
		const { receiver, test, id } = await openDelivering();
		receiver.respond([answer]);
		const gone = await test.send();
		await test.delivery(gone, { status: "Failed", responseCode: 410 });
		await eventually("the webhook is disabled", async () => {
			const { status, disabledReason } = await test.engine.webhooks.get(test.scope, id);
			return status === "Disabled" && disabledReason === "the receiver responded with 410 Gone";
		});
		const { rows } = await test.store.auditEntries({ ...ANY_ENTRY, objectId: id }, NEWEST);
		const byNobody = { action: "webhook.disable", keyId: null, projectId: test.projectId, at: test.clock.now() };
		expect(rows).toMatchObject([{ ...byNobody, fields: ["status", "disabledReason"] }]);
		const held = await test.send();
		await test.delivery(held, { status: "Held" });
		await test.engine.webhooks.resume(test.change, id);
		test.clock.advance(20);
		await test.delivery(held, { status: "Succeeded" });
	});

	it("cancels the waiting deliveries of a deleted webhook, visibly in the log", async () => {
		const { receiver, test, webhook } = await openDelivering();
		receiver.script(() => ({ status: 500 }));
		const ids = await Promise.all(Array.from({ length: 600 }, () => test.send()));
		await receiver.waitFor(1);
		await test.engine.webhooks.delete(test.change, webhook.id);
		const cancelled = await eventually("all are cancelled", async () => {
			const deliveries = await test.deliveries({ statuses: ["Cancelled"] });
			return deliveries.length === ids.length && deliveries;
		});
		expect(new Set(cancelled.map(({ reason }) => reason))).toEqual(new Set(["the webhook was deleted"]));
		await expect(test.engine.webhooks.get(test.scope, webhook.id)).rejects.toThrow(/No such webhook/);
	});

	it.each([
		["pause", { status: "Held", reason: "the webhook is paused", attemptCount: 0 }],
		["delete", undefined],
	] as const)(
		"matches an event again that was being committed at a %s: its delivery is %j",
		async (action, delivery) => {
			let gate = Promise.resolve();
			const { receiver, test, id } = await openDelivering({}, { beforeCommit: () => gate });
			const { promise, resolve: open } = Promise.withResolvers<void>();
			gate = promise;
			const sending = test.send();
			await eventually("its commit is under way", () => test.engine.gauges().waitingSends === 0);
			await test.engine.webhooks[action](test.change, id);
			open();
			const [accepted] = await test.deliveries({ eventId: await sending });
			if (delivery === undefined) expect(accepted).toBeUndefined();
			else expect(accepted).toMatchObject(delivery);
			expect(receiver.requests).toHaveLength(0);
		},
	);

	it("carries out a pause later if the store fails", async () => {
		const inADay = { maxRetries: 1, maxBackoffMs: 0, scheduleMs: [86_400_000] };
		const { receiver, test, webhook } = await openDelivering({ retries: inADay });
		receiver.respond([{ status: 500 }]);
		const eventId = await test.send();
		await test.delivery(eventId, { attemptCount: 1 });
		let failures = 2;
		test.engineStore.sweepWebhook = async (...parameters) => {
			if (failures-- > 0) throw new StoreError("store_full", "no space");
			return test.store.sweepWebhook(...parameters);
		};
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
		const { receiver, test, webhook } = await openDelivering();
		receiver.respond([{ status: 500 }]);
		const eventId = await test.send();
		await test.delivery(eventId, { attemptCount: 1 });
		const { promise: gate, resolve: open } = Promise.withResolvers<void>();
		let sweeps = 0;
		test.engineStore.sweepWebhook = async (...parameters) => {
			const step = await test.store.sweepWebhook(...parameters);
			sweeps++;
			// The store has made the step, and its result is on the way.
			await gate;
			return step;
		};
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

	it.each([
		["deletion", true, { deleteDate: 1 }, { status: "Cancelled", reason: "the webhook was deleted" }],
		["pause", false, { status: "Paused" }, { status: "Held", reason: "the webhook is paused" }],
	] as const)(
		"sweeps at a start if the process was killed between a %s and its sweep",
		async (_, isHeld, change, expected) => {
			const { receiver, test, id } = await openDelivering();
			receiver.script(() => ({ status: 500 }));
			if (isHeld) await test.engine.webhooks.pause(test.change, id);
			const eventId = await test.send();
			await test.delivery(eventId, isHeld ? { status: "Held" } : { status: "Pending", attemptCount: 1 });
			await test.engine.stop();
			const [record] = await allWebhooks(test.store);
			await test.store.updateWebhook({ ...record!, ...change }, { expected: record!.revision, entry: null });
			await using second = await openTestEngine({ store: test.store });
			await second.delivery(eventId, expected);
			expect(receiver.requests).toHaveLength(isHeld ? 0 : 1);
		},
	);

	it("answers a change of a project that is being deleted as if the project were deleted already", async () => {
		await using test = await openTestEngine();
		test.engineStore.deleteProject = async (...parameters) => {
			const deleted = await test.store.deleteProject(...parameters);
			// The store has deleted the project, and its result is on the way.
			await new Promise((resolve) => setImmediate(resolve));
			return deleted;
		};
		const { projects } = test.engine;
		const deleting = projects.delete(test.change);
		const updating = projects.update(test.change, { name: "late" });
		await expect(updating).rejects.toMatchObject({ code: "project_not_found" });
		await deleting;
		expect(projects.list()).toEqual([]);
	});
});
