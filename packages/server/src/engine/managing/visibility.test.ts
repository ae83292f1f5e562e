// Internal event types: no customer gets or sees their events, whatever its filter is and whatever was sent before.
import { describe, expect, it } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { EVERY_CUSTOMER } from "../../core/access/customer.ts";
import { customerScope } from "../../core/access/principal.ts";
import type { LiveItem } from "../../core/live.ts";
import { ANY_DELIVERY, NEWEST } from "../../ports/contract/store/records/records.ts";
import { eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const NOBODY = "http://127.0.0.1:9/";
const SETTINGS = { description: null, schemaJson: null, exampleJson: "1", archived: false };
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
	return { test, own, acme, scope, setVisibility, reached, [Symbol.asyncDispose]: () => test[Symbol.asyncDispose]() };
}

describe("an event of an internal type", () => {
	it("reaches only webhooks without a customer, as soon as the type is internal and for as long", async () => {
		await using world = await openWorld();
		const { test, reached, setVisibility } = world;
		const send = () => test.send({ type: TYPE, customers: "acme" });
		expect(await reached(await send())).toEqual(["acme", "own"]);
		await setVisibility("internal");
		for (const customers of ["acme", ["acme"], EVERY_CUSTOMER]) {
			expect(await reached(await test.send({ type: TYPE, customers }))).toEqual(["own"]);
		}
		await test.engine.eventTypes.update(test.change, TYPE, { description: "still internal" });
		expect(await reached(await send())).toEqual(["own"]);
		await setVisibility("public");
		expect(await reached(await send())).toEqual(["acme", "own"]);
		await setVisibility("internal");
		await test.engine.eventTypes.delete(test.change, TYPE);
		expect(await reached(await send())).toEqual(["acme", "own"]);
	});

	it("can't be sent to a customer's webhook by its id", async () => {
		await using world = await openWorld();
		const { test, own, acme, setVisibility } = world;
		await setVisibility("internal");
		const sent = test.send({ type: TYPE, customers: "acme", webhookIds: [own.id, acme.id] });
		await expect(sent).rejects.toMatchObject({
			issues: [{ path: "webhookIds.1", message: expect.stringMatching(/internal/) }],
		});
	});

	it("is hidden from the customer also if it was sent before, and no replay sends it again", async () => {
		await using world = await openWorld();
		const { test, acme, scope, setVisibility } = world;
		const eventId = await test.send({ type: TYPE, customers: "acme" });
		const shownId = await test.send({ type: "order.paid", customers: "acme" });
		const [delivery] = (await test.deliveries({ eventId })).filter(({ webhookId }) => webhookId === acme.id);
		await setVisibility("internal");
		const { store } = test;
		expect((await store.events(scope, ANY_EVENT, NEWEST)).rows.map(({ id }) => id)).toEqual([shownId]);
		expect((await store.deliveries(scope, ANY_DELIVERY, NEWEST)).rows.map((one) => one.eventId)).toEqual([shownId]);
		const byWebhook = { ...ANY_DELIVERY, webhookId: acme.id };
		expect((await store.deliveries(scope, byWebhook, NEWEST)).rows.map((one) => one.eventId)).toEqual([shownId]);
		expect((await store.deliveries(scope, { ...ANY_DELIVERY, eventId }, NEWEST)).rows).toEqual([]);
		expect(await store.event(scope, eventId)).toBeNull();
		expect(await store.eventBody(scope, eventId)).toBeNull();
		expect(await store.delivery(scope, delivery?.id ?? "")).toBeNull();
		expect(await store.delivery(test.scope, delivery?.id ?? "")).not.toBeNull();
		const outcomes = ["Succeeded", "Failed", "Cancelled", "Missed"] as const;
		const late = await test.createWebhook(NOBODY, { customerId: "acme" });
		const range = { since: 0, until: null, outcomes, eventTypes: ["order.*"] };
		expect(await test.engine.replays.estimate(test.scope, [late.id], range)).toMatchObject({
			count: 1,
			complete: true,
		});
	});

	it("is not in a customer's stream", async () => {
		await using world = await openWorld();
		const { test, scope, setVisibility } = world;
		await setVisibility("internal");
		const filter = { kinds: null, customerId: null, webhookId: null, eventTypes: null };
		const stream = test.engine.live.subscribe({
			kind: "api",
			scope,
			principal: null,
			filter,
			lastEventId: null,
			abandon: () => {},
		});
		await test.send({ type: TYPE, customers: "acme" });
		await test.send({ type: "order.paid", customers: "acme" });
		const items: LiveItem[] = [];
		while (items.length === 0) {
			for (const signal of (await stream.next()) ?? []) if (signal.type === "item") items.push(signal.item);
		}
		expect(items[0]).toMatchObject({ kind: "event.accepted", eventType: "order.paid", deliveryCount: 1 });
		stream.close();
	});
});

it("a customer sees only public event types, and tests only with their examples", async () => {
	await using world = await openWorld();
	const { test, acme, scope, setVisibility } = world;
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
	const store = await openSqliteStore({ path: ":memory:" });
	await using closing = new AsyncDisposableStack();
	closing.defer(() => store.close());
	await using one = await openTestEngine({ store });
	await using other = await openTestEngine({ store });
	await one.createWebhook(NOBODY, { customerId: "acme" });
	await one.engine.eventTypes.put(one.change, TYPE, { ...SETTINGS, visibility: "internal" });
	expect(await other.deliveries({ eventId: await other.send({ type: TYPE, customers: "acme" }) })).toEqual([]);
	await using next = await openTestEngine({ store });
	expect(await next.deliveries({ eventId: await next.send({ type: TYPE, customers: "acme" }) })).toEqual([]);
	await eventually("all is quiet", () => next.engine.gauges().inFlightAttempts === 0);
});
