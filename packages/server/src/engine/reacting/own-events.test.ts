import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { StoreError } from "../../ports/store/errors.ts";
import { eventInput, eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const ONCE = { retries: { maxRetries: 0, maxBackoffMs: 0 } };

interface Told {
	readonly type: string;
	readonly data: Readonly<Record<string, unknown>>;
}

/** What a receiver was told so far, by type: what is sent at the same time comes in any order. */
function told(receiver: Receiver): Told[] {
	return receiver.requests
		.map(({ rawBody }) => JSON.parse(rawBody.toString()) as Told)
		.sort((a, b) => (a.type < b.type ? -1 : 1));
}

async function typesTold(receiver: Receiver, count: number): Promise<string[]> {
	await receiver.waitFor(count);
	return told(receiver).map(({ type }) => type);
}

async function eventTypes(test: TestEngine): Promise<string[]> {
	const filter = { type: null, after: null, before: null };
	return (await test.store.events(test.projectId, filter, { limit: 1_000, cursor: null })).rows.map(({ type }) => type);
}

/** Waits until nothing is on its way any more. */
async function quiet(test: TestEngine): Promise<void> {
	await eventually("all deliveries have ended", async () => {
		test.clock.advance(20);
		return (await test.store.countOpen()).Pending === 0;
	});
	await new Promise((resolve) => setTimeout(resolve, 20));
	expect((await test.store.countOpen()).Pending).toBe(0);
}

describe("operational events", () => {
	it("tell of an exhausted delivery and of a webhook that begins to fail, with what is known of them", async () => {
		await using customer = await startReceiver();
		customer.script(() => ({ status: 500 }));
		await using operator = await startReceiver();
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(customer.url, { ...ONCE, name: "Orders" });
		await test.createWebhook(operator.url, { eventTypes: ["fanfare.*"] });
		const eventId = await test.send();
		const failingSince = test.clock.now();
		await operator.waitFor(2);
		const [delivery] = await test.deliveries({ eventId });
		const reason = "exhausted after 1 attempt: the receiver answered 500";
		expect(told(operator)).toMatchObject([
			{
				type: "fanfare.delivery.exhausted",
				data: {
					deliveryId: delivery!.id,
					webhookId: webhook.id,
					eventId,
					eventType: "test.event",
					attemptCount: 1,
					responseCode: 500,
					reason,
				},
			},
			{ type: "fanfare.webhook.failing", data: { webhookId: webhook.id, name: "Orders", failingSince, reason } },
		]);
	});

	it("tell of failing once until a success, and of that as a recovery", async () => {
		await using customer = await startReceiver();
		customer.respond([{ status: 500 }, { status: 500 }, { status: 200 }, { status: 200 }, { status: 500 }]);
		await using operator = await startReceiver();
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(customer.url, ONCE);
		await test.createWebhook(operator.url, { eventTypes: ["fanfare.webhook.*"] });
		const failingSince = test.clock.now();
		for (const status of ["Failed", "Failed", "Succeeded", "Succeeded", "Failed"] as const) {
			await test.delivery(await test.send(), { status });
		}
		await quiet(test);
		expect(await typesTold(operator, 3)).toEqual([
			"fanfare.webhook.failing",
			"fanfare.webhook.failing",
			"fanfare.webhook.recovered",
		]);
		const recovered = told(operator).find(({ type }) => type === "fanfare.webhook.recovered");
		expect(recovered?.data).toEqual({ webhookId: webhook.id, name: "test", failingSince, exhaustedCount: 2 });
	});

	it("tell of a webhook that Fanfare disables, and of a replay that is finished", async () => {
		await using customer = await startReceiver();
		await using operator = await startReceiver();
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(customer.url, { ...ONCE, name: "Orders" });
		await test.createWebhook(operator.url, { eventTypes: ["fanfare.webhook.disabled", "fanfare.replay.finished"] });
		await test.delivery(await test.send(), { status: "Succeeded" });
		test.clock.advance(1_000);
		const range = { since: 0, until: null, outcomes: ["Succeeded"], eventTypes: null } as const;
		const replay = await test.engine.replays.start(test.projectId, webhook.id, range);
		await eventually("the replay is told of", () => {
			test.clock.advance(10);
			return operator.requests.length === 1;
		});
		await customer.waitFor(2);
		customer.respond([{ status: 410 }]);
		await test.send();
		await operator.waitFor(2);
		expect(told(operator)).toMatchObject([
			{
				type: "fanfare.replay.finished",
				data: { replayId: replay.id, webhookId: webhook.id, scannedCount: 1, deliveryCount: 1 },
			},
			{
				type: "fanfare.webhook.disabled",
				data: { webhookId: webhook.id, name: "Orders", reason: "the receiver answered 410 Gone" },
			},
		]);
	});

	it("go to webhooks alone that name them, and are not made where none does", async () => {
		await using customer = await startReceiver();
		customer.script(() => ({ status: 500 }));
		await using test = await openTestEngine();
		await test.createWebhook(customer.url, ONCE);
		await test.delivery(await test.send(), { status: "Failed" });
		await quiet(test);
		expect(await eventTypes(test)).toEqual(["test.event"]);
		const named = await test.createWebhook(customer.url, { ...ONCE, eventTypes: ["fanfare.delivery.exhausted"] });
		const failed = await test.send();
		await eventually("it is told", async () => (await test.deliveries({ webhookId: named.id })).length === 1);
		await quiet(test);
		expect((await test.deliveries({ eventId: failed })).map(({ eventType }) => eventType)).toEqual(["test.event"]);
		expect(await eventTypes(test)).toEqual(["fanfare.delivery.exhausted", "test.event", "test.event"]);
	});

	it("never beget more of themselves, however their own deliveries end", async () => {
		await using customer = await startReceiver();
		customer.respond([{ status: 500 }]);
		await using operator = await startReceiver();
		operator.script((_, index) => ({ status: index % 2 === 0 ? 500 : 200 }));
		await using test = await openTestEngine();
		await test.createWebhook(customer.url, { ...ONCE, eventTypes: ["test.event"] });
		const own = await test.createWebhook(operator.url, { ...ONCE, eventTypes: ["fanfare.*"] });
		await test.delivery(await test.send(), { status: "Failed" });
		await operator.waitFor(2);
		await quiet(test);
		await test.delivery(await test.send(), { status: "Succeeded" });
		await operator.waitFor(3);
		await quiet(test);
		expect(await typesTold(operator, 3)).toEqual([
			"fanfare.delivery.exhausted",
			"fanfare.webhook.failing",
			"fanfare.webhook.recovered",
		]);
		expect((await test.deliveries({ webhookId: own.id })).map(({ status }) => status).sort()).toEqual([
			"Failed",
			"Failed",
			"Succeeded",
		]);
		expect(await test.store.webhookHealth(own.id)).toEqual({ failingSince: null, exhaustedCount: 0 });
	});

	it("can't be sent by producers, alone or in a batch, and are in no catalogue's way", async () => {
		await using customer = await startReceiver();
		customer.script(() => ({ status: 500 }));
		await using operator = await startReceiver();
		await using test = await openTestEngine();
		const refusal = {
			code: "invalid_request",
			issues: [{ path: "type", message: expect.stringContaining("must not start with fanfare.") }],
		};
		await expect(test.send({ type: "fanfare.webhook.failing" })).rejects.toMatchObject(refusal);
		const [sent, refused] = await test.engine.intake.sendBatch(test.projectId, [
			eventInput(),
			eventInput({ type: "fanfare.x" }),
		]);
		expect(sent).toMatchObject({ duplicate: false });
		expect(refused).toMatchObject(refusal);
		expect(await eventTypes(test)).toEqual(["test.event"]);

		const settings = { description: null, schemaJson: null, exampleJson: null, archived: false };
		await test.engine.eventTypes.create(test.projectId, "test.event", settings);
		await test.engine.projects.update(test.projectId, { eventTypes: "catalogued" });
		await test.createWebhook(customer.url, ONCE);
		await test.createWebhook(operator.url, { eventTypes: ["fanfare.delivery.exhausted"] });
		await test.send();
		await operator.waitFor(1);
	});

	it("are a problem noted where they can't be made, and nothing else", async () => {
		await using customer = await startReceiver();
		customer.script(() => ({ status: 500 }));
		await using test = await openTestEngine({
			beforeCommit({ events }) {
				if (events.some(({ event }) => event.type.startsWith("fanfare."))) throw new StoreError("store_full", "full");
			},
		});
		await test.createWebhook(customer.url, ONCE);
		await test.createWebhook(customer.url, { eventTypes: ["fanfare.*"] });
		for (let count = 0; count < 3; count++) {
			await eventually("it is taken", () => test.send().catch(() => null));
		}
		await eventually("all have failed", async () => {
			test.clock.advance(250);
			const deliveries = await test.deliveries();
			return deliveries.length === 3 && deliveries.every(({ status }) => status === "Failed");
		});
		const messages = test.observer.problems.map(({ message }) => message);
		expect(messages).toContain("an event fanfare.delivery.exhausted could not be made");
	});

	it("are not made while as many sends wait as may", async () => {
		await using customer = await startReceiver();
		customer.script(() => ({ status: 500 }));
		// Then a send is taken only while none waits, and an event of our own never.
		await using test = await openTestEngine({ limits: { maxWaitingSends: 0 } });
		await test.createWebhook(customer.url, ONCE);
		await test.createWebhook(customer.url, { eventTypes: ["fanfare.*"] });
		await test.delivery(await test.send(), { status: "Failed" });
		await eventually("it is noted", () => test.observer.problems.length > 1);
		expect(test.observer.problems).toContainEqual({
			message: "an event fanfare.delivery.exhausted could not be made",
			error: expect.objectContaining({ code: "overloaded" }),
		});
		expect(await eventTypes(test)).toEqual(["test.event"]);
	});
});
