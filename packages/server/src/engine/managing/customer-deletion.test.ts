// The deletion of a customer: what goes and what is told, who is refused meanwhile, and what a crash at any step leaves.
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { runs } from "@fanfare/testkit/runs";
import { describe, expect, it, onTestFinished } from "vitest";

import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { EVERY_CUSTOMER, type EventCustomers } from "../../core/access/customer.ts";
import { customerScope } from "../../core/access/principal.ts";
import { ANY_DELIVERY, ANY_ENTRY, NEWEST } from "../../ports/contract/store/records/records.ts";
import type { CommitBatch } from "../../ports/store/accept.ts";
import type { Store } from "../../ports/store/store.ts";
import {
	ANY_ITEM,
	codeOf,
	draft,
	newPortalSession,
	NOBODY,
	openDelivering,
	reasonOfEnd,
	subscribe,
} from "../test/arrangements.ts";
import { changeIn, eventInput, eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

const LIMITS = { eraseStep: 3 };
const KEY = "key_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";
const AUDIT = draft("customer.delete", { keyId: KEY, actor: "ada@example.com", requestId: "req_1" });

/** The change with which somebody deletes the customer acme. */
function deletionOf(test: TestEngine) {
	return { scope: customerScope(test.projectId, "acme"), audit: AUDIT };
}

/** Deletes the customer acme. */
function deleteAcme(test: TestEngine) {
	return test.engine.customers.delete(deletionOf(test));
}

/** Moves the clock on until the customer acme is not known any more. */
function gone(test: TestEngine): Promise<unknown> {
	return eventually("acme is deleted", async () => {
		test.clock.advance(10);
		return (await test.store.customer(deletionOf(test).scope)) === null;
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
	await test.engine.customers.update({ ...deletionOf(test), audit: null }, { name: "Acme Inc." });
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
	onTestFinished(() => receiver[Symbol.asyncDispose]());
	receiver.script(() => ({ status: 200, body: "an answer" }));
	return receiver;
}

/** An engine with what is in `populate`. */
async function openPopulated() {
	const receiver = await answering();
	const test = await openTestEngine({ limits: LIMITS });
	onTestFinished(() => test[Symbol.asyncDispose]());
	return { receiver, test, eventIds: await populate(test, receiver) };
}

/** Lets each step of the deletion wait until it may go on. */
function holdSteps(test: TestEngine): () => void {
	const { promise: held, resolve: goOn } = Promise.withResolvers<void>();
	test.engineStore.stepCustomerDeletion = async (customer, options) => {
		await held;
		return test.store.stepCustomerDeletion(customer, options);
	};
	return goOn;
}

function entriesOf(test: TestEngine, action: string) {
	return test.store.auditEntries({ ...ANY_ENTRY, projectId: test.projectId, action }, NEWEST).then(({ rows }) => rows);
}

describe("deleting a customer", () => {
	it("leaves nothing of it, not even streams, and everything of others, and each step is logged in the name of whoever has asked for it", async () => {
		const { test, eventIds } = await openPopulated();
		const { portalSessions, live } = test.engine;
		const { token } = await portalSessions.create(test.change, newPortalSession());
		const { scope } = deletionOf(test);
		const streams = [portalSessions.authenticate(token), null].map((principal) =>
			subscribe(test, { scope, principal }),
		);
		const begun = await deleteAcme(test);
		expect(begun).toMatchObject({ customerId: "acme", deletion: { webhooksLeft: 2, eventCount: 0 } });
		await gone(test);
		await expectErased(test.store, test, eventIds);
		expect(portalSessions.authenticate(token)).toBeNull();
		for (const stream of streams) expect(await reasonOfEnd(stream)).not.toBe("there was no reason");
		// What happened to the former customer is not kept for the next one.
		expect(live.poll({ scope, filter: ANY_ITEM, lastEventId: "x", limit: 100 }).items).toEqual([]);
		expect(test.observer.problems).toEqual([]);
		expect(test.observer.notes).toContain("a customer was deleted");
		expect(await codeOf(test.engine.customers.get(deletionOf(test).scope))).toBe("customer_not_found");
		expect(await codeOf(deleteAcme(test))).toBe("customer_not_found");
		const { keyId, actor, requestId } = AUDIT;
		const asked = { keyId, actor, requestId };
		expect(await entriesOf(test, "customer.delete")).toMatchObject([{ ...asked, objectId: "acme", fields: [] }]);
		expect(await entriesOf(test, "webhook.delete")).toMatchObject([asked, asked]);
		expect(await entriesOf(test, "portal_session.revoke_many")).toMatchObject([{ ...asked, objectId: "acme" }]);
		expect(await entriesOf(test, "customer.deleted")).toMatchObject([{ keyId: null, actor: null, objectId: "acme" }]);
	});

	it("shows how far it is, is one deletion however often it is asked for, and lets others send between its steps", async () => {
		const { test } = await openPopulated();
		const other = test.in((await test.engine.projects.create("other", null)).id);
		const seen: unknown[] = [];
		test.engineStore.stepCustomerDeletion = async (customer, options) => {
			const again = deleteAcme(test);
			const { deletion, webhookCount } = await test.engine.customers.get(deletionOf(test).scope);
			expect((await again).deletion).toEqual(deletion);
			seen.push([webhookCount, deletion?.webhooksLeft, deletion?.deliveryCount, deletion?.eventCount]);
			await other.send();
			return test.store.stepCustomerDeletion(customer, options);
		};
		await deleteAcme(test);
		await gone(test);
		expect(seen.length).toBeGreaterThan(10);
		expect(seen[0]).toEqual([0, 2, 0, 0]);
		expect(seen.at(-1)).toEqual([0, 0, 24, 6]);
		expect(seen).toEqual(expect.arrayContaining([[0, 1, expect.any(Number), 0]]));
		expect(await entriesOf(test, "customer.delete")).toHaveLength(1);
	});

	it("is told to the product alone, without what the customer has written", async () => {
		await using product = await startReceiver();
		await using nosy = await startReceiver();
		const { test } = await openPopulated();
		const eventTypes = ["fanfare.customer.*", "fanfare.webhook.*"];
		await test.createWebhook(product.url, { eventTypes });
		for (const customerId of ["acme", "globex"]) await test.createWebhook(nosy.url, { eventTypes, customerId });
		await deleteAcme(test);
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
		const { rows } = await test.store.events(test.scope, { types: null, after: null, before: null }, NEWEST);
		for (const { id } of rows) {
			const body = await test.store.eventBody(test.scope, id);
			if (body !== null) expect(Buffer.from(body).toString()).not.toContain("a hook of acme");
		}
	});
});

describe("while a customer is being deleted", () => {
	const refusal = {
		code: "customer_being_deleted",
		message: expect.stringMatching(/^The customer acme is being deleted\. When GET …\/customers\/acme answers 404/),
	};

	it("what would belong to it is refused, and what is for others or for all is not", async () => {
		const { receiver, test } = await openPopulated();
		const { engine } = test;
		const goOn = holdSteps(test);
		await deleteAcme(test);
		const at = (path: string) => ({ ...refusal, issues: [{ path, message: "is being deleted" }] });
		await expect(test.send({ customers: "acme" })).rejects.toMatchObject(at("customerId"));
		await expect(test.send({ customers: ["globex", "acme"] })).rejects.toMatchObject(at("customerIds.1"));
		const inputs = ["globex", "acme", EVERY_CUSTOMER].map((customers) => eventInput({ customers }));
		const [first, second, third] = await engine.intake.sendBatch(test.scope, inputs);
		expect([first, third]).toMatchObject([{ duplicate: false }, { duplicate: false }]);
		expect(second).toMatchObject(at("customerId"));
		await expect(test.createWebhook(NOBODY, { customerId: "acme" })).rejects.toMatchObject(at("customerId"));
		await expect(engine.portalSessions.create(test.change, newPortalSession())).rejects.toMatchObject(at("customerId"));
		const change = { ...deletionOf(test), audit: null };
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
		const { rows } = await test.store.deliveries(change.scope, ANY_DELIVERY, NEWEST);
		expect(rows.map((row) => row.eventId)).toEqual([eventId]);
	});

	it("a repeat of a send from before is still answered with its event", async () => {
		const { test } = await openDelivering({ customerId: "acme" }, { limits: LIMITS });
		const input = { customers: "acme", idempotencyKey: "k" };
		const eventId = await test.send(input);
		await settled(test);
		const goOn = holdSteps(test);
		await deleteAcme(test);
		expect(await test.send(input)).toBe(eventId);
		await expect(test.send({ ...input, idempotencyKey: "other" })).rejects.toMatchObject(refusal);
		goOn();
		await gone(test);
		// The key is known for as long as any other.
		expect(await test.send(input)).toBe(eventId);
	});

	it("sends that wait for their commit when it begins are refused, too", async () => {
		const held = Promise.withResolvers<void>();
		let isHeld = false;
		const beforeCommit = async ({ events }: CommitBatch) => {
			if (events.length > 0 && isHeld) await held.promise;
		};
		const { test } = await openDelivering({ customerId: "acme" }, { limits: LIMITS, beforeCommit });
		const goOn = holdSteps(test);
		isHeld = true;
		const waiting = [test.send({ customers: "acme" }), test.send({ customers: "globex" })] as const;
		await deleteAcme(test);
		isHeld = false;
		held.resolve();
		await expect(waiting[0]).rejects.toMatchObject(refusal);
		expect(await waiting[1]).toMatch(/^evt_/);
		goOn();
		await gone(test);
	});

	it("no attempt begins to its webhooks, and nothing is stored of one that was in flight", async () => {
		const { receiver, test, id } = await openDelivering({ customerId: "acme" }, { limits: LIMITS });
		const answer = Promise.withResolvers<object>();
		receiver.script(() => answer.promise);
		const eventId = await test.send({ customers: EVERY_CUSTOMER });
		await receiver.waitFor(1);
		await deleteAcme(test);
		await gone(test);
		answer.resolve({ status: 500, headers: { "x-secret": "s" }, body: "a late answer" });
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

	it("its project can be deleted, which ends it all", async () => {
		const { receiver, test } = await openPopulated();
		const goOn = holdSteps(test);
		await deleteAcme(test);
		const other = await test.engine.projects.create("other", null);
		await test.engine.projects.delete(changeIn(test.projectId));
		goOn();
		await test.in(other.id).createWebhook(receiver.url, { customerId: "acme" });
		await deleteAcme(test.in(other.id));
		await gone(test.in(other.id));
		expect(test.observer.problems).toEqual([]);
	});
});

/** Runs an engine on a store that stops to answer after so many calls of the deletion, as if the process had been killed. */
async function runUntil(store: Store, calls: number): Promise<boolean> {
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
	await deleteAcme(test);
	await eventually("the end, or the kill", async () => {
		test.clock.advance(10);
		return wasKilled || (await store.customer(deletionOf(test).scope)) === null;
	});
	// A killed process closes nothing; what it has in memory is forgotten with it.
	void test.engine.stop(0);
	return wasKilled;
}

// In `npm test` only after some of the steps.
const EVERY = Math.ceil(7 / runs(1));

it("is finished after the next start, at whichever step the process was killed", async () => {
	const receiver = await answering();
	for (let calls = 0, wasKilled = true; wasKilled; calls += EVERY) {
		const store = await openSqliteStore({ path: ":memory:" });
		const first = await openTestEngine({ store, limits: LIMITS });
		const eventIds = await populate(first, receiver);
		await first[Symbol.asyncDispose]();

		wasKilled = await runUntil(store, calls);
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
