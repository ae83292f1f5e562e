// Own events on the real store: when they are sent, what they contain, and who gets them.
import type { Receiver, Script } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { HEALTHY } from "../../core/policies/webhook-health.ts";
import { StoreError } from "../../ports/store/errors.ts";
import { FAILS, ONCE, openDelivering, openReceiver } from "../test/delivering.ts";
import { eventInput, eventually, type TestEngine, type TestEngineOptions } from "../test/test-engine.ts";
import type { NewWebhook } from "../webhook-settings.ts";

const DAY = 86_400_000;

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

async function eventTypes(test: TestEngine): Promise<string[]> {
	const filter = { types: null, after: null, before: null };
	return (await test.store.events(test.scope, filter, { limit: 1_000, cursor: null })).rows.map(({ type }) => type);
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

/** A customer's webhook, whose deliveries are attempted once, and an operator's, which wants these own events. */
async function open(
	script: Script,
	types: readonly string[],
	{ webhook: settings, ...options }: TestEngineOptions & { readonly webhook?: Partial<NewWebhook> } = {},
) {
	const {
		test,
		receiver: customer,
		webhook,
	} = await openDelivering(script, {
		...options,
		webhook: { ...ONCE, name: "Orders", ...settings },
	});
	const operator = await openReceiver();
	const own = await test.createWebhook(operator.url, { ...ONCE, eventTypes: [...types] });
	/** Sends events one after the other, each once the delivery of the one before has ended. */
	const sendAll = async (count: number, status: "Failed" | "Succeeded") => {
		for (let sent = 0; sent < count; sent++) {
			const eventId = await test.send();
			await eventually("its delivery has ended", async () =>
				(await test.deliveries({ eventId })).some((one) => one.webhookId === webhook.id && one.status === status),
			);
		}
	};
	/** Moves the clock on in small steps, so that everything due in between happens, until the operator has this many events. */
	const elapse = (count: number) =>
		eventually("the operator has the events", () => {
			if (operator.requests.length >= count) return received(operator);
			test.clock.advance(10_000);
			return false;
		});
	return { test, customer, webhook, operator, own, sendAll, elapse };
}

describe("own events", () => {
	it("report an exhausted delivery, with its details", async () => {
		const { test, webhook, operator } = await open(FAILS, ["fanfare.*"]);
		const eventId = await test.send();
		await operator.waitFor(1);
		const [delivery] = await test.deliveries({ eventId });
		const event = { webhookId: webhook.id, eventId, eventType: "test.event", attemptCount: 1, responseCode: 500 };
		const reason = "exhausted after 1 attempt: the receiver responded with 500";
		expect(received(operator)).toMatchObject([
			{ type: "fanfare.delivery.exhausted", data: { deliveryId: delivery!.id, ...event, reason } },
		]);
	});

	it("report that a webhook fails by attempts, long before a delivery is exhausted", async () => {
		// The default of the API: retries for about a day.
		const retries = { maxRetries: 17, maxBackoffMs: 28_800_000 };
		const { test, webhook, elapse } = await open(FAILS, ["fanfare.*"], { webhook: { retries } });
		const failingSince = test.clock.now();
		await test.delivery(await test.send(), { attemptCount: 1 });
		const reason = "the receiver responded with 500";
		expect(await elapse(1)).toMatchObject([
			{ type: "fanfare.webhook.failing", data: { webhookId: webhook.id, name: "Orders", failingSince, reason } },
		]);
		expect(await test.deliveries({ webhookId: webhook.id })).toMatchObject([{ status: "Pending" }]);
	});

	it("report that a webhook fails only once until a success, and that success as a recovery", async () => {
		const script: Script = (_, index) => ({ status: index === 12 || index === 13 ? 200 : 500 });
		const { test, webhook, sendAll, elapse } = await open(script, ["fanfare.webhook.*"]);
		const failingSince = test.clock.now();
		await sendAll(6, "Failed");
		await elapse(1);
		await sendAll(6, "Failed");
		test.clock.advance(600_000);
		await sendAll(2, "Succeeded");
		await sendAll(6, "Failed");
		expect(await elapse(3)).toMatchObject([
			{ type: "fanfare.webhook.failing" },
			{ type: "fanfare.webhook.failing" },
			{
				type: "fanfare.webhook.recovered",
				data: { webhookId: webhook.id, name: "Orders", failingSince, exhaustedCount: 12 },
			},
		]);
	});

	it("warn at half of the time and a day before that a webhook will be disabled, with the earliest date", async () => {
		const options = { webhook: { disableAfterMs: 5 * DAY } };
		const { test, webhook, operator, sendAll, elapse } = await open(FAILS, ["fanfare.webhook.*"], options);
		const failingSince = test.clock.now();
		await sendAll(12, "Failed");
		await elapse(1);
		const dates: number[] = [];
		for (const days of [2.5, 4]) {
			test.clock.advance(failingSince + days * DAY - 60_000 - test.clock.now());
			await elapse(dates.length + 2);
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
		const types = ["fanfare.webhook.disabled", "fanfare.replay.finished"];
		const { test, customer, webhook, operator, sendAll } = await open(() => ({}), types);
		await sendAll(1, "Succeeded");
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
		const finished = { replayId: replay.id, webhookId: webhook.id, scannedCount: 1, deliveryCount: 1 };
		const reason = "the receiver responded with 410 Gone";
		expect(received(operator)).toMatchObject([
			{ type: "fanfare.replay.finished", data: finished },
			{ type: "fanfare.webhook.disabled", data: { webhookId: webhook.id, name: "Orders", reason } },
		]);
	});

	it("go only to webhooks that name them, and are not created if no webhook does", async () => {
		const { test, receiver } = await openDelivering(FAILS, { webhook: ONCE });
		await test.delivery(await test.send(), { status: "Failed" });
		await quiet(test);
		expect(await eventTypes(test)).toEqual(["test.event"]);
		const named = await test.createWebhook(receiver.url, { ...ONCE, eventTypes: ["fanfare.delivery.exhausted"] });
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
		const script: Script = (_, index) => ({ status: index < 5 ? 500 : 200 });
		const { test, operator, own, sendAll, elapse } = await open(script, ["fanfare.*"]);
		operator.script((_, index) => ({ status: index < 6 ? 500 : 200 }));
		await sendAll(5, "Failed");
		await operator.waitFor(5);
		await elapse(6);
		await quiet(test);
		await sendAll(1, "Succeeded");
		await operator.waitFor(7);
		await quiet(test);
		expect(received(operator).map(({ type }) => type)).toEqual([
			...Array.from({ length: 5 }, () => "fanfare.delivery.exhausted"),
			"fanfare.webhook.failing",
			"fanfare.webhook.recovered",
		]);
		const ended = (await test.deliveries({ webhookId: own.id })).map(({ status }) => status).sort();
		expect(ended).toEqual([...Array.from({ length: 6 }, () => "Failed"), "Succeeded"]);
		expect(await test.store.webhookHealth([own.id])).toEqual([HEALTHY]);
	});

	it("can't be sent by producers, alone or in a batch, and are sent in catalogued projects", async () => {
		const { test, operator } = await open(FAILS, ["fanfare.delivery.exhausted"]);
		const refusal = {
			code: "invalid_request",
			issues: [{ path: "type", message: expect.stringContaining("must not start with fanfare.") }],
		};
		await expect(test.send({ type: "fanfare.webhook.failing" })).rejects.toMatchObject(refusal);
		const inputs = [eventInput({ webhookIds: [] }), eventInput({ type: "fanfare.x" })];
		const [sent, refused] = await test.engine.intake.sendBatch(test.scope, inputs);
		expect(sent).toMatchObject({ duplicate: false });
		expect(refused).toMatchObject(refusal);
		expect(await eventTypes(test)).toEqual(["test.event"]);

		const settings = { description: null, schemaJson: null, exampleJson: null, archived: false };
		await test.engine.eventTypes.create(test.change, "test.event", settings);
		await test.engine.projects.update(test.change, { eventTypes: "catalogued" });
		await test.send();
		await operator.waitFor(1);
	});

	it("are reported as a problem when they can't be stored, and change nothing else", async () => {
		const { test, webhook } = await open(FAILS, ["fanfare.*"], {
			beforeCommit({ events }) {
				if (events.some(({ event }) => event.type.startsWith("fanfare."))) throw new StoreError("store_full", "full");
			},
		});
		for (let count = 0; count < 3; count++) {
			await eventually("a send is accepted", () => test.send().catch(() => null));
		}
		await eventually("all have failed", async () => {
			test.clock.advance(250);
			const deliveries = await test.deliveries({ webhookId: webhook.id });
			return deliveries.length === 3 && deliveries.every(({ status }) => status === "Failed");
		});
		const messages = test.observer.problems.map(({ message }) => message);
		expect(messages).toContain("an event fanfare.delivery.exhausted could not be sent");
	});

	it("are not sent while the limit of waiting sends is reached", async () => {
		// With this limit a send is accepted only while no other one waits, and an own event never.
		const { test, sendAll } = await open(FAILS, ["fanfare.*"], { limits: { maxWaitingSends: 0 } });
		await sendAll(1, "Failed");
		await eventually("the problem is reported", () => test.observer.problems.length > 0);
		expect(test.observer.problems).toContainEqual({
			message: "an event fanfare.delivery.exhausted could not be sent",
			error: expect.objectContaining({ code: "overloaded" }),
			facts: { projectId: test.projectId },
		});
		expect(await eventTypes(test)).toEqual(["test.event"]);
	});
});
