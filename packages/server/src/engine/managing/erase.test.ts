// Erasing a payload by hand, whatever state its deliveries are in.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { changeIn, eventually, openTestEngine } from "../test/test-engine.ts";

const CANCELLED = { status: "Cancelled", reason: "the payload was erased" } as const;

describe("erasing a payload", () => {
	it("cancels a delivery that waits for a retry, with the reason, and sends nothing more", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500, body: "echo of the payload" }));
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url);
		const eventId = await test.send();
		const { id } = await test.delivery(eventId, { status: "Pending", attemptCount: 1, leaseUntil: null });
		const { events } = test.engine;
		expect(await events.erasePayload(test.change, eventId)).toEqual({ cancelledCount: 1 });
		await test.delivery(eventId, CANCELLED);
		expect((await test.store.attempts(id))[0]?.response?.body).toBe("");
		test.clock.advance(600_000);
		await test.send({ webhookIds: [] });
		expect(receiver.requests).toHaveLength(1);
		await expect(test.engine.deliveries.retry(test.change, id)).rejects.toMatchObject({ code: "payload_erased" });
		expect(await events.erasePayload(test.change, eventId)).toEqual({ cancelledCount: 0 });
	});

	it("removes a delivery from the ready queue", async () => {
		await using receiver = await startReceiver();
		await using test = await openTestEngine();
		// The rate limit lets the second delivery through only a second later.
		await test.createWebhook(receiver.url, { rateLimit: { perSecond: 1 } });
		test.clock.advance(1_000);
		const [first, second] = [await test.send(), await test.send()];
		await test.delivery(first, { status: "Succeeded" });
		expect(test.engine.gauges().readyDeliveries).toBe(1);
		await test.engine.events.erasePayload(test.change, second);
		test.clock.advance(5_000);
		await test.delivery(second, CANCELLED);
		const third = await test.send();
		await test.delivery(third, { status: "Succeeded" });
		expect(receiver.requests.map(({ headers }) => headers["webhook-id"])).toEqual([first, third]);
	});

	it("stores no response body of an attempt that is in flight", async () => {
		await using receiver = await startReceiver();
		let respond = (): void => {};
		receiver.script(async () => {
			await new Promise<void>((resolve) => (respond = resolve));
			return { status: 200, body: "echo of the payload" };
		});
		await using test = await openTestEngine();
		await test.createWebhook(receiver.url);
		const eventId = await test.send();
		await receiver.waitFor(1);
		await test.engine.events.erasePayload(test.change, eventId);
		respond();
		const { id } = await test.delivery(eventId, { ...CANCELLED, attemptCount: 1 });
		expect((await test.store.attempts(id))[0]).toMatchObject({ responseCode: 200, response: { body: "" } });
	});

	it("fails with event_not_found for an event of another project", async () => {
		await using test = await openTestEngine();
		const eventId = await test.send();
		const other = await test.engine.projects.create("other", null);
		const erase = (projectId: string) => test.engine.events.erasePayload(changeIn(projectId), eventId);
		await expect(erase(other.id)).rejects.toMatchObject({ code: "event_not_found" });
		await expect(erase("proj_x")).rejects.toMatchObject({ code: "project_not_found" });
		expect(await test.store.eventBody(test.scope, eventId)).not.toBeNull();
	});
});

describe("the audit log", () => {
	it("records that the server itself has disabled a webhook", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 410 }));
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(receiver.url);
		await test.send();
		const filter = { keyId: null, projectId: null, objectId: webhook.id, action: null, after: null, before: null };
		const [entry] = await eventually("an audit entry", async () => {
			const { rows } = await test.store.auditEntries(filter, { limit: 10, cursor: null });
			return rows.length > 0 && rows;
		});
		expect(entry).toMatchObject({
			action: "webhook.disable",
			keyId: null,
			projectId: test.projectId,
			fields: ["status", "disabledReason"],
			at: test.clock.now(),
		});
	});
});
