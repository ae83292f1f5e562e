// Projects, and customers of a project, beside one whose webhooks hang, or whose deliveries wait in the store: they must not notice.
import type { Script } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import type { EngineLimits } from "../parts.ts";
import { FAILS, HANGS, openDelivering, openReceiver } from "../test/delivering.ts";
import { eventually } from "../test/test-engine.ts";

const WEBHOOKS = 300;
/** Room for fewer than a greedy owner's webhooks would take. */
const HANGING: Partial<EngineLimits> = { maxInFlight: 64, maxReady: 1_000, maxWebhooksPerCustomer: WEBHOOKS };

/** Who has the many webhooks; the places that they get in flight, and the claims at once; the webhooks of the others, and what is sent to these. */
const OWNERS = [
	// Three quarters of all, and three quarters of these.
	{ owner: "project", customerId: null, places: 48, claims: 3, others: [{ webhook: {}, input: {} }] },
	{
		owner: "customer",
		customerId: "greedy",
		places: 36,
		claims: 2,
		others: [
			{
				webhook: { customerId: "other", eventTypes: ["for.other"] },
				input: { type: "for.other", customers: "other" },
			},
			{ webhook: { eventTypes: ["for.product"] }, input: { type: "for.product" } },
		],
	},
];

describe.each(OWNERS)("300 webhooks of one $owner", ({ owner, customerId, places, claims, others }) => {
	const inputs = others.map(({ input }) => input);

	async function open(script: Script, limits: Partial<EngineLimits>) {
		const greedy = await openDelivering(script, { limits, webhook: { customerId } });
		const { test } = greedy;
		for (let n = 1; n < WEBHOOKS; n++) await test.createWebhook(greedy.receiver.url, { customerId });
		const receiver = await openReceiver();
		const other = owner === "project" ? test.in((await test.engine.projects.create("other", null)).id) : test;
		const made = others.map(({ webhook }) => other.createWebhook(receiver.url, webhook));
		const [webhook] = await Promise.all(made);
		const sendGreedy = async (count: number) => {
			for (let n = 0; n < count; n++) await test.send({ type: "greedy", customers: customerId });
		};
		return { test, other, otherId: webhook?.id, receiver, greedy: greedy.receiver, sendGreedy };
	}

	it("that hang leave places and room to others, whose events arrive at once", async () => {
		const { test, other, receiver, greedy, sendGreedy } = await open(HANGS, HANGING);
		await sendGreedy(3);
		await greedy.waitFor(places);
		expect(test.engine.gauges().readyDeliveries).toBeGreaterThan(400);
		for (let count = 0; count < 10; count++) {
			for (const input of inputs) await other.delivery(await other.send(input), { status: "Succeeded" });
		}
		const many = await Promise.all(inputs.flatMap((input) => Array.from({ length: 30 }, () => other.send(input))));
		for (const eventId of many) await other.delivery(eventId, { status: "Succeeded" });
		expect(receiver.requests).toHaveLength(40 * inputs.length);
		expect(greedy.requests).toHaveLength(places);
	});

	it("that hang do not keep the deliveries of others in the store: their retries are made when they are due", async () => {
		const { test, other, receiver, greedy, sendGreedy } = await open(HANGS, HANGING);
		receiver.respond([{ status: 500 }]);
		const eventId = await other.send(inputs[0]);
		await other.delivery(eventId, { attemptCount: 1 });
		await sendGreedy(3);
		await greedy.waitFor(places);
		test.clock.advance(1_000);
		await other.delivery(eventId, { status: "Succeeded", attemptCount: 2 });
	});

	it("that have due deliveries in the store let others claim beside them", async () => {
		const limits = { maxWebhooksPerCustomer: WEBHOOKS };
		const { test, other, otherId, receiver, greedy, sendGreedy } = await open(FAILS, limits);
		await sendGreedy(1);
		await greedy.waitFor(WEBHOOKS);
		test.clock.advance(100);
		receiver.respond([{ status: 500 }]);
		const eventId = await other.send(inputs[0]);
		await other.delivery(eventId, { attemptCount: 1 });
		await eventually("all attempts to be recorded", () => test.engine.gauges().inFlightAttempts === 0);

		greedy.script(() => ({}));
		const claimed: string[] = [];
		const answer = Promise.withResolvers<void>();
		// Before the engine is stopped, also if the test fails.
		using _ = { [Symbol.dispose]: answer.resolve };
		test.engineStore.claimDue = async (request) => {
			if (request.webhookId !== otherId) {
				claimed.push(request.webhookId);
				await answer.promise;
			}
			return test.store.claimDue(request);
		};
		test.clock.advance(950);
		await eventually("the greedy one claims", () => claimed.length > 0);
		test.clock.advance(100);
		await other.delivery(eventId, { status: "Succeeded", attemptCount: 2 });
		expect(claimed).toHaveLength(claims);
		answer.resolve();
		await greedy.waitFor(2 * WEBHOOKS);
	});
});
