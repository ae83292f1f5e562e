// Own events on the real store: when they are sent, what they contain, and who gets them.
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { HEALTHY } from "../../core/policies/webhook-health.ts";
import { StoreError } from "../../ports/store/errors.ts";
import { eventInput, eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;
const ONCE = { retries: { maxRetries: 0, maxBackoffMs: 0 } };

interface Received {
	readonly type: string;
	readonly data: Readonly<Record<string, unknown>>;
}

/** The events of a receiver so far, sorted by type, as simultaneous events arrive in any order. */
function received(receiver: Receiver): Received[] {
	return receiver.requests
		.map(({ rawBody }) => JSON.parse(rawBody.toString()) as Received)
		.sort((a, b) => (a.type < b.type ? -1 : 1));
}

async function typesReceived(receiver: Receiver, count: number): Promise<string[]> {
	await receiver.waitFor(count);
	return received(receiver).map(({ type }) => type);
}

async function eventTypes(test: TestEngine): Promise<string[]> {
	const filter = { types: null, after: null, before: null };
	return (await test.store.events(test.scope, filter, { limit: 1_000, cursor: null })).rows.map(({ type }) => type);
}

/** Moves the clock on in small steps, so that everything due in between happens, until `check` is true. */
async function elapse(test: TestEngine, check: () => boolean): Promise<void> {
	await eventually("what is waited for", () => {
		if (check()) return true;
		test.clock.advance(10_000);
		return false;
	});
}

/** Waits until all deliveries have ended and no event, such as an own event about the last of them, waits for its commit. */
async function quiet(test: TestEngine): Promise<void> {
	await eventually("all deliveries have ended", async () => {
		test.clock.advance(20);
		// Both are read at the same moment: an own event waits from the commit of its cause to its own commit.
		const { waitingSends } = test.engine.gauges();
		return (await test.store.countOpen()).Pending === 0 && waitingSends === 0;
	});
}

describe("own events", () => {
	it("report an exhausted delivery, with its details", async () => {
		await using customer = await startReceiver();
		customer.script(() => ({ status: 500 }));
		await using operator = await startReceiver();
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(customer.url, { ...ONCE, name: "Orders" });
		await test.createWebhook(operator.url, { eventTypes: ["fanfare.*"] });
		const eventId = await test.send();
		await operator.waitFor(1);
		const [delivery] = await test.deliveries({ eventId });
		const reason = "exhausted after 1 attempt: the receiver responded with 500";
		expect(received(operator)).toMatchObject([
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
		]);
	});

	it("report that a webhook fails by attempts, long before a delivery is exhausted", async () => {
		await using customer = await startReceiver();
		customer.script(() => ({ status: 500 }));
		await using operator = await startReceiver();
		await using test = await openTestEngine();
		// The default of the API: retries for about a day.
		const retries = { maxRetries: 17, maxBackoffMs: 28_800_000 };
		const webhook = await test.createWebhook(customer.url, { retries, name: "Orders" });
		await test.createWebhook(operator.url, { eventTypes: ["fanfare.*"] });
		const failingSince = test.clock.now();
		await test.delivery(await test.send(), { attemptCount: 1 });
		await elapse(test, () => operator.requests.length === 1);
		expect(await test.deliveries({ webhookId: webhook.id })).toMatchObject([{ status: "Pending" }]);
		const reason = "the receiver responded with 500";
		expect(received(operator)).toMatchObject([
			{ type: "fanfare.webhook.failing", data: { webhookId: webhook.id, name: "Orders", failingSince, reason } },
		]);
	});

	it("report no failing webhook before five attempts have failed in a row and five minutes have passed", async () => {
		await using customer = await startReceiver();
		customer.script((_, index) => ({ status: index === 4 ? 200 : 500 }));
		await using operator = await startReceiver();
		await using test = await openTestEngine();
		await test.createWebhook(customer.url, ONCE);
		await test.createWebhook(operator.url, { eventTypes: ["fanfare.webhook.*"] });
		for (const status of ["Failed", "Failed", "Failed", "Failed", "Succeeded"] as const) {
			await test.delivery(await test.send(), { status });
			test.clock.advance(10 * MINUTE);
		}
		const failingSince = test.clock.now();
		for (let count = 0; count < 5; count++) await test.delivery(await test.send(), { status: "Failed" });
		await elapse(test, () => operator.requests.length === 1);
		expect(test.clock.now() - failingSince).toBeGreaterThanOrEqual(5 * MINUTE);
		expect(received(operator)).toMatchObject([{ type: "fanfare.webhook.failing", data: { failingSince } }]);
	});

	it("report that a webhook fails only once until a success, and that success as a recovery", async () => {
		await using customer = await startReceiver();
		customer.script((_, index) => ({ status: index === 12 || index === 13 ? 200 : 500 }));
		await using operator = await startReceiver();
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(customer.url, ONCE);
		await test.createWebhook(operator.url, { eventTypes: ["fanfare.webhook.*"] });
		const failingSince = test.clock.now();
		const sendAll = async (count: number, status: "Failed" | "Succeeded") => {
			for (let sent = 0; sent < count; sent++) await test.delivery(await test.send(), { status });
		};
		await sendAll(6, "Failed");
		await elapse(test, () => operator.requests.length === 1);
		await sendAll(6, "Failed");
		test.clock.advance(10 * MINUTE);
		await sendAll(2, "Succeeded");
		await sendAll(6, "Failed");
		await elapse(test, () => operator.requests.length === 3);
		expect(await typesReceived(operator, 3)).toEqual([
			"fanfare.webhook.failing",
			"fanfare.webhook.failing",
			"fanfare.webhook.recovered",
		]);
		const recovered = received(operator).find(({ type }) => type === "fanfare.webhook.recovered");
		expect(recovered?.data).toEqual({ webhookId: webhook.id, name: "test", failingSince, exhaustedCount: 12 });
	});

	it("warn at half of the time and a day before that a webhook will be disabled, with the earliest date", async () => {
		await using customer = await startReceiver();
		customer.script(() => ({ status: 500 }));
		await using operator = await startReceiver();
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(customer.url, { ...ONCE, name: "Orders", disableAfterMs: 5 * DAY });
		await test.createWebhook(operator.url, { eventTypes: ["fanfare.webhook.*"] });
		const failingSince = test.clock.now();
		for (let sent = 0; sent < 12; sent++) await test.delivery(await test.send(), { status: "Failed" });
		await elapse(test, () => operator.requests.length === 1);
		const dates: number[] = [];
		for (const days of [2.5, 4]) {
			test.clock.advance(failingSince + days * DAY - 60_000 - test.clock.now());
			await elapse(test, () => operator.requests.length === dates.length + 2);
			dates.push(test.clock.now() - failingSince);
		}
		test.clock.advance(failingSince + 5 * DAY - test.clock.now());
		await test.send();
		await operator.waitFor(4);
		const data = { webhookId: webhook.id, name: "Orders", failingSince, exhaustedCount: 12 };
		const warning = { type: "fanfare.webhook.disabling", data: { ...data, disableDate: failingSince + 5 * DAY } };
		const reason = "no success for 5 days and 13 exhausted deliveries";
		expect(received(operator)).toMatchObject([
			{ type: "fanfare.webhook.disabled", data: { reason } },
			warning,
			warning,
			{ type: "fanfare.webhook.failing" },
		]);
		expect(dates[0]).toBeGreaterThanOrEqual(2.5 * DAY);
		expect(dates[1]).toBeGreaterThanOrEqual(4 * DAY);
		expect(dates[1]).toBeLessThan(5 * DAY);
	});

	it("report a webhook that Fanfare disables, and a replay that is finished", async () => {
		await using customer = await startReceiver();
		await using operator = await startReceiver();
		await using test = await openTestEngine();
		const webhook = await test.createWebhook(customer.url, { ...ONCE, name: "Orders" });
		await test.createWebhook(operator.url, { eventTypes: ["fanfare.webhook.disabled", "fanfare.replay.finished"] });
		await test.delivery(await test.send(), { status: "Succeeded" });
		test.clock.advance(1_000);
		const range = { since: 0, until: null, outcomes: ["Succeeded"], eventTypes: null } as const;
		const replay = await test.engine.replays.start(test.change, webhook.id, range);
		await eventually("the finished replay is reported", () => {
			test.clock.advance(10);
			return operator.requests.length === 1;
		});
		await customer.waitFor(2);
		customer.respond([{ status: 410 }]);
		await test.send();
		await operator.waitFor(2);
		expect(received(operator)).toMatchObject([
			{
				type: "fanfare.replay.finished",
				data: { replayId: replay.id, webhookId: webhook.id, scannedCount: 1, deliveryCount: 1 },
			},
			{
				type: "fanfare.webhook.disabled",
				data: { webhookId: webhook.id, name: "Orders", reason: "the receiver responded with 410 Gone" },
			},
		]);
	});

	it("go only to webhooks that name them, and are not created if no webhook does", async () => {
		await using customer = await startReceiver();
		customer.script(() => ({ status: 500 }));
		await using test = await openTestEngine();
		await test.createWebhook(customer.url, ONCE);
		await test.delivery(await test.send(), { status: "Failed" });
		await quiet(test);
		expect(await eventTypes(test)).toEqual(["test.event"]);
		const named = await test.createWebhook(customer.url, { ...ONCE, eventTypes: ["fanfare.delivery.exhausted"] });
		const failed = await test.send();
		await eventually(
			"the exhausted delivery is reported",
			async () => (await test.deliveries({ webhookId: named.id })).length === 1,
		);
		await quiet(test);
		expect((await test.deliveries({ eventId: failed })).map(({ eventType }) => eventType)).toEqual(["test.event"]);
		expect(await eventTypes(test)).toEqual(["fanfare.delivery.exhausted", "test.event", "test.event"]);
	});

	it("cause no further own events, however their own deliveries end", async () => {
		await using customer = await startReceiver();
		customer.script((_, index) => ({ status: index < 5 ? 500 : 200 }));
		await using operator = await startReceiver();
		operator.script((_, index) => ({ status: index < 6 ? 500 : 200 }));
		await using test = await openTestEngine();
		await test.createWebhook(customer.url, { ...ONCE, eventTypes: ["test.event"] });
		const own = await test.createWebhook(operator.url, { ...ONCE, eventTypes: ["fanfare.*"] });
		for (let sent = 0; sent < 5; sent++) await test.delivery(await test.send(), { status: "Failed" });
		await operator.waitFor(5);
		await elapse(test, () => operator.requests.length === 6);
		await quiet(test);
		await test.delivery(await test.send(), { status: "Succeeded" });
		await operator.waitFor(7);
		await quiet(test);
		expect(await typesReceived(operator, 7)).toEqual([
			...Array.from({ length: 5 }, () => "fanfare.delivery.exhausted"),
			"fanfare.webhook.failing",
			"fanfare.webhook.recovered",
		]);
		const ended = (await test.deliveries({ webhookId: own.id })).map(({ status }) => status).sort();
		expect(ended).toEqual([...Array.from({ length: 6 }, () => "Failed"), "Succeeded"]);
		expect(await test.store.webhookHealth([own.id])).toEqual([HEALTHY]);
	});

	it("can't be sent by producers, alone or in a batch, and are sent in catalogued projects", async () => {
		await using customer = await startReceiver();
		customer.script(() => ({ status: 500 }));
		await using operator = await startReceiver();
		await using test = await openTestEngine();
		const refusal = {
			code: "invalid_request",
			issues: [{ path: "type", message: expect.stringContaining("must not start with fanfare.") }],
		};
		await expect(test.send({ type: "fanfare.webhook.failing" })).rejects.toMatchObject(refusal);
		const [sent, refused] = await test.engine.intake.sendBatch(test.scope, [
			eventInput(),
			eventInput({ type: "fanfare.x" }),
		]);
		expect(sent).toMatchObject({ duplicate: false });
		expect(refused).toMatchObject(refusal);
		expect(await eventTypes(test)).toEqual(["test.event"]);

		const settings = { description: null, schemaJson: null, exampleJson: null, archived: false };
		await test.engine.eventTypes.create(test.change, "test.event", settings);
		await test.engine.projects.update(test.change, { eventTypes: "catalogued" });
		await test.createWebhook(customer.url, ONCE);
		await test.createWebhook(operator.url, { eventTypes: ["fanfare.delivery.exhausted"] });
		await test.send();
		await operator.waitFor(1);
	});

	it("are reported as a problem when they can't be stored, and change nothing else", async () => {
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
			await eventually("a send is accepted", () => test.send().catch(() => null));
		}
		await eventually("all have failed", async () => {
			test.clock.advance(250);
			const deliveries = await test.deliveries();
			return deliveries.length === 3 && deliveries.every(({ status }) => status === "Failed");
		});
		const messages = test.observer.problems.map(({ message }) => message);
		expect(messages).toContain("an event fanfare.delivery.exhausted could not be sent");
	});

	it("are not sent while the limit of waiting sends is reached", async () => {
		await using customer = await startReceiver();
		customer.script(() => ({ status: 500 }));
		// With this limit a send is accepted only while no other one waits, and an own event never.
		await using test = await openTestEngine({ limits: { maxWaitingSends: 0 } });
		await test.createWebhook(customer.url, ONCE);
		await test.createWebhook(customer.url, { eventTypes: ["fanfare.*"] });
		await test.delivery(await test.send(), { status: "Failed" });
		await eventually("the problem is reported", () => test.observer.problems.length > 0);
		expect(test.observer.problems).toContainEqual({
			message: "an event fanfare.delivery.exhausted could not be sent",
			error: expect.objectContaining({ code: "overloaded" }),
			facts: { projectId: test.projectId },
		});
		expect(await eventTypes(test)).toEqual(["test.event"]);
	});
});
