// Customers of a project beside one whose webhooks hang, or whose deliveries wait in the store: they must not notice.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import type { EngineLimits } from "../parts.ts";
import { eventually, openTestEngine } from "../test/test-engine.ts";

const WEBHOOKS = 500;
const LIMITS: Partial<EngineLimits> = { maxInFlight: 64, maxReady: 1_000, maxWebhooksPerCustomer: WEBHOOKS };
const GREEDY = { customerId: "greedy" };

describe("500 hanging webhooks of one customer", () => {
	it("leave places and room to the project's other customers and to its own webhooks, whose events arrive at once", async () => {
		await using hanging = await startReceiver();
		hanging.script(() => ({ kind: "hang" }));
		await using receiver = await startReceiver();
		await using test = await openTestEngine({ limits: LIMITS });
		for (let n = 0; n < WEBHOOKS; n++) await test.createWebhook(hanging.url, GREEDY);
		await test.createWebhook(receiver.url, { customerId: "other", eventTypes: ["for.other"] });
		await test.createWebhook(receiver.url, { eventTypes: ["for.product"] });
		for (let count = 0; count < 3; count++) await test.send({ type: "for.greedy", customers: "greedy" });
		// Three quarters of the project's 48.
		await hanging.waitFor(36);
		expect(test.engine.gauges().readyDeliveries).toBeGreaterThan(400);

		const later = [
			{ type: "for.other", customers: "other" },
			{ type: "for.product", customers: null },
		];
		for (let count = 0; count < 10; count++) {
			for (const input of later) await test.delivery(await test.send(input), { status: "Succeeded" });
		}
		const many = await Promise.all(later.flatMap((input) => Array.from({ length: 30 }, () => test.send(input))));
		for (const eventId of many) await test.delivery(eventId, { status: "Succeeded" });
		expect(receiver.requests).toHaveLength(80);
		expect(hanging.requests).toHaveLength(36);
	});

	it("do not keep another customer's deliveries in the store: its retries are made when they are due", async () => {
		await using hanging = await startReceiver();
		hanging.script(() => ({ kind: "hang" }));
		await using receiver = await startReceiver();
		receiver.script((_request, index) => ({ status: index === 0 ? 500 : 200 }));
		await using test = await openTestEngine({ limits: LIMITS });
		for (let n = 0; n < WEBHOOKS; n++) await test.createWebhook(hanging.url, GREEDY);
		await test.createWebhook(receiver.url, { customerId: "other" });
		const eventId = await test.send({ customers: "other" });
		await test.delivery(eventId, { attemptCount: 1 });
		for (let count = 0; count < 3; count++) await test.send({ customers: "greedy" });
		await hanging.waitFor(36);
		test.clock.advance(1_000);
		await test.delivery(eventId, { status: "Succeeded", attemptCount: 2 });
	});
});

describe("300 webhooks of one customer with due deliveries in the store", () => {
	it("let another customer of the project claim beside them", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		await using test = await openTestEngine({ limits: { maxWebhooksPerCustomer: 300 } });
		for (let n = 0; n < 300; n++) await test.createWebhook(receiver.url, { customerId: "greedy" });
		const { id: otherId } = await test.createWebhook(receiver.url, { customerId: "other" });
		await test.send({ customers: "greedy" });
		await receiver.waitFor(300);
		test.clock.advance(100);
		const eventId = await test.send({ customers: "other" });
		await test.delivery(eventId, { attemptCount: 1 });
		await eventually("all attempts to be recorded", () => test.engine.gauges().inFlightAttempts === 0);

		receiver.script(() => ({}));
		const { store, engineStore } = test;
		const claimed: string[] = [];
		const answer = Promise.withResolvers<void>();
		engineStore.claimDue = async (request) => {
			if (request.webhookId !== otherId) {
				claimed.push(request.webhookId);
				await answer.promise;
			}
			return store.claimDue(request);
		};
		try {
			test.clock.advance(950);
			await eventually("the greedy customer claims", () => claimed.length > 0);
			test.clock.advance(100);
			await test.delivery(eventId, { status: "Succeeded", attemptCount: 2 });
			// Of the three that the project may make at once.
			expect(claimed).toHaveLength(2);
		} finally {
			answer.resolve();
		}
		await receiver.waitFor(602);
	});
});
