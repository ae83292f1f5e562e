// Who gets an event, and why: asked before one is sent, and about one that was accepted.
import { describe, expect, it } from "vitest";

import { as, comparable, expectRefusals, problem, rowsOf } from "../../test/answers.ts";
import { caller, type Answer } from "../../test/caller.ts";

/** The reason of each webhook by its name. */
function reasonsOf(answer: Answer): Record<string, unknown> {
	expect(answer.status).toBe(200);
	for (const row of rowsOf(answer)) {
		expect(row["gets"]).toBe(["matches", "named", "replayed"].includes(String(row["reason"])));
	}
	return Object.fromEntries(rowsOf(answer).map((row) => [row["webhookName"], row["reason"]]));
}

/** A project with one webhook of each kind. */
async function withWebhooks() {
	const api = await caller();
	const make = (name: string, more: object = {}) => api.makeWebhook("https://receiver.example/", { name, ...more });
	const ids = {
		all: await make("all"),
		orders: await make("orders", { spec: { eventTypes: ["order.*"] } }),
		users: await make("users", { spec: { eventTypes: ["user.*"] } }),
		acme: await make("acme", { customerId: "acme" }),
		globex: await make("globex", { customerId: "globex" }),
	};
	await api.call("POST", `./batch/webhooks/${ids.orders}:pause`);
	const send = (more: object = {}) => api.sendEvent({ type: "order.paid", customerId: "acme", ...more });
	return { ...api, make, ids, send };
}

describe("a question who would get an event", () => {
	it("is answered for each webhook with a reason, as a send does it, whatever the status of the webhook", async () => {
		const { call, send } = await withWebhooks();
		const answer = await call("POST", "./events:match", { type: "order.paid", customerId: "acme" });
		expect(reasonsOf(answer)).toEqual({
			all: "matches",
			orders: "matches",
			users: "type_filter",
			acme: "matches",
			globex: "other_customer",
		});
		expect(answer.json["matchedCount"]).toBe(3);
		expect(rowsOf(answer).find(({ webhookName }) => webhookName === "orders")).toMatchObject({
			object: "routing",
			status: "Paused",
			gets: true,
			delivery: null,
		});
		const { json } = await call("GET", `./events/${await send()}`);
		expect(json["deliveryCount"]).toBe(3);
		const forAll = await call("POST", "./events:match", { type: "user.x", customerIds: "*" });
		expect([forAll.json["matchedCount"], reasonsOf(forAll)["globex"]]).toEqual([4, "matches"]);
		const own = await call("POST", "./events:match", { type: "fanfare.webhook.disabled" });
		expect([own.json["matchedCount"], reasonsOf(own)["all"]]).toEqual([0, "own_event"]);
	});

	it("lists relays like all others, before the event is sent and afterwards", async () => {
		const { call, send } = await withWebhooks();
		const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
		await call("POST", "./relays", { device: "laptop", secret, eventTypes: ["order.*"] });
		const answer = await call("POST", "./events:match", { type: "order.paid" });
		expect(reasonsOf(answer)).toMatchObject({ laptop: "matches", all: "matches", acme: "other_customer" });
		expect(answer.json["matchedCount"]).toBe(rowsOf(answer).filter(({ gets }) => gets === true).length);
		expect(reasonsOf(await call("GET", `./events/${await send()}/routing`))).toMatchObject({ laptop: "matches" });
	});

	it("comes in pages, and the count is that of all", async () => {
		const { call } = await withWebhooks();
		const names: unknown[] = [];
		let page: unknown;
		for (let n = 0; n < 3; n++) {
			const body = { type: "order.paid", limit: 2, ...(page !== undefined && { page }) };
			const answer = await call("POST", "./events:match", body);
			names.push(...rowsOf(answer).map(({ webhookName }) => webhookName));
			expect(answer.json["matchedCount"]).toBe(2);
			page = answer.json["nextPage"];
		}
		expect(names).toEqual(["globex", "acme", "users", "orders", "all"]);
		expect(page).toBeNull();
	});

	it("refuses what no event can have, and a page that is no cursor", async () => {
		const api = await caller();
		const match = "POST ./events:match";
		await expectRefusals(api, [
			[match, "type", undefined, {}],
			[match, "type", undefined, { type: "a..b" }],
			[match, "customerIds", undefined, { type: "a", customerId: "acme", customerIds: ["globex"] }],
			[match, "customerIds.1", undefined, { type: "a", customerIds: ["x", "x"] }],
			[match, "limit", undefined, { type: "a", limit: 1_001 }],
			[match, "data", undefined, { type: "a", data: 1 }],
		]);
		const answer = await api.call("POST", "./events:match", { type: "a", page: "x" });
		expect(answer).toMatchObject(problem(400, "invalid_cursor"));
	});
});

