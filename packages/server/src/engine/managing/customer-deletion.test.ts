import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { EVERY_CUSTOMER, type EventCustomers } from "../../core/access/customer.ts";
import { customerScope } from "../../core/access/principal.ts";
// The deletion of a customer: what goes and what is told, who is refused meanwhile, and what a crash at any step leaves.
import { ANY_DELIVERY } from "../../ports/contract/store/records/records.ts";
import type { Store } from "../../ports/store/store.ts";
import type { Change } from "../change.ts";
import { changeIn, eventInput, eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const NOBODY = "http://127.0.0.1:9/";
const LIMITS = { eraseStep: 3 };
const AUDIT = {
	keyId: "key_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77",
	customerId: null,
	portalSessionId: null,
	sessionId: null,
	actor: "ada@example.com",
	action: "customer.delete",
	fields: [],
	requestId: "req_1",
};

/** The change with which somebody deletes a customer. */
function deletionOf(test: TestEngine, customerId: string): Change {
	return { scope: customerScope(test.projectId, customerId), audit: AUDIT };
}

function isKnown(test: TestEngine, customerId = "acme"): Promise<boolean> {
	return test.store.customer(customerScope(test.projectId, customerId)).then((customer) => customer !== null);
}

/** Moves the clock on until a customer is not known any more. */
function gone(test: TestEngine, customerId = "acme"): Promise<unknown> {
	return eventually(`${customerId} is deleted`, async () => {
		test.clock.advance(10);
		return !(await isKnown(test, customerId));
	});
}

async function settled(test: TestEngine): Promise<void> {
	await eventually("all deliveries have ended", async () => {
		test.clock.advance(1_000);
		return (await test.store.countOpen()).Pending === 0;
	});
}

/** Two customers with two webhooks each, one of the product, and events for all kinds of customers. */
async function populate(test: TestEngine, receiver: Receiver): Promise<readonly string[]> {
	for (const customerId of ["acme", "acme", "globex", "globex", null]) {
		await test.createWebhook(receiver.url, { customerId, name: `a hook of ${customerId ?? "the product"}` });
	}
	await test.engine.customers.update(
		{ scope: customerScope(test.projectId, "acme"), audit: null },
		{ name: "Acme Inc." },
	);
	const ids: string[] = [];
	for (const customers of ["acme", ["acme"], ["acme", "globex"], EVERY_CUSTOMER, "globex", null] as EventCustomers[]) {
		for (let n = 0; n < 3; n++)
			ids.push(await test.send({ customers, dataJson: `{"secret":"of ${String(customers)}"}` }));
	}
	await settled(test);
	return ids;
}

/** What of `populate` must be gone, and what must not. */
async function expectErased(store: Store, test: TestEngine, eventIds: readonly string[]): Promise<void> {
	const own = customerScope(test.projectId, "acme");
	expect(await store.customer(own)).toBeNull();
	expect(await store.deletingCustomers(null)).toEqual([]);
	const erased = new Set<string>();
	for (const [index, eventId] of eventIds.entries()) {
		const isAlone = index < 6;
		expect([index, await store.eventBody(test.scope, eventId)]).toEqual([index, isAlone ? null : expect.anything()]);
		for (const delivery of await test.deliveries({ eventId })) {
			expect(delivery.customerId).not.toBe("acme");
			const [record] = await store.webhookRecords([delivery.webhookId]);
			if (record?.name === "") erased.add(record.id);
			const isErased = isAlone || record?.name === "";
			for (const { response } of await test.attempts(delivery.id)) {
				expect(response?.body).toBe(isErased ? "" : "an answer");
			}
		}
	}
	const records = await store.webhookRecords((await store.webhookSummaries(null, 100)).map(({ id }) => id));
	const names = records.filter(({ deleteDate }) => deleteDate === null).map(({ name }) => name);
	expect(names.toSorted()).toEqual(["a hook of globex", "a hook of globex", "a hook of the product"]);
	expect(erased.size).toBe(2);
}

async function answering(): Promise<Receiver> {
	const receiver = await startReceiver();
	receiver.script(() => ({ status: 200, body: "an answer" }));
	return receiver;
}

function entriesOf(test: TestEngine, action: string) {
	const filter = { keyId: null, projectId: test.projectId, objectId: null, action, after: null, before: null };
	return test.store.auditEntries(filter, { limit: 100, cursor: null }).then(({ rows }) => rows);
}

describe("deleting a customer", () => {
	it("leaves nothing of it, and everything of others", async () => {
		await using receiver = await answering();
		await using test = await openTestEngine({ limits: LIMITS });
		const eventIds = await populate(test, receiver);
		const begun = await test.engine.customers.delete(deletionOf(test, "acme"));
		expect(begun).toMatchObject({ customerId: "acme", deletion: { webhooksLeft: 2, eventCount: 0 } });
		await gone(test);
		await expectErased(test.store, test, eventIds);
		expect(test.observer.problems).toEqual([]);
		expect(test.observer.notes).toContain("a customer was deleted");
		await expect(test.engine.customers.get(customerScope(test.projectId, "acme"))).rejects.toMatchObject({
			code: "customer_not_found",
		});
		await expect(test.engine.customers.delete(deletionOf(test, "acme"))).rejects.toMatchObject({
			code: "customer_not_found",
		});
	});

	it("shows how far it is, and is one deletion however often it is asked for", async () => {
		await using receiver = await answering();
		await using test = await openTestEngine({ limits: LIMITS });
		await populate(test, receiver);
		const seen: unknown[] = [];
		const { scope } = deletionOf(test, "acme");
		test.engineStore.stepCustomerDeletion = async (customer, options) => {
			const again = test.engine.customers.delete(deletionOf(test, "acme"));
			const { deletion, webhookCount } = await test.engine.customers.get(scope);
			expect((await again).deletion).toEqual(deletion);
			seen.push([webhookCount, deletion?.webhooksLeft, deletion?.deliveryCount, deletion?.eventCount]);
			return test.store.stepCustomerDeletion(customer, options);
		};
		await test.engine.customers.delete(deletionOf(test, "acme"));
		await gone(test);
		expect(seen[0]).toEqual([0, 2, 0, 0]);
		expect(seen.at(-1)).toEqual([0, 0, 24, 6]);
		expect(seen).toEqual(expect.arrayContaining([[0, 1, expect.any(Number), 0]]));
		expect(await entriesOf(test, "customer.delete")).toHaveLength(1);
	});

	it("is in the audit log from its beginning to its end, each step in the name of whoever has asked for it", async () => {
		await using receiver = await answering();
		await using test = await openTestEngine({ limits: LIMITS });
		await populate(test, receiver);
		await test.engine.portalSessions.create(test.change, session("acme"));
		await test.engine.customers.delete(deletionOf(test, "acme"));
		await gone(test);
		const { keyId, actor, requestId } = AUDIT;
		const asked = { keyId, actor, requestId };
		expect(await entriesOf(test, "customer.delete")).toMatchObject([{ ...asked, objectId: "acme", fields: [] }]);
		expect(await entriesOf(test, "webhook.delete")).toMatchObject([asked, asked]);
		expect(await entriesOf(test, "portal_session.revoke_many")).toMatchObject([{ ...asked, objectId: "acme" }]);
		expect(await entriesOf(test, "customer.deleted")).toMatchObject([{ keyId: null, actor: null, objectId: "acme" }]);
	});

	it("is told to the product alone, without what the customer has written", async () => {
		await using receiver = await answering();
		await using product = await startReceiver();
		await using nosy = await startReceiver();
		await using test = await openTestEngine({ limits: LIMITS });
		await populate(test, receiver);
		const eventTypes = ["fanfare.customer.*", "fanfare.webhook.*"];
		await test.createWebhook(product.url, { eventTypes });
		for (const customerId of ["acme", "globex"]) await test.createWebhook(nosy.url, { eventTypes, customerId });
		await test.engine.customers.delete(deletionOf(test, "acme"));
		await gone(test);
		await eventually("all are told", () => product.requests.length === 4);
		await settled(test);
		const told = product.requests.map(
			({ rawBody }) => JSON.parse(rawBody.toString()) as { type: string; data: object },
		);
		const webhook = { webhookId: expect.any(String), actor: { kind: "key" }, customerId: "acme" };
		const deleted = { type: "fanfare.webhook.deleted", data: webhook };
		const counts = { webhookCount: 3, deliveryCount: 24, eventCount: 6 };
		const last = { type: "fanfare.customer.deleted", data: { customerId: "acme", ...counts } };
		expect(told.map(({ type, data }) => ({ type, data }))).toEqual([deleted, deleted, deleted, last]);
		expect(nosy.requests).toEqual([]);
		const { rows } = await test.store.events(
			test.scope,
			{ types: null, after: null, before: null },
			{ limit: 99, cursor: null },
		);
		for (const { id } of rows) {
			const body = await test.store.eventBody(test.scope, id);
			if (body !== null) expect(Buffer.from(body).toString()).not.toContain("a hook of acme");
		}
	});
});

function session(customerId: string) {
	return {
		customerId,
		keyId: null,
		capabilities: [],
		actor: null,
		returnUrl: null,
		theme: null,
		locale: null,
		expiresInMs: 60_000,
	};
}

/** An engine whose deletion of `acme` waits in its first step until it is let go on. */
async function openHeld(receiver: Receiver) {
	const test = await openTestEngine({ limits: LIMITS });
	await populate(test, receiver);
	const { promise: held, resolve: goOn } = Promise.withResolvers<void>();
	test.engineStore.stepCustomerDeletion = async (customer, options) => {
		await held;
		return test.store.stepCustomerDeletion(customer, options);
	};
	await test.engine.customers.delete(deletionOf(test, "acme"));
	return { test, goOn };
}

describe("while a customer is being deleted", () => {
	const refusal = {
		code: "customer_being_deleted",
		message: expect.stringMatching(/^The customer acme is being deleted\. When GET …\/customers\/acme answers 404/),
	};

	it("what would belong to it is refused, and what is for others or for all is not", async () => {
		await using receiver = await answering();
		const { test, goOn } = await openHeld(receiver);
		await using _ = test;
		const { engine, projectId } = test;
		const at = (path: string) => ({ ...refusal, issues: [{ path, message: "is being deleted" }] });
		await expect(test.send({ customers: "acme" })).rejects.toMatchObject(at("customerId"));
		await expect(test.send({ customers: ["globex", "acme"] })).rejects.toMatchObject(at("customerIds.1"));
		const inputs = ["globex", "acme", EVERY_CUSTOMER].map((customers) => eventInput({ customers }));
		const [first, second, third] = await engine.intake.sendBatch(test.scope, inputs);
		expect([first, third]).toMatchObject([{ duplicate: false }, { duplicate: false }]);
		expect(second).toMatchObject(at("customerId"));
		await expect(test.createWebhook(NOBODY, { customerId: "acme" })).rejects.toMatchObject(at("customerId"));
		await expect(engine.portalSessions.create(test.change, session("acme"))).rejects.toMatchObject(at("customerId"));
		const change = { scope: customerScope(projectId, "acme"), audit: null };
		await expect(engine.customers.update(change, { name: "x" })).rejects.toMatchObject(refusal);
		await expect(engine.customers.pause(change)).rejects.toMatchObject(refusal);
		await expect(engine.customers.resume(change)).rejects.toMatchObject(refusal);
		for (const customers of ["globex", null] as const) await test.send({ customers });
		await test.createWebhook(NOBODY, { customerId: "globex" });
		const other = test.in((await engine.projects.create("other", null)).id);
		await other.createWebhook(NOBODY, { customerId: "acme" });
		await other.send({ customers: "acme" });

		goOn();
		await gone(test);
		await test.createWebhook(receiver.url, { customerId: "acme" });
		const eventId = await test.send({ customers: "acme" });
		await settled(test);
		const { rows } = await test.store.deliveries(customerScope(projectId, "acme"), ANY_DELIVERY, {
			limit: 9,
			cursor: null,
		});
		expect(rows.map((row) => row.eventId)).toEqual([eventId]);
	});

	it("a repeat of a send from before is still answered with its event", async () => {
		await using receiver = await answering();
		await using test = await openTestEngine({ limits: LIMITS });
		await test.createWebhook(receiver.url, { customerId: "acme" });
		const input = { customers: "acme", idempotencyKey: "k" };
		const eventId = await test.send(input);
		await settled(test);
		const { promise: held, resolve: goOn } = Promise.withResolvers<void>();
		test.engineStore.stepCustomerDeletion = async (customer, options) => {
			await held;
			return test.store.stepCustomerDeletion(customer, options);
		};
		await test.engine.customers.delete(deletionOf(test, "acme"));
		expect(await test.send(input)).toBe(eventId);
		await expect(test.send({ ...input, idempotencyKey: "other" })).rejects.toMatchObject(refusal);
		goOn();
		await gone(test);
		// The key is known for as long as any other.
		expect(await test.send(input)).toBe(eventId);
	});

	it("sends that wait for their commit when it begins are refused, too", async () => {
		await using receiver = await answering();
		const held = Promise.withResolvers<void>();
		let isHeld = false;
		await using test = await openTestEngine({
			limits: LIMITS,
			beforeCommit: async ({ events }) => {
				if (events.length > 0 && isHeld) await held.promise;
			},
		});
		await test.createWebhook(receiver.url, { customerId: "acme" });
		const { promise: stepping, resolve: goOn } = Promise.withResolvers<void>();
		test.engineStore.stepCustomerDeletion = async (customer, options) => {
			await stepping;
			return test.store.stepCustomerDeletion(customer, options);
		};
		isHeld = true;
		const waiting = [test.send({ customers: "acme" }), test.send({ customers: "globex" })] as const;
		await test.engine.customers.delete(deletionOf(test, "acme"));
		isHeld = false;
		held.resolve();
		await expect(waiting[0]).rejects.toMatchObject(refusal);
		expect(await waiting[1]).toMatch(/^evt_/);
		goOn();
		await gone(test);
	});

	it("others' sends are committed between its steps", async () => {
		await using receiver = await answering();
		await using test = await openTestEngine({ limits: LIMITS });
		await populate(test, receiver);
		const other = test.in((await test.engine.projects.create("other", null)).id);
		let between = 0;
		test.engineStore.stepCustomerDeletion = async (customer, options) => {
			await other.send();
			between++;
			return test.store.stepCustomerDeletion(customer, options);
		};
		await test.engine.customers.delete(deletionOf(test, "acme"));
		await gone(test);
		expect(between).toBeGreaterThan(10);
	});

	it("no attempt begins to its webhooks, and nothing is stored of one that was in flight", async () => {
		await using receiver = await startReceiver();
		const answer = Promise.withResolvers<void>();
		receiver.script(async () => {
			await answer.promise;
			return { status: 500, headers: { "x-secret": "s" }, body: "a late answer" };
		});
		await using test = await openTestEngine({ limits: LIMITS });
		const { id } = await test.createWebhook(receiver.url, { customerId: "acme" });
		const eventId = await test.send({ customers: EVERY_CUSTOMER });
		await receiver.waitFor(1);
		await test.engine.customers.delete(deletionOf(test, "acme"));
		await gone(test);
		answer.resolve();
		const delivery = await test.delivery(eventId, { status: "Cancelled", attemptCount: 1 });
		expect(delivery).toMatchObject({ webhookId: id, customerId: null });
		expect((await test.attempts(delivery.id))[0]).toMatchObject({
			responseCode: 500,
			response: { headers: {}, body: "", bodyTruncated: true },
		});
		test.clock.advance(60_000);
		await test.send();
		expect(receiver.requests).toHaveLength(1);
		expect(test.observer.problems).toEqual([]);
	});

	it("its portal sessions and streams end", async () => {
		await using receiver = await answering();
		await using test = await openTestEngine({ limits: LIMITS });
		await populate(test, receiver);
		const { portalSessions, live } = test.engine;
		const { token } = await portalSessions.create(test.change, session("acme"));
		const principal = portalSessions.authenticate(token);
		const filter = { kinds: null, customerId: null, webhookId: null, eventTypes: null };
		const scope = customerScope(test.projectId, "acme");
		const watch = { kind: "api", scope, filter, lastEventId: null, abandon: () => {} } as const;
		const streams = [live.subscribe({ ...watch, principal }), live.subscribe({ ...watch, principal: null })];
		await test.engine.customers.delete(deletionOf(test, "acme"));
		await gone(test);
		expect(portalSessions.authenticate(token)).toBeNull();
		for (const stream of streams) {
			let last: unknown = null;
			for (let signals = await stream.next(); signals !== null; signals = await stream.next()) last = signals.at(-1);
			expect(last).toMatchObject({ type: "end" });
		}
		// What happened to the former customer is not kept for the next one.
		expect(live.poll({ scope, filter, lastEventId: "x", limit: 100 }).items).toEqual([]);
	});

	it("its project can be deleted, which ends it all", async () => {
		await using receiver = await answering();
		const { test, goOn } = await openHeld(receiver);
		await using _ = test;
		const other = await test.engine.projects.create("other", null);
		await test.engine.projects.delete(changeIn(test.projectId));
		goOn();
		await test.in(other.id).createWebhook(receiver.url, { customerId: "acme" });
		await test.engine.customers.delete({ scope: customerScope(other.id, "acme"), audit: AUDIT });
		await gone(test.in(other.id));
		expect(test.observer.problems).toEqual([]);
	});
});

/** Runs an engine on a store that stops to answer after so many calls of the deletion, as if the process had been killed. */
async function runUntil(store: Store, calls: number, begins: boolean): Promise<{ wasKilled: boolean }> {
	let [left, wasKilled] = [calls, false];
	const hang = () => new Promise<never>(() => {});
	const counted = new Set(["updateWebhook", "sweepWebhook", "stepCustomerDeletion", "endCustomerDeletion", "commit"]);
	const names = Object.keys(store) as (keyof Store)[];
	const mortal = Object.fromEntries(
		names.map((name) => {
			const call = store[name] as (...parameters: unknown[]) => Promise<unknown>;
			const limited = async (...parameters: unknown[]) => {
				if (wasKilled) return hang();
				// Half of the times it is killed before the call is executed, half of the times after that.
				if (counted.has(name) && --left < 0) {
					wasKilled = true;
					if (calls % 2 === 0) await call(...parameters);
					return hang();
				}
				return call(...parameters);
			};
			return [name, limited];
		}),
	) as unknown as Store;
	const test = await openTestEngine({ store: mortal, limits: LIMITS });
	if (begins) await test.engine.customers.delete(deletionOf(test, "acme"));
	await eventually("the end, or the kill", async () => {
		test.clock.advance(10);
		const known = await store.customer(customerScope(test.projectId, "acme"));
		return wasKilled || known === null;
	});
	// A killed process closes nothing; what it has in memory is forgotten with it.
	void test.engine.stop(0);
	return { wasKilled };
}

it("is finished after the next start, at whichever step the process was killed", { timeout: 600_000 }, async () => {
	await using receiver = await answering();
	for (let calls = 0, wasKilled = true; wasKilled; calls++) {
		const store = await openSqliteStore({ path: ":memory:" });
		const first = await openTestEngine({ store, limits: LIMITS });
		const eventIds = await populate(first, receiver);
		await first[Symbol.asyncDispose]();

		({ wasKilled } = await runUntil(store, calls, true));
		const second = await openTestEngine({ store, limits: LIMITS });
		await gone(second);
		await expectErased(store, second, eventIds);
		expect(await entriesOf(second, "webhook.delete")).toHaveLength(2);
		expect(await entriesOf(second, "customer.delete")).toHaveLength(1);
		expect(await entriesOf(second, "customer.deleted")).toHaveLength(1);
		expect(second.observer.problems).toEqual([]);
		await second[Symbol.asyncDispose]();
		await store.close();
		if (!wasKilled) expect(calls).toBeGreaterThan(20);
	}
});
