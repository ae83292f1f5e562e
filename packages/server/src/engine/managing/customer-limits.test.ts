// What one customer may have at once, and the own events about what customers do.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { customerOf, customerScope, type Scope } from "../../core/access/principal.ts";
import type { ProjectSettings } from "../../core/workspace.ts";
import { ANY_DELIVERY, NEWEST } from "../../ports/contract/store/records/records.ts";
import { ANY_WEBHOOK } from "../../ports/contract/store/records/webhooks.ts";
import { codeOf, draft, MISSED, NOBODY, openDelivering, subscribe } from "../test/arrangements.ts";
import { changeIn, eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const ofCustomer = (test: TestEngine, customerId: string) => customerScope(test.projectId, customerId);
const streamOf = (test: TestEngine, customerId: string) => subscribe(test, { scope: ofCustomer(test, customerId) });

describe("a customer", () => {
	it("has a limited number of webhooks, also if they are created at once; others have their own", async () => {
		await using test = await openTestEngine({ limits: { maxWebhooksPerCustomer: 3 } });
		const create = (customerId: string | null) => test.createWebhook(NOBODY, { customerId });
		const codes = await Promise.all(Array.from({ length: 5 }, () => codeOf(create("acme"))));
		expect(codes).toEqual([null, null, null, "too_many_webhooks", "too_many_webhooks"]);
		for (let n = 0; n < 3; n++) await create("globex");
		for (let n = 0; n < 4; n++) await create(null);
		const { rows } = await test.store.webhooks(ofCustomer(test, "acme"), ANY_WEBHOOK, NEWEST);
		await test.engine.webhooks.delete(test.change, rows[0]?.id ?? "");
		await create("acme");
	});

	it("counts one after the other, and neither the project nor another customer waits for that", async () => {
		await using test = await openTestEngine();
		const gate = Promise.withResolvers<void>();
		let counting = 0;
		test.engineStore.countDeliveries = async (scope, ...rest) => {
			if (customerOf(scope) === "acme") {
				counting++;
				await gate.promise;
			}
			return test.store.countDeliveries(scope, ...rest);
		};
		const filter = { ...ANY_DELIVERY, eventTypes: ["a"] };
		const count = (scope: Scope) => test.engine.deliveries.count(scope, filter);
		const ofAcme = Array.from({ length: 3 }, () => count(ofCustomer(test, "acme")));
		await eventually("the first count", () => counting > 0);
		for (const scope of [test.scope, ofCustomer(test, "globex")]) {
			expect(await count(scope)).toMatchObject({ count: 0, complete: true });
		}
		expect(counting).toBe(1);
		gate.resolve();
		await Promise.all(ofAcme);
	});

	it("has a limited number of running replays and streams, which are not those of the project", async () => {
		await using test = await openTestEngine({ limits: { maxReplaysPerCustomer: 2, maxStreamsPerCustomer: 2 } });
		const start = async (customerId: string | null) => {
			const { id } = await test.createWebhook(NOBODY, { customerId });
			await test.engine.webhooks.pause(test.change, id);
			return test.engine.replays.start(test.change, id, MISSED);
		};
		for (const customerId of ["acme", "acme", "globex", "globex"]) await start(customerId);
		const message = "2 replays of this customer are running. Wait until one has ended, or cancel one.";
		await expect(start("acme")).rejects.toMatchObject({ code: "too_many_replays", message });
		for (let n = 0; n < 10; n++) await start(null);
		expect(await codeOf(start(null))).toBe("too_many_replays");
		for (const customerId of ["acme", "acme", "globex"]) streamOf(test, customerId);
		expect(await codeOf(() => streamOf(test, "acme"))).toBe("too_many_streams");
		streamOf(test, "globex");
	});

	it("tests a limited number of webhooks at once, which the project can change", async () => {
		const { receiver, test, id } = await openDelivering({ customerId: "acme" });
		const answer = Promise.withResolvers<object>();
		receiver.script(() => answer.promise);
		const other = await test.createWebhook(receiver.url, { customerId: "globex" });
		const ask = (webhookId: string) => test.engine.webhooks.test(test.change, webhookId, null);
		const underWay = [ask(id), ask(id)];
		expect(await codeOf(ask(id))).toBe("overloaded");
		underWay.push(ask(other.id));
		await test.engine.projects.update(test.change, { maxTestsPerCustomer: 3 });
		underWay.push(ask(id));
		expect(await codeOf(ask(id))).toBe("overloaded");
		answer.resolve({});
		for (const { status } of await Promise.all(underWay)) expect(status).toBe("Ok");
		expect(await ask(id)).toMatchObject({ status: "Ok" });
	});
});

it("the limits of a project's customers are its own if it has any, count at once, and leave other projects alone", async () => {
	const limits = { maxWebhooksPerCustomer: 2, maxReplaysPerCustomer: 1, maxStreamsPerCustomer: 1 };
	await using test = await openTestEngine({ limits });
	const set = (changes: Partial<ProjectSettings>) => test.engine.projects.update(test.change, changes);
	const create = (projectId = test.projectId) => test.createWebhook(NOBODY, { customerId: "acme" }, projectId);
	await set({ maxWebhooksPerCustomer: 3, maxReplaysPerCustomer: 2, maxStreamsPerCustomer: 2 });
	const [webhook] = [await create(), await create(), await create()];
	const message = /^A customer has at most 3 webhooks\..*maxWebhooksPerCustomer of the project\.$/;
	await expect(create()).rejects.toMatchObject({ code: "too_many_webhooks", message: expect.stringMatching(message) });
	await test.engine.webhooks.pause(test.change, webhook.id);
	const replay = () => test.engine.replays.start(test.change, webhook.id, MISSED);
	for (let n = 0; n < 2; n++) {
		await replay();
		streamOf(test, "acme");
	}
	expect(await codeOf(replay)).toBe("too_many_replays");
	expect(await codeOf(() => streamOf(test, "acme"))).toBe("too_many_streams");

	const { id: otherId } = await test.engine.projects.create("Other", null);
	for (let n = 0; n < 2; n++) await create(otherId);
	expect(await codeOf(create(otherId))).toBe("too_many_webhooks");

	// Lower than what there is: what is there stays, and nothing is added.
	await set({ maxWebhooksPerCustomer: null });
	await test.engine.webhooks.delete(test.change, webhook.id);
	await expect(create()).rejects.toThrow("A customer has at most 2 webhooks.");
});

it("own events tell what a customer and the product do to webhooks, and who it was", async () => {
	await using operator = await startReceiver();
	await using test = await openTestEngine();
	await test.createWebhook(operator.url, { eventTypes: ["fanfare.webhook.*"] });
	const caller = { portalSessionId: "portal_1", actor: "bo@acme.example" };
	const byCustomer = {
		scope: ofCustomer(test, "acme"),
		audit: draft("webhook.create", { customerId: "acme", ...caller }),
	};
	const byKey = {
		...changeIn(test.projectId),
		audit: draft("webhook.create", { keyId: "key_1", actor: caller.actor }),
	};
	const none = { customerId: null, key: null, description: null, eventTypes: null, rateLimit: null };
	const retries = { maxRetries: 3, maxBackoffMs: 15_000 };
	const settings = { ...none, retries, timeoutMs: 15_000, disableAfterMs: 0, metadata: {}, headers: {} };
	const { webhooks } = test.engine;
	const { id, customerId } = await webhooks.create(byCustomer, { ...settings, name: "Orders", endpoint: NOBODY }, null);
	expect(customerId).toBe("acme");
	await webhooks.update(byCustomer, id, { name: "New" });
	await webhooks.update(byCustomer, id, {});
	await webhooks.pause(byKey, id);
	await webhooks.resume(byCustomer, id);
	await webhooks.delete(byCustomer, id);
	// The server's own changes are told in other events.
	await test.createWebhook(NOBODY);
	await eventually("all are told", () => operator.requests.length === 5);
	const told = operator.requests.map(({ rawBody }) => JSON.parse(rawBody.toString()) as { type: string; data: object });
	const ofWebhook = { webhookId: id, customerId: "acme", name: "New" };
	const customer = { ...ofWebhook, actor: { kind: "customer", ...caller } };
	expect(Object.fromEntries(told.map(({ type, data }) => [type, data]))).toEqual({
		"fanfare.webhook.created": { ...customer, name: "Orders" },
		"fanfare.webhook.updated": customer,
		"fanfare.webhook.paused": { ...ofWebhook, actor: { kind: "key" } },
		"fanfare.webhook.resumed": customer,
		"fanfare.webhook.deleted": customer,
	});
});

describe("what a project keeps of its customers", () => {
	const by = (test: TestEngine, id: string) => ({ ...test.change, scope: ofCustomer(test, id) });

	it("is a name or metadata for a limited number of them, also if they are changed at once", async () => {
		await using test = await openTestEngine({ limits: { maxCustomers: 3 } });
		const { customers } = test.engine;
		const name = (id: string) => customers.update(by(test, id), { name: id });
		const codes = await Promise.all(["a", "b", "c", "d", "e"].map((id) => codeOf(name(id))));
		expect(codes).toEqual([null, null, null, "too_many_customers", "too_many_customers"]);
		const message = /^A project keeps a name or metadata for at most 3 customers\. .*FANFARE_MAX_CUSTOMERS\.$/;
		await expect(name("e")).rejects.toThrow(message);
		const isKnown = async (id: string) => (await codeOf(customers.get(ofCustomer(test, id)))) === null;
		expect(await isKnown("e")).toBe(false);
		// Webhooks and sends for any other customer go on, and what makes room is never refused.
		await test.createWebhook(NOBODY, { customerId: "e" });
		await test.send({ customers: "f" });
		await customers.update(by(test, "a"), { name: null });
		await customers.delete(by(test, "b"));
		await eventually("the customer is gone", async () => !(await isKnown("b")));
		for (const id of ["e", "f"]) await name(id);
		expect(await codeOf(name("g"))).toBe("too_many_customers");
	});

	it("takes a limited number of bytes", async () => {
		await using test = await openTestEngine({ limits: { maxCustomerBytes: 2_000 } });
		const [x, y] = ["x".repeat(500), "x"];
		const put = (id: string, ...values: readonly string[]) =>
			test.engine.customers.update(by(test, id), { metadata: Object.fromEntries(values.entries()) });
		await put("acme", x, x, x);
		await expect(put("globex", x, x, x)).rejects.toMatchObject({
			code: "customers_too_large",
			message: expect.stringMatching(/at most 2000 bytes together\. .*FANFARE_MAX_CUSTOMER_BYTES\.$/),
		});
		await put("acme", x, x, y);
		await put("globex", x);
	});
});
