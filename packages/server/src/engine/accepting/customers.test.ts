// Which webhooks an event reaches, if webhooks belong to customers.
import { createHash } from "node:crypto";

import { describe, expect, it } from "vitest";

import { EVERY_CUSTOMER } from "../../core/access/customer.ts";
import { customerScope } from "../../core/access/principal.ts";
import type { EventInput } from "../../core/event.ts";
import { NOBODY } from "../test/delivering.ts";
import { eventInput, eventually, openTestEngine, type TestEngine } from "../test/test-engine.ts";

/** A project with a webhook of its own and one of each of three customers. */
async function openWorld() {
	const test = await openTestEngine();
	const names = new Map<string, string>();
	const ids: Record<string, string> = {};
	for (const name of ["own", "acme", "globex", "initech"]) {
		const { id } = await test.createWebhook(NOBODY, { customerId: name === "own" ? null : name });
		names.set(id, name);
		ids[name] = id;
	}
	const reached = async (input: Partial<EventInput>) => {
		const deliveries = await test.deliveries({ eventId: await test.send(input) });
		return deliveries.map(({ webhookId }) => names.get(webhookId) ?? webhookId).toSorted();
	};
	return { test, ids, reached, [Symbol.asyncDispose]: () => test[Symbol.asyncDispose]() };
}

describe("an event", () => {
	it("reaches the webhooks of the customers that it is for, and those of the project", async () => {
		await using world = await openWorld();
		for (const [customers, expected] of [
			[null, "own"],
			["acme", "acme own"],
			["nobody", "own"],
			[["acme", "initech", "nobody"], "acme initech own"],
			[EVERY_CUSTOMER, "acme globex initech own"],
		] as const) {
			expect((await world.reached({ customers })).join(" ")).toBe(expected);
		}
	});

	it("that names webhooks is refused if it is not for their customers, whether or not it is for others", async () => {
		await using world = await openWorld();
		const { test, ids, reached } = world;
		const [own = "", acme = "", globex = ""] = [ids["own"], ids["acme"], ids["globex"]];
		expect(await reached({ customers: "acme", webhookIds: [acme, own] })).toEqual(["acme", "own"]);
		expect(await reached({ customers: EVERY_CUSTOMER, webhookIds: [acme, globex] })).toEqual(["acme", "globex"]);
		for (const customers of [null, "globex", ["globex", "nobody"]]) {
			await expect(test.send({ customers, webhookIds: [own, acme] })).rejects.toMatchObject({
				code: "invalid_request",
				issues: [{ path: "webhookIds.1", message: expect.stringMatching(/belongs to the customer acme/) }],
			});
		}
	});

	it("can't be sent in the scope of a customer", async () => {
		await using world = await openWorld();
		const scope = customerScope(world.test.projectId, "acme");
		const sent = world.test.engine.intake.send(scope, eventInput({ customers: "acme" }));
		await expect(sent).rejects.toMatchObject({ code: "insufficient_scope" });
	});
});

describe("the idempotency key of an event", () => {
	async function storedFingerprint(test: TestEngine, input: Partial<EventInput>): Promise<string> {
		let seen = "";
		const commit = test.engineStore.commit.bind(test.engineStore);
		test.engineStore.commit = (batch) => {
			seen = Buffer.from(batch.events[0]?.idempotency?.fingerprint ?? []).toString("hex");
			return commit(batch);
		};
		await test.send(input);
		test.engineStore.commit = commit;
		return seen;
	}

	it("has the fingerprint of a version without customers, byte for byte, if the event names none", async () => {
		await using test = await openTestEngine();
		const fingerprint = await storedFingerprint(test, { type: "a.b", dataJson: '{"n":1}', idempotencyKey: "k" });
		const expected = createHash("sha256").update('["a.b",null,null]').update('{"n":1}').digest("hex");
		expect(fingerprint).toBe(expected);
	});

	it("is bound to the customers that it is for", async () => {
		await using test = await openTestEngine();
		const first = { idempotencyKey: "k", customers: "acme" };
		const id = await test.send(first);
		expect(await test.send(first)).toBe(id);
		for (const customers of [null, "globex", ["acme"], EVERY_CUSTOMER]) {
			await expect(test.send({ ...first, customers })).rejects.toMatchObject({ code: "idempotency_conflict" });
		}
	});
});

it("an own event is for the customer of the webhook that it is about", async () => {
	await using world = await openWorld();
	const { test, ids } = world;
	const eventTypes = ["fanfare.*"];
	const watchers = [
		await test.createWebhook(NOBODY, { eventTypes }),
		await test.createWebhook(NOBODY, { eventTypes, customerId: "acme" }),
		await test.createWebhook(NOBODY, { eventTypes, customerId: "globex" }),
	];
	test.engineStore.webhookHealth = () => Promise.reject(new Error("not asked"));
	await test.send({ customers: "acme", webhookIds: [ids["acme"] ?? ""] });
	await test.engine.webhooks.update(test.change, ids["acme"] ?? "", { retries: { maxRetries: 0 } });
	const found = await eventually("the exhausted delivery is reported", async () => {
		test.clock.advance(20_000);
		const deliveries = await test.deliveries({ eventTypes: ["fanfare.delivery.exhausted"] });
		return deliveries.length > 0 && deliveries;
	});
	const reached = new Set(found.map(({ webhookId }) => webhookId));
	expect(watchers.map(({ id }) => reached.has(id))).toEqual([true, true, false]);
	const event = await test.store.event(test.scope, found[0]?.eventId ?? "");
	expect(event).toMatchObject({ customers: "acme" });
	const body = Buffer.from((await test.store.eventBody(test.scope, found[0]?.eventId ?? "")) ?? []).toString();
	expect(JSON.parse(body)).toMatchObject({ data: { customerId: "acme", webhookId: ids["acme"] } });
});
