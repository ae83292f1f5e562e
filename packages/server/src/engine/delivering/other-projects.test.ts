// Projects beside one whose webhooks hang, or whose deliveries wait in the store: they must not notice.
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import type { EngineLimits } from "../parts.ts";
import { eventually, openTestEngine } from "../test/test-engine.ts";

/** An engine with a greedy project that has many webhooks, and another one with a single webhook. */
async function open(to: { greedy: Receiver; other: Receiver }, webhooks: number, limits: Partial<EngineLimits>) {
	const greedy = await openTestEngine({ limits });
	const other = greedy.in((await greedy.engine.projects.create("other", null)).id);
	for (let n = 0; n < webhooks; n++) await greedy.createWebhook(to.greedy.url);
	const { id: otherId } = await other.createWebhook(to.other.url);
	return { greedy, other, otherId };
}

describe("2,000 hanging webhooks of one project", () => {
	const limits = { maxInFlight: 64, maxReady: 1_000 };

	it("leave places and room to another project, whose events arrive at once", async () => {
		await using hanging = await startReceiver();
		hanging.script(() => ({ kind: "hang" }));
		await using receiver = await startReceiver();
		const { greedy, other } = await open({ greedy: hanging, other: receiver }, 2_000, limits);
		await using _ = greedy;
		for (let count = 0; count < 3; count++) await greedy.send();
		await hanging.waitFor(48);
		expect(greedy.engine.gauges().readyDeliveries).toBeGreaterThan(500);

		for (let count = 1; count <= 10; count++) {
			await other.delivery(await other.send(), { status: "Succeeded" });
			expect(receiver.requests).toHaveLength(count);
		}
		const many = await Promise.all(Array.from({ length: 50 }, () => other.send()));
		for (const eventId of many) await other.delivery(eventId, { status: "Succeeded" });
		expect(hanging.requests).toHaveLength(48);
	});

	it("do not keep another project's deliveries in the store: its retries are made when they are due", async () => {
		await using hanging = await startReceiver();
		hanging.script(() => ({ kind: "hang" }));
		await using receiver = await startReceiver();
		receiver.script((_request, index) => ({ status: index === 0 ? 500 : 200 }));
		const { greedy, other } = await open({ greedy: hanging, other: receiver }, 2_000, limits);
		await using _ = greedy;
		const eventId = await other.send();
		await other.delivery(eventId, { attemptCount: 1 });
		for (let count = 0; count < 3; count++) await greedy.send();
		await hanging.waitFor(48);
		greedy.clock.advance(1_000);
		await other.delivery(eventId, { status: "Succeeded", attemptCount: 2 });
	});
});

describe("300 webhooks of one project with due deliveries in the store", () => {
	it("let another project claim beside them", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 500 }));
		const { greedy, other, otherId } = await open({ greedy: receiver, other: receiver }, 300, {});
		await using _ = greedy;
		await greedy.send();
		await receiver.waitFor(300);
		greedy.clock.advance(100);
		const eventId = await other.send();
		await other.delivery(eventId, { attemptCount: 1 });
		await eventually("all attempts to be recorded", () => greedy.engine.gauges().inFlightAttempts === 0);

		receiver.script(() => ({}));
		const { store, engineStore } = greedy;
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
			greedy.clock.advance(950);
			await eventually("the greedy project claims", () => claimed.length > 0);
			greedy.clock.advance(100);
			await other.delivery(eventId, { status: "Succeeded", attemptCount: 2 });
			expect(claimed).toHaveLength(3);
		} finally {
			answer.resolve();
		}
		await receiver.waitFor(602);
	});
});
