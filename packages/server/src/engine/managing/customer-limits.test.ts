// What one customer may have at once, and the own events about what customers do.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { customerOf, customerScope, type Scope } from "../../core/access/principal.ts";
import type { ProjectSettings } from "../../core/workspace.ts";
import { ANY_DELIVERY } from "../../ports/contract/store/records/records.ts";
import { ANY_WEBHOOK } from "../../ports/contract/store/records/webhooks.ts";
import { changeIn, eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const NOBODY = "http://127.0.0.1:9/";
const RANGE = { since: 0, until: null, outcomes: ["Missed"], eventTypes: null } as const;

function subscribe(test: TestEngine, customerId: string) {
	const filter = { kinds: null, customerId: null, webhookId: null, eventTypes: null };
	const scope = customerScope(test.projectId, customerId);
	return test.engine.live.subscribe({
		kind: "api",
		scope,
		principal: null,
		filter,
		lastEventId: null,
		abandon: () => {},
	});
}

describe("a customer", () => {
	it("has a limited number of webhooks, also if they are created at once; others have their own", async () => {
		await using test = await openTestEngine({ limits: { maxWebhooksPerCustomer: 3 } });
		const create = (customerId: string | null) => test.createWebhook(NOBODY, { customerId });
		const created = await Promise.allSettled(Array.from({ length: 5 }, () => create("acme")));
		expect(created.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
		expect(created.at(-1)).toMatchObject({ reason: { code: "too_many_webhooks" } });
		for (let n = 0; n < 3; n++) await create("globex");
		for (let n = 0; n < 4; n++) await create(null);
		const { rows } = await test.store.webhooks(customerScope(test.projectId, "acme"), ANY_WEBHOOK, {
			limit: 9,
			cursor: null,
		});
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
		const ofAcme = Array.from({ length: 3 }, () => count(customerScope(test.projectId, "acme")));
		await eventually("the first count", () => counting > 0);
		for (const scope of [test.scope, customerScope(test.projectId, "globex")]) {
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
			return test.engine.replays.start(test.change, id, RANGE);
		};
		for (const customerId of ["acme", "acme", "globex", "globex"]) await start(customerId);
		await expect(start("acme")).rejects.toMatchObject({
			code: "too_many_replays",
			message: "2 replays of this customer are running. Wait until one has ended, or cancel one.",
		});
		for (let n = 0; n < 10; n++) await start(null);
		await expect(start(null)).rejects.toMatchObject({ code: "too_many_replays" });
		for (const customerId of ["acme", "acme", "globex"]) subscribe(test, customerId);
		expect(() => subscribe(test, "acme")).toThrow(expect.objectContaining({ code: "too_many_streams" }));
		subscribe(test, "globex");
	});

	it("tests a limited number of webhooks at once", async () => {
		await using receiver = await startReceiver();
		const answer = Promise.withResolvers<void>();
		receiver.script(async () => {
			await answer.promise;
			return { status: 200 };
		});
		await using test = await openTestEngine();
		const { id } = await test.createWebhook(receiver.url, { customerId: "acme" });
		const other = await test.createWebhook(receiver.url, { customerId: "globex" });
		const ask = (webhookId: string) => test.engine.webhooks.test(test.change, webhookId, null);
		const underWay = [ask(id), ask(id)];
		await expect(ask(id)).rejects.toMatchObject({ code: "overloaded" });
		underWay.push(ask(other.id));
		answer.resolve();
		for (const { status } of await Promise.all(underWay)) expect(status).toBe("Ok");
		expect(await ask(id)).toMatchObject({ status: "Ok" });
	});
});

describe("the limits of a project's customers", () => {
	it("are the project's own if it has any, count at once, and leave other projects alone", async () => {
		const limits = { maxWebhooksPerCustomer: 2, maxReplaysPerCustomer: 1, maxStreamsPerCustomer: 1 };
		await using test = await openTestEngine({ limits });
		const set = (changes: Partial<ProjectSettings>) => test.engine.projects.update(test.change, changes);
		const create = () => test.createWebhook(NOBODY, { customerId: "acme" });
		await set({ maxWebhooksPerCustomer: 3, maxReplaysPerCustomer: 2, maxStreamsPerCustomer: 2 });
		const [webhook] = [await create(), await create(), await create()];
		await expect(create()).rejects.toMatchObject({
			code: "too_many_webhooks",
			message: expect.stringMatching(/^A customer has at most 3 webhooks\..*maxWebhooksPerCustomer of the project\.$/),
		});
		await test.engine.webhooks.pause(test.change, webhook.id);
		const replay = () => test.engine.replays.start(test.change, webhook.id, RANGE);
		await replay();
		await replay();
		await expect(replay()).rejects.toMatchObject({ code: "too_many_replays" });
		subscribe(test, "acme");
		subscribe(test, "acme");
		expect(() => subscribe(test, "acme")).toThrow(expect.objectContaining({ code: "too_many_streams" }));

		const { id: otherId } = await test.engine.projects.create("Other", null);
		const createInOther = () => test.createWebhook(NOBODY, { customerId: "acme" }, otherId);
		await createInOther();
		await createInOther();
		await expect(createInOther()).rejects.toMatchObject({ code: "too_many_webhooks" });

		// Lower than what there is: what is there stays, and nothing is added.
		await set({ maxWebhooksPerCustomer: null });
		await test.engine.webhooks.delete(test.change, webhook.id);
		await expect(create()).rejects.toMatchObject({
			message: expect.stringContaining("A customer has at most 2 webhooks."),
		});
	});

	it("limit tests of webhooks", async () => {
		await using receiver = await startReceiver();
		const answer = Promise.withResolvers<void>();
		receiver.script(async () => {
			await answer.promise;
			return { status: 200 };
		});
		await using test = await openTestEngine();
		const { id } = await test.createWebhook(receiver.url, { customerId: "acme" });
		await test.engine.projects.update(test.change, { maxTestsPerCustomer: 3 });
		const ask = () => test.engine.webhooks.test(test.change, id, null);
		const underWay = [ask(), ask(), ask()];
		await expect(ask()).rejects.toMatchObject({ code: "overloaded" });
		answer.resolve();
		for (const { status } of await Promise.all(underWay)) expect(status).toBe("Ok");
	});
});

it("own events tell what a customer and the product do to webhooks, and who it was", async () => {
	await using operator = await startReceiver();
	await using test = await openTestEngine();
	await test.createWebhook(operator.url, { eventTypes: ["fanfare.webhook.*"] });
	const call = { action: "webhook.create", fields: [], requestId: null };
	const audit = {
		...call,
		keyId: null,
		sessionId: null,
		customerId: "acme",
		portalSessionId: "portal_1",
		actor: "bo@acme.example",
	};
	const byCustomer = { scope: customerScope(test.projectId, "acme"), audit };
	const byKey = {
		...changeIn(test.projectId),
		audit: { ...audit, keyId: "key_1", customerId: null, portalSessionId: null },
	};
	const settings = {
		customerId: null,
		key: null,
		name: "Orders",
		endpoint: NOBODY,
		retries: { maxRetries: 3, maxBackoffMs: 15_000 },
		description: null,
		eventTypes: null,
		timeoutMs: 15_000,
		rateLimit: null,
		disableAfterMs: 0,
		metadata: {},
		headers: {},
	};
	const { id, customerId } = await test.engine.webhooks.create(byCustomer, settings, null);
	expect(customerId).toBe("acme");
	await test.engine.webhooks.update(byCustomer, id, { name: "New" });
	await test.engine.webhooks.update(byCustomer, id, {});
	await test.engine.webhooks.pause(byKey, id);
	await test.engine.webhooks.resume(byCustomer, id);
	await test.engine.webhooks.delete(byCustomer, id);
	// The server's own changes are told in other events.
	await test.createWebhook(NOBODY);
	await eventually("all are told", () => operator.requests.length === 5);
	const told = operator.requests.map(({ rawBody }) => JSON.parse(rawBody.toString()) as { type: string; data: object });
	const by = (kind: "key" | "customer") => {
		const who = kind === "key" ? {} : { portalSessionId: "portal_1", actor: "bo@acme.example" };
		return { webhookId: id, actor: { kind, ...who }, customerId: "acme" };
	};
	expect(Object.fromEntries(told.map(({ type, data }) => [type, data]))).toEqual({
		"fanfare.webhook.created": { ...by("customer"), name: "Orders" },
		"fanfare.webhook.updated": { ...by("customer"), name: "New" },
		"fanfare.webhook.paused": { ...by("key"), name: "New" },
		"fanfare.webhook.resumed": { ...by("customer"), name: "New" },
		"fanfare.webhook.deleted": { ...by("customer"), name: "New" },
	});
});

describe("what a project keeps of its customers", () => {
	const codeOf = (call: Promise<unknown>) =>
		call.then(
			() => null,
			(error: unknown) => error,
		);

	it("is a name or metadata for a limited number of them, also if they are changed at once", async () => {
		await using test = await openTestEngine({ limits: { maxCustomers: 3 } });
		const { customers } = test.engine;
		const change = (id: string) => ({ ...test.change, scope: customerScope(test.projectId, id) });
		const name = (id: string) => codeOf(customers.update(change(id), { name: id }));
		const results = await Promise.all(["a", "b", "c", "d", "e"].map(name));
		expect(results.filter((result) => result === null)).toHaveLength(3);
		expect(results.at(-1)).toMatchObject({
			code: "too_many_customers",
			message: expect.stringMatching(
				/^A project keeps a name or metadata for at most 3 customers\. .*FANFARE_MAX_CUSTOMERS\.$/,
			),
		});
		await expect(customers.get(customerScope(test.projectId, "e"))).rejects.toMatchObject({
			code: "customer_not_found",
		});
		// Webhooks and sends for any other customer go on, and what makes room is never refused.
		await test.createWebhook(NOBODY, { customerId: "e" });
		await test.send({ customers: "f" });
		await customers.update(change("a"), { name: null });
		await customers.delete(change("b"));
		await eventually("the customer is gone", async () => (await codeOf(customers.get(change("b").scope))) !== null);
		for (const id of ["e", "f"]) expect(await name(id)).toBeNull();
		expect(await name("g")).toMatchObject({ code: "too_many_customers" });
	});

	it("takes a limited number of bytes", async () => {
		await using test = await openTestEngine({ limits: { maxCustomerBytes: 2_000 } });
		const change = { ...test.change, scope: customerScope(test.projectId, "acme") };
		const metadata = (length: number) => ({
			metadata: { a: "x".repeat(500), b: "x".repeat(500), c: "x".repeat(length) },
		});
		await test.engine.customers.update(change, metadata(500));
		const other = { ...test.change, scope: customerScope(test.projectId, "globex") };
		await expect(test.engine.customers.update(other, metadata(500))).rejects.toMatchObject({
			code: "customers_too_large",
			message: expect.stringMatching(/at most 2000 bytes together\. .*FANFARE_MAX_CUSTOMER_BYTES\.$/),
		});
		await test.engine.customers.update(change, metadata(1));
		await test.engine.customers.update(other, { metadata: { a: "x".repeat(500) } });
	});
});