describe("the routing of an event", () => {
	it("says of each webhook why it got the event or not, with its delivery", async () => {
		const { call, make, ids, send, test } = await withWebhooks();
		const id = await send();
		test.clock.advance(5);
		await make("late");
		await call("PATCH", `./batch/webhooks/${ids.users}`, { spec: { eventTypes: ["order.*"] } });
		const answer = await call("GET", `./events/${id}/routing`);
		expect(reasonsOf(answer)).toEqual({
			late: "created_later",
			globex: "other_customer",
			acme: "matches",
			users: "changed_since",
			orders: "matches",
			all: "matches",
		});
		const row = rowsOf(answer).find(({ webhookName }) => webhookName === "orders");
		expect(row).toMatchObject({ delivery: { id: expect.stringMatching(/^dlv_/), status: "Held" }, status: "Paused" });
		const one = await call("GET", `./events/${id}/routing?webhookId=${ids.globex}`);
		expect(reasonsOf(one)).toEqual({ globex: "other_customer" });
		const ofAcme = await call("GET", `./events/${id}/routing?customerId=acme`);
		expect(reasonsOf(ofAcme)).toEqual({ acme: "matches" });
	});

	it("knows whom the sender named, and what a replay has sent", async () => {
		const { call, ids, send, test } = await withWebhooks();
		const named = await send({ webhookIds: [ids.users] });
		expect(reasonsOf(await call("GET", `./events/${named}/routing`))).toMatchObject({
			users: "named",
			all: "not_named",
			globex: "not_named",
		});
		test.clock.advance(5);
		await call("POST", `./batch/webhooks/${ids.all}:replay`, { since: 0, status: ["Missed"] });
		await expect
			.poll(async () => {
				// On PostgreSQL, a replay looks only at what is older than the longest transaction.
				test.clock.advance(5_000);
				return reasonsOf(await call("GET", `./events/${named}/routing?webhookId=${ids.all}`));
			})
			.toEqual({ all: "replayed" });
	});

	it("is not found for an event or a webhook of another project", async () => {
		const { call, ids, send } = await withWebhooks();
		const id = await send();
		const other = "webhook_00000000-0000-4000-8000-000000000000";
		expect((await call("GET", `./events/${id}/routing?webhookId=${other}`)).json["code"]).toBe("webhook_not_found");
		const gone = "evt_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";
		expect((await call("GET", `./events/${gone}/routing`)).json["code"]).toBe("event_not_found");
		const { status } = await call("GET", `./events/${id}/routing?webhookId=${ids.all}&customerId=acme`);
		expect(status).toBe(404);
	});
});

it("a customer's token sees its own webhooks alone, and not which event types are internal", async () => {
	const { call, get, makeWebhook, sendEvent, tokenOf } = await caller();
	const acme = await tokenOf("acme");
	await call("PUT", "./event-types/secret.thing", { visibility: "internal" });
	for (const customerId of ["acme", "globex", null]) await makeWebhook(undefined, { customerId });
	const match = async (body: object) => comparable(await call("POST", "./events:match", body, as(acme)));
	const unknown = await match({ type: "made.up" });
	expect(unknown.json).toMatchObject({ matchedCount: 1, data: [{ customerId: "acme", reason: "matches" }] });
	expect(await match({ type: "secret.thing" })).toEqual(unknown);
	expect(await match({ type: "made.up", customerId: "acme" })).toEqual(unknown);
	expect((await match({ type: "a", customerIds: "*" })).status).toBe(403);
	expect(await match({ type: "a", customerId: "globex" })).toMatchObject(problem(404, "customer_not_found"));
	const path = `./events/${await sendEvent({ customerId: "acme" })}/routing`;
	expect(rowsOf(await get(path, acme))).toMatchObject([{ customerId: "acme", reason: "matches" }]);
	const ofGlobex = await sendEvent({ customerId: "globex" });
	for (const hidden of [`./events/${ofGlobex}/routing`, `${path}?customerId=globex`])
		expect((await get(hidden, acme)).status).toBe(404);
});
