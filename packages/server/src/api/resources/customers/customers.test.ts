// Customers over HTTP: webhooks that belong to one, events that are for some, and lists filtered by one.
import { describe, expect, it } from "vitest";

import { eventually } from "../../../engine/test/test-engine.ts";
import { expectRefusals, problem, refused, rowsOf, type Refusal } from "../../test/answers.ts";
import { caller, type Answer } from "../../test/caller.ts";

const endpoint = "https://example.com/hook";

async function withCustomers() {
	const api = await caller();
	const make = async (customerId: string | null) => {
		const id = await api.makeWebhook(endpoint, { name: customerId ?? "own", customerId });
		return (await api.get(`./batch/webhooks/${id}`)).json;
	};
	const [own, acme, globex] = [await make(null), await make("acme"), await make("globex")];
	const send = (more: object) => api.call("POST", "./events", { type: "a", data: 1, ...more });
	return { ...api, own, acme, globex, send };
}

describe("a webhook", () => {
	it("shows its customer only if it has one, and keeps it", async () => {
		const { call, own, acme } = await withCustomers();
		expect(acme).toMatchObject({ customerId: "acme" });
		expect(own).not.toHaveProperty("customerId");
		const path = `./batch/webhooks/${String(acme["id"])}`;
		expect(await call("PATCH", path, { customerId: "globex" })).toMatchObject(refused("customerId"));
		expect((await call("PATCH", path, { name: "new" })).json).toMatchObject({ customerId: "acme", name: "new" });
	});

	it("is refused with what is no customer", async () => {
		const refusals = ["", "*", "a b", "a/b", "ü", "x".repeat(129), 7, ["acme"]].map((customerId): Refusal => {
			return ["POST ./batch/webhooks", "customerId", undefined, { name: "a", customerId, spec: { endpoint } }];
		});
		await expectRefusals(await caller(), refusals);
	});
});

describe("an event", () => {
	it("shows the customers that it is for, as they were sent, only if there are any", async () => {
		const { call, send } = await withCustomers();
		const shown = async (more: object) => {
			const { json } = await send(more);
			const { json: read } = await call("GET", `./events/${String(json["id"])}`);
			const pick = ({ customerId, customerIds }: Answer["json"]) => ({ customerId, customerIds });
			expect(pick(read)).toEqual(pick(json));
			return { ...pick(json), count: json["deliveryCount"] };
		};
		expect(await shown({})).toEqual({ count: 1 });
		expect(await shown({ customerId: null, customerIds: null })).toEqual({ count: 1 });
		expect(await shown({ customerId: "acme" })).toEqual({ customerId: "acme", count: 2 });
		expect(await shown({ customerIds: ["acme", "nobody"] })).toEqual({ customerIds: ["acme", "nobody"], count: 2 });
		expect(await shown({ customerIds: "*" })).toEqual({ customerIds: "*", count: 3 });
	});

	it("is refused with customers that can't be, alone and in a batch", async () => {
		const { call, send, accepted } = await withCustomers();
		const many = Array.from({ length: 101 }, (_, n) => `c${n}`);
		const form = 'must be "*" or a list of 1–100 customers';
		for (const [more, path, message] of [
			[{ customerId: "*" }, "customerId", /./],
			[{ customerIds: [] }, "customerIds", "must have at least 1 entry, got 0"],
			[{ customerIds: ["acme", 7] }, "customerIds.1", "must be a string, got a number"],
			[{ customerIds: many }, "customerIds", "must have at most 100 entries, got 101"],
			[{ customerIds: ["acme", "acme"] }, "customerIds.1", /./],
			[{ customerIds: ["acme", "*"] }, "customerIds.1", /./],
			[{ customerIds: "acme" }, "customerIds", form],
			[{ customerIds: {} }, "customerIds", form],
			[{ customerIds: { 0: "acme" } }, "customerIds", form],
			[{ customerId: "acme", customerIds: ["acme"] }, "customerIds", /./],
			[{ customerId: "acme", customerIds: "*" }, "customerIds", /./],
		] as const) {
			expect(await send(more)).toMatchObject(refused(path, message));
			const batch = await call("POST", "./events:batch", { events: [{ type: "a", data: 1, ...more }] });
			const { json: error } = refused(`events.0.${path}`, message);
			expect(batch.json["data"]).toMatchObject([{ status: 400, error }]);
		}
		expect(await accepted()).toEqual([]);
	});

	it("is refused with a webhook of a customer that it is not for", async () => {
		const { send, acme, accepted } = await withCustomers();
		for (const more of [{}, { customerId: "globex" }, { customerIds: ["globex"] }]) {
			expect(await send({ ...more, webhookIds: [acme["id"]] })).toMatchObject(refused("webhookIds.0"));
		}
		expect(await accepted()).toEqual([]);
		expect((await send({ customerIds: "*", webhookIds: [acme["id"]] })).status).toBe(202);
	});
});

