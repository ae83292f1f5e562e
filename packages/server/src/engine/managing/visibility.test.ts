// Internal event types: no customer gets or sees their events, whatever its filter is and whatever was sent before.
import { describe, expect, it, onTestFinished } from "vitest";

import { EVERY_CUSTOMER } from "../../core/access/customer.ts";
import { customerScope } from "../../core/access/principal.ts";
import { ANY_DELIVERY, NEWEST } from "../../ports/contract/store/records/records.ts";
import type { DeliveryFilter } from "../../ports/store/log.ts";
import { itemsOf, NO_SETTINGS, NOBODY, openPair, subscribe } from "../test/arrangements.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const SETTINGS = { ...NO_SETTINGS, exampleJson: "1" };
const ANY_EVENT = { types: null, after: null, before: null };
const TYPE = "order.margin";

async function openWorld() {
	const test = await openTestEngine();
	const own = await test.createWebhook(NOBODY);
	const acme = await test.createWebhook(NOBODY, { customerId: "acme", eventTypes: ["order.*"] });
	const setVisibility = (visibility: "public" | "internal") =>
		test.engine.eventTypes.put(test.change, TYPE, { ...SETTINGS, visibility });
	const reached = async (eventId: string) => {
		const names = (await test.deliveries({ eventId })).map(({ webhookId }) => (webhookId === own.id ? "own" : "acme"));
		return names.toSorted((a, b) => (a < b ? -1 : 1));
	};
	const scope = customerScope(test.projectId, "acme");
	onTestFinished(() => test[Symbol.asyncDispose]());
	return { test, own, acme, scope, setVisibility, reached };
}

describe("an event of an internal type", () => {
	it("reaches only webhooks without a customer, as soon as the type is internal and for as long", async () => {
		const { test, own, acme, reached, setVisibility } = await openWorld();
		const send = () => test.send({ type: TYPE, customers: "acme" });
		expect(await reached(await send())).toEqual(["acme", "own"]);
		await setVisibility("internal");
		for (const customers of ["acme", ["acme"], EVERY_CUSTOMER]) {
			expect(await reached(await test.send({ type: TYPE, customers }))).toEqual(["own"]);
		}
		// Not even by the id of the webhook.
		const sent = test.send({ type: TYPE, customers: "acme", webhookIds: [own.id, acme.id] });
		const issues = [{ path: "webhookIds.1", message: expect.stringMatching(/internal/) }];
		await expect(sent).rejects.toMatchObject({ issues });
		await test.engine.eventTypes.update(test.change, TYPE, { description: "still internal" });
		expect(await reached(await send())).toEqual(["own"]);
		await setVisibility("public");
		expect(await reached(await send())).toEqual(["acme", "own"]);
		await setVisibility("internal");
		await test.engine.eventTypes.delete(test.change, TYPE);
		expect(await reached(await send())).toEqual(["acme", "own"]);
	});

	it("is hidden from the customer also if it was sent before, and no replay sends it again", async () => {
		const { test, acme, scope, setVisibility } = await openWorld();
		const eventId = await test.send({ type: TYPE, customers: "acme" });
		const shownId = await test.send({ type: "order.paid", customers: "acme" });
		const [delivery] = (await test.deliveries({ eventId })).filter(({ webhookId }) => webhookId === acme.id);
		await setVisibility("internal");
		const { store } = test;
		const shownBy = async (filter: Partial<DeliveryFilter>) =>
			(await store.deliveries(scope, { ...ANY_DELIVERY, ...filter }, NEWEST)).rows.map((one) => one.eventId);
		expect((await store.events(scope, ANY_EVENT, NEWEST)).rows.map(({ id }) => id)).toEqual([shownId]);
		expect([await shownBy({}), await shownBy({ webhookId: acme.id })]).toEqual([[shownId], [shownId]]);
		expect(await shownBy({ eventId })).toEqual([]);
		expect(await store.event(scope, eventId)).toBeNull();
		expect(await store.eventBody(scope, eventId)).toBeNull();
		expect(await store.delivery(scope, delivery?.id ?? "")).toBeNull();
		expect(await store.delivery(test.scope, delivery?.id ?? "")).not.toBeNull();
		const outcomes = ["Succeeded", "Failed", "Cancelled", "Missed"] as const;
		const late = await test.createWebhook(NOBODY, { customerId: "acme" });
		const range = { since: 0, until: null, outcomes, eventTypes: ["order.*"] };
		const estimate = await test.engine.replays.estimate(test.scope, [late.id], range);
		expect(estimate).toMatchObject({ count: 1, complete: true });
	});

	it("is not in a customer's stream", async () => {
		const { test, scope, setVisibility } = await openWorld();
		await setVisibility("internal");
		const items = itemsOf(subscribe(test, { scope }));
		for (const type of [TYPE, "order.paid"]) await test.send({ type, customers: "acme" });
		expect((await items(1))[0]).toMatchObject({ kind: "event.accepted", eventType: "order.paid", deliveryCount: 1 });
	});
});

it("a customer sees only public event types, and tests only with their examples", async () => {
	const { test, acme, scope, setVisibility } = await openWorld();
	await setVisibility("internal");
	await test.engine.eventTypes.put(test.change, "order.paid", SETTINGS);
	const names = async (by: TestEngine["scope"]) =>
		(await test.engine.eventTypes.list(by, null, { limit: 9, cursor: null })).rows.map(({ name }) => name);
	expect(await names(scope)).toEqual(["order.paid"]);
	expect(await names(test.scope)).toEqual([TYPE, "order.paid"]);
	await expect(test.engine.eventTypes.get(scope, TYPE)).rejects.toMatchObject({ code: "event_type_not_found" });
	const asked = test.engine.webhooks.test({ scope, audit: null }, acme.id, { eventType: TYPE, dataJson: null });
	await expect(asked).rejects.toMatchObject({ code: "invalid_request" });
});

it("another process, and the next start, know which types are internal", async () => {
	const { store, one, other } = await openPair();
	await one.createWebhook(NOBODY, { customerId: "acme" });
	await one.engine.eventTypes.put(one.change, TYPE, { ...SETTINGS, visibility: "internal" });
	expect(await other.deliveries({ eventId: await other.send({ type: TYPE, customers: "acme" }) })).toEqual([]);
	await using next = await openTestEngine({ store });
	expect(await next.deliveries({ eventId: await next.send({ type: TYPE, customers: "acme" }) })).toEqual([]);
	await eventually("all is quiet", () => next.engine.gauges().inFlightAttempts === 0);
});
