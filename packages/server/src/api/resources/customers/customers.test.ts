// Customers over HTTP: webhooks that belong to one, events that are for some, and lists filtered by one.
import { describe, expect, it } from "vitest";

import { eventually } from "../../../engine/test/test-engine.ts";
import { caller, type Answer } from "../../test/caller.ts";

const endpoint = "https://example.com/hook";

async function withCustomers() {
	const api = await caller();
	const make = async (customerId?: string) => {
		const body = { name: customerId ?? "own", ...(customerId !== undefined && { customerId }), spec: { endpoint } };
		return (await api.call("POST", "./batch/webhooks", body)).json;
	};
	const [own, acme, globex] = [await make(), await make("acme"), await make("globex")];
	const send = (more: object) => api.call("POST", "./events", { type: "a", data: 1, ...more });
	return { ...api, own, acme, globex, send };
}

function rowsOf({ json }: Answer): Record<string, unknown>[] {
	return json["data"] as Record<string, unknown>[];
}

function issueOf({ status, json }: Answer): unknown {
	return [status, (json["issues"] as { path: string }[] | undefined)?.[0]?.path];
}

describe("a webhook", () => {
	it("shows its customer only if it has one, and keeps it", async () => {
		const { call, own, acme } = await withCustomers();
		expect(acme).toMatchObject({ customerId: "acme" });
		expect(own).not.toHaveProperty("customerId");
		const path = `./batch/webhooks/${String(acme["id"])}`;
		expect(issueOf(await call("PATCH", path, { customerId: "globex" }))).toEqual([400, "customerId"]);
		expect((await call("PATCH", path, { name: "new" })).json).toMatchObject({ customerId: "acme", name: "new" });
	});

	it.each(["", "*", "a b", "a/b", "ü", "x".repeat(129), 7, ["acme"]])(
		"is refused with the customer %j",
		async (customerId) => {
			const { call } = await caller();
			const refused = await call("POST", "./batch/webhooks", { name: "a", customerId, spec: { endpoint } });
			expect(issueOf(refused)).toEqual([400, "customerId"]);
		},
	);
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

	it.each([
		[{ customerId: "*" }, "customerId"],
		[{ customerIds: [] }, "customerIds"],
		[{ customerIds: Array.from({ length: 101 }, (_, n) => `c${n}`) }, "customerIds"],
		[{ customerIds: ["acme", "acme"] }, "customerIds.1"],
		[{ customerIds: ["acme", "*"] }, "customerIds.1"],
		[{ customerIds: "acme" }, "customerIds"],
		[{ customerIds: { 0: "acme" } }, "customerIds"],
		[{ customerId: "acme", customerIds: ["acme"] }, "customerIds"],
		[{ customerId: "acme", customerIds: "*" }, "customerIds"],
	])("is refused with %j", async (more, path) => {
		const { call, send, accepted } = await withCustomers();
		const refused = await send(more);
		expect(issueOf(refused)).toEqual([400, path]);
		const batch = await call("POST", "./events:batch", { events: [{ type: "a", data: 1, ...more }] });
		expect(batch.json["data"]).toMatchObject([{ status: 400, error: { issues: [{ path: `events.0.${path}` }] } }]);
		expect(await accepted()).toEqual([]);
	});

	it.each([
		[[], "customerIds", "must have at least 1 entry, got 0"],
		[["acme", 7], "customerIds.1", "must be a string, got a number"],
		[Array.from({ length: 101 }, (_, n) => `c${n}`), "customerIds", "must have at most 100 entries, got 101"],
		["acme", "customerIds", 'must be "*" or a list of 1–100 customers'],
		[{}, "customerIds", 'must be "*" or a list of 1–100 customers'],
	])("says what is wrong with the customers %j", async (customerIds, path, message) => {
		const { send } = await withCustomers();
		expect((await send({ customerIds })).json["issues"]).toEqual([{ path, message }]);
		const batch = await (
			await caller()
		).call("POST", "./events:batch", {
			events: [{ type: "a", data: 1, customerIds }],
		});
		const issues = [{ path: `events.0.${path}`, message }];
		expect(batch.json["data"]).toMatchObject([{ status: 400, error: { issues } }]);
	});

	it("is refused with a webhook of a customer that it is not for", async () => {
		const { send, acme, accepted } = await withCustomers();
		for (const more of [{}, { customerId: "globex" }, { customerIds: ["globex"] }]) {
			expect(issueOf(await send({ ...more, webhookIds: [acme["id"]] }))).toEqual([400, "webhookIds.0"]);
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
			expect(issueOf(await call("GET", `./${noun}?customerId=a%20b`))).toEqual([400, "customerId"]);
		}
		const own = (await list("./deliveries")).filter(({ customerId }) => customerId === undefined);
		expect(own).toHaveLength(4);
	});

	it("are summed up in the stats of a customer", async () => {
		const { call, send } = await withCustomers();
		for (const customerIds of ["*", ["acme"]]) await send({ customerIds });
		const stats = async (path: string) => (await call("GET", `${path}/stats?width=day`)).json;
		expect(await stats("./customers/acme")).toMatchObject({ totals: { accepted: 2 } });
		expect(await stats("./customers/globex")).toMatchObject({ totals: { accepted: 1 } });
		expect(await stats("./customers/nobody")).toMatchObject({ code: "customer_not_found" });
		expect((await call("GET", "./customers/a%20b/stats")).json).toMatchObject({ code: "customer_not_found" });
	});

	it("and bulk changes by customer leave the deliveries of others alone", async () => {
		const { call, send, test } = await withCustomers();
		for (const customerIds of ["*", "*"]) await send({ customerIds });
		const cancelled = await call("POST", "./deliveries:cancel", { customerId: "acme" });
		expect(cancelled.json).toMatchObject({ matched: 2, complete: true });
		const others = (await test.deliveries()).filter(({ customerId }) => customerId !== "acme");
		expect(others.filter(({ status }) => status === "Cancelled")).toEqual([]);
		expect(issueOf(await call("POST", "./deliveries:cancel", { customerId: "*" }))).toEqual([400, "customerId"]);
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
		const summary = ({ id, name, webhooks }: Record<string, unknown>) => [
			id,
			name,
			(webhooks as { total: number }).total,
		];
		expect((await list()).map(summary)).toEqual([
			["acme", "Acme Inc.", 2],
			["globex", null, 1],
			["zed", "Zed & Sons", 0],
		]);
		expect((await list("?q=SONS")).map(({ id }) => id)).toEqual(["zed"]);
		expect((await list("?q=glob")).map(({ id }) => id)).toEqual(["globex"]);
		expect(await list("?q=nobody")).toEqual([]);
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

	it("count a webhook as failing from its first exhausted delivery to its next success", async () => {
		const { call, send, test } = await withCustomers();
		const body = {
			name: "b",
			customerId: "c:1",
			spec: { endpoint: "http://127.0.0.1:9/", retries: { maxRetries: 0 } },
		};
		const { json } = await call("POST", "./batch/webhooks", body);
		const failing = async () => (await call("GET", "./customers/c%3A1")).json["webhooks"];
		expect(await failing()).toEqual({ total: 1, failing: 0 });
		const { json: event } = await send({ customerId: "c:1", webhookIds: [json["id"]] });
		await test.delivery(event["id"] as string, { status: "Failed" });
		expect(await failing()).toEqual({ total: 1, failing: 1 });
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
			expect(await call("GET", `./customers/${id}`)).toMatchObject({
				status: 404,
				json: { code: "customer_not_found" },
			});
		}
		const other = await call("GET", "./customers/acme", undefined, { "secret-key": keys.other });
		expect(other).toMatchObject({ status: 404, json: { code: "project_not_found" } });
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
	const { call, send, test, acme, globex } = await withCustomers();
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
	const refused = [
		await send({ customerId: "acme" }),
		await send({ customerIds: ["globex", "acme"] }),
		await call("POST", "./batch/webhooks", { name: "a", customerId: "acme", spec: { endpoint } }),
		await call("POST", "./portal-sessions", { customerId: "acme" }),
		await call("PATCH", "./customers/acme", { name: "New" }),
		await call("POST", "./customers/acme:resume"),
	];
	for (const answer of refused) expect(answer).toMatchObject({ status: 409, json: { code: "customer_being_deleted" } });
	expect(issueOf(refused[1]!)).toEqual([409, "customerIds.1"]);
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
	for (const id of ["acme", "nobody", "a%20b"]) {
		expect(await call("DELETE", `./customers/${id}`)).toMatchObject({
			status: 404,
			json: { code: "customer_not_found" },
		});
	}
	expect((await call("POST", "./batch/webhooks", { name: "a", customerId: "acme", spec: { endpoint } })).status).toBe(
		200,
	);
	expect((await call("GET", "./customers/acme")).json).toMatchObject({ name: null, webhooks: { total: 1 } });
});