describe("lists", () => {
	it("are filtered by customer", async () => {
		const { call, send, acme } = await withCustomers();
		const { json: event } = await send({ customerId: "acme" });
		const { json: broadcast } = await send({ customerIds: "*" });
		await send({ customerId: "globex" });
		await send({});
		const list = async (path: string) => rowsOf(await call("GET", path));
		// Attempts are being made.
		const busy = {
			health: expect.anything(),
			deliveries: expect.anything(),
			lastAttempt: expect.toSatisfy(() => true),
		};
		expect(await list("./batch/webhooks?customerId=acme")).toEqual([{ ...acme, ...busy }]);
		expect((await list("./events?customerId=acme")).map(({ id }) => id)).toEqual([broadcast["id"], event["id"]]);
		const deliveries = await list("./deliveries?customerId=acme");
		expect(deliveries.map(({ webhookId, customerId }) => [webhookId, customerId])).toEqual([
			[acme["id"], "acme"],
			[acme["id"], "acme"],
		]);
		// What is for all customers is for each.
		expect((await list("./events?customerId=nobody")).map(({ id }) => id)).toEqual([broadcast["id"]]);
		for (const noun of ["batch/webhooks", "events", "deliveries"]) {
			if (noun !== "events") expect(await list(`./${noun}?customerId=nobody`)).toEqual([]);
			expect(await call("GET", `./${noun}?customerId=a%20b`)).toMatchObject(refused("customerId"));
		}
		const own = (await list("./deliveries")).filter(({ customerId }) => customerId === undefined);
		expect(own).toHaveLength(4);
	});
});

it("a key that filters by customer sees and cancels deliveries of types that have become internal, too", async () => {
	const { call, send, acme } = await withCustomers();
	await call("POST", `./batch/webhooks/${String(acme["id"])}:pause`);
	const { json: event } = await send({ customerId: "acme" });
	await call("PUT", "./event-types/a", { visibility: "internal" });
	const list = async (query: string) => {
		const rows = rowsOf(await call("GET", `./deliveries?customerId=acme${query}`));
		return rows.map(({ eventId, status }) => [eventId, status]);
	};
	for (const query of ["", "&status=Held", "&status=Held&order=updated", `&eventId=${String(event["id"])}`]) {
		expect(await list(query)).toEqual([[event["id"], "Held"]]);
	}
	const cancelled = await call("POST", "./deliveries:cancel", { customerId: "acme", eventType: "a" });
	expect(cancelled.json).toMatchObject({ matched: 1, changed: 1 });
	expect(await list("")).toEqual([[event["id"], "Cancelled"]]);
});

describe("customers", () => {
	it("are known from their first webhook or name on, and listed by id with the numbers of their webhooks", async () => {
		const { call, acme } = await withCustomers();
		await call("PATCH", "./customers/zed", { name: "Zed & Sons", metadata: { plan: "pro" } });
		await call("PATCH", "./customers/acme", { name: "Acme Inc." });
		await call("POST", "./batch/webhooks", { name: "b", customerId: "acme", spec: { endpoint } });
		const list = async (query = "") => rowsOf(await call("GET", `./customers${query}`));
		expect(await list()).toMatchObject([
			{ id: "acme", name: "Acme Inc.", webhooks: { total: 2 } },
			{ id: "globex", name: null, webhooks: { total: 1 } },
			{ id: "zed", name: "Zed & Sons", webhooks: { total: 0 } },
		]);
		await call("DELETE", `./batch/webhooks/${String(acme["id"])}`);
		expect((await call("GET", "./customers/acme")).json).toMatchObject({ webhooks: { total: 1, failing: 0 } });
		const pages: unknown[] = [];
		for (let page: unknown = ""; typeof page === "string";) {
			const { json } = await call("GET", `./customers?limit=1${page && `&page=${page}`}`);
			pages.push((json["data"] as { id: string }[])[0]?.id);
			page = json["nextPage"];
		}
		expect(pages).toEqual(["acme", "globex", "zed"]);
	});

	it("keep what a PATCH does not name, and lose what it sets to null", async () => {
		const { call } = await caller();
		const patch = async (body: object) => (await call("PATCH", "./customers/a", body)).json;
		expect(await patch({})).toMatchObject({ id: "a", object: "customer", name: null, metadata: {} });
		await patch({ name: "A", metadata: { k: "v" } });
		expect(await patch({ name: "B" })).toMatchObject({ name: "B", metadata: { k: "v" } });
		expect(await patch({ name: null })).toMatchObject({ name: null, metadata: { k: "v" } });
		expect(await patch({ metadata: null })).toMatchObject({ metadata: {} });
		for (const bad of [{ name: "" }, { name: "x".repeat(129) }, { id: "b" }, { metadata: { k: 1 } }]) {
			expect((await call("PATCH", "./customers/a", bad)).status).toBe(400);
		}
	});

	it("respond with 404 if nobody has named them, or if they can't exist", async () => {
		const { call, keys } = await withCustomers();
		for (const id of ["nobody", "a%20b", "x".repeat(129), "*"]) {
			expect(await call("GET", `./customers/${id}`)).toMatchObject(problem(404, "customer_not_found"));
		}
		const other = await call("GET", "./customers/acme", undefined, { "secret-key": keys.other });
		expect(other).toMatchObject(problem(404, "project_not_found"));
	});

	it("have all their webhooks paused and resumed at once, and no others", async () => {
		const { call, own, globex } = await withCustomers();
		await call("POST", "./batch/webhooks", { name: "b", customerId: "acme", spec: { endpoint } });
		const statuses = async (customerId: string) =>
			rowsOf(await call("GET", `./batch/webhooks?customerId=${customerId}`)).map(({ status }) => status);
		const result = { object: "webhooksChanged", matched: 2 };
		expect((await call("POST", "./customers/acme:pause")).json).toEqual({ ...result, changed: 2 });
		expect((await call("POST", "./customers/acme:pause")).json).toEqual({ ...result, changed: 0 });
		expect(await statuses("acme")).toEqual(["Paused", "Paused"]);
		for (const { id, status } of [own, globex]) {
			expect((await call("GET", `./batch/webhooks/${String(id)}`)).json["status"]).toBe(status);
		}
		expect((await call("POST", "./customers/acme:resume")).json).toEqual({ ...result, changed: 2 });
		expect(await statuses("acme")).toEqual(["Enabled", "Enabled"]);
		expect((await call("POST", "./customers/nobody:pause")).json).toMatchObject({ code: "customer_not_found" });
	});
});

it("a customer is deleted in the background: 202, then how far it is, 409 for what would be its own, and 404 at the end", async () => {
	const { call, makeWebhook, send, test, acme, globex } = await withCustomers();
	await call("PATCH", "./customers/acme", { name: "Acme Inc." });
	const { json: event } = await send({ customerId: "acme" });
	const { promise: held, resolve: goOn } = Promise.withResolvers<void>();
	test.engineStore.stepCustomerDeletion = async (customer, options) => {
		await held;
		return test.store.stepCustomerDeletion(customer, options);
	};
	const begun = await call("DELETE", "./customers/acme");
	const deletion = { startDate: expect.any(Number), webhooksLeft: 1, webhookCount: 0, deliveryCount: 0, eventCount: 0 };
	expect(begun).toMatchObject({ status: 202, json: { id: "acme", object: "customer", name: "Acme Inc.", deletion } });
	expect((await call("GET", "./customers/acme")).json).toMatchObject({ id: "acme", deletion });
	expect(rowsOf(await call("GET", "./customers"))).toMatchObject([{ id: "acme", deletion }, { id: "globex" }]);
	expect((await call("GET", "./customers/globex")).json).not.toHaveProperty("deletion");
	expect(await call("DELETE", "./customers/acme")).toMatchObject({ status: 202, json: { deletion } });
	const refusals = [
		await send({ customerId: "acme" }),
		await send({ customerIds: ["globex", "acme"] }),
		await call("POST", "./batch/webhooks", { name: "a", customerId: "acme", spec: { endpoint } }),
		await call("POST", "./portal-sessions", { customerId: "acme" }),
		await call("PATCH", "./customers/acme", { name: "New" }),
		await call("POST", "./customers/acme:resume"),
	];
	for (const answer of refusals) expect(answer).toMatchObject(problem(409, "customer_being_deleted"));
	expect(refusals[1]).toMatchObject(refused("customerIds.1", /./, 409));
	const batch = await call("POST", "./events:batch", { events: [{ type: "a", data: 1, customerId: "acme" }] });
	expect(batch.json["data"]).toMatchObject([{ status: 409, error: { code: "customer_being_deleted" } }]);
	expect((await send({ customerIds: "*" })).status).toBe(202);
	goOn();
	await eventually("it is over", async () => {
		test.clock.advance(10);
		return (await call("GET", "./customers/acme")).status === 404;
	});
	expect((await call("GET", `./batch/webhooks/${String(acme["id"])}`)).status).toBe(404);
	expect((await call("GET", `./batch/webhooks/${String(globex["id"])}`)).status).toBe(200);
	expect((await call("GET", `./events/${String(event["id"])}`)).json).toMatchObject({ data: null, dataErased: true });
	for (const id of ["acme", "nobody", "a%20b"])
		expect(await call("DELETE", `./customers/${id}`)).toMatchObject(problem(404, "customer_not_found"));
	await makeWebhook(endpoint, { customerId: "acme" });
	expect((await call("GET", "./customers/acme")).json).toMatchObject({ name: null, webhooks: { total: 1 } });
});
