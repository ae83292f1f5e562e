// Questions about deliveries: what their rows say, filters, counts, and changes of many that end.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { CAPABILITIES } from "../../../core/access/principal.ts";
import { StoreError } from "../../../ports/store/errors.ts";
import { caller, callerAlone, type Caller } from "../../test/caller.ts";
import { apiRoutes } from "../table.ts";

const HOUR = 3_600_000;
const REFUSED = new StoreError("store_overloaded", "too many reads wait");

function schemaOf(id: string) {
	return apiRoutes().find((route) => route.id === id)?.answers[200]?.schema;
}

async function send({ call }: Caller, type = "order.paid"): Promise<string> {
	return (await call("POST", "./events", { type, data: 1 })).json["id"] as string;
}

/** A project with a webhook that has no retries, and a receiver that answers with `codes`, one after the other. */
async function withReceiver(api: Caller, codes: readonly number[]) {
	const receiver = await startReceiver();
	const rest = [...codes];
	receiver.script(() => ({ status: rest.shift() ?? 500 }));
	const spec = { endpoint: receiver.url, retries: { maxRetries: 0 }, disableAfterMs: 0 };
	const { json } = await api.call("POST", "./batch/webhooks", { name: "billing", spec });
	return { receiver, webhookId: json["id"] as string };
}

async function rows({ call }: Caller, query: string): Promise<Record<string, unknown>[]> {
	const { status, json } = await call("GET", `./deliveries?${query}`);
	expect([query, status]).toEqual([query, 200]);
	return json["data"] as Record<string, unknown>[];
}

describe("a row of a delivery", () => {
	it("names the webhook and its host, also when it is deleted, and says how the last attempt ended", async () => {
		const api = await caller();
		const { receiver, webhookId } = await withReceiver(api, [503]);
		await using _receiver = receiver;
		const { test, call } = api;
		await test.in(api.project.id).delivery(await send(api), { status: "Failed" });
		const { host } = new URL(receiver.url);
		const expected = {
			webhookId,
			webhookName: "billing",
			webhookHost: host,
			lastAttempt: {
				startDate: expect.any(Number),
				durationMs: expect.any(Number),
				responseCode: 503,
				error: null,
				cause: "status_5xx",
				trigger: "auto",
			},
		};
		const [row] = await rows(api, "status=Failed");
		expect(row).toMatchObject(expected);
		expect(schemaOf("listDeliveries")?.parse((await call("GET", "./deliveries")).json)).toMatchObject({ data: [row] });
		expect((await call("DELETE", `./batch/webhooks/${webhookId}`)).status).toBe(200);
		expect((await rows(api, "status=Failed"))[0]).toMatchObject(expected);
		expect((await call("GET", `./deliveries/${String(row?.["id"])}`)).json).toMatchObject(expected);
	});

	it("tells the trigger and the cause of the last of several attempts", async () => {
		const api = await caller();
		const { receiver } = await withReceiver(api, [503]);
		await using _receiver = receiver;
		const project = api.test.in(api.project.id);
		const { id, eventId } = await project.delivery(await send(api), { status: "Failed" });
		await receiver.close();
		const retried = await api.call("POST", `./deliveries/${id}:retry`);
		expect(retried.json).toMatchObject({ status: "Pending", lastAttempt: { cause: "status_5xx" } });
		await project.delivery(eventId, { status: "Failed", attemptCount: 2 });
		const last = { trigger: "manual", error: "refused", cause: "refused", responseCode: 0 };
		expect(await rows(api, "error=refused")).toMatchObject([{ id, lastAttempt: last }]);
		expect(await rows(api, "cause=refused,tls_failed&responseCode=0")).toMatchObject([{ id }]);
		expect(await rows(api, "cause=status_5xx")).toEqual([]);
		expect(await rows(api, "error=tls,dns")).toEqual([]);
	});

	it("has no last attempt before the first one", async () => {
		const api = await caller();
		const webhookId = await api.makeWebhook();
		await api.call("POST", `./batch/webhooks/${webhookId}:pause`);
		await api.test.in(api.project.id).delivery(await send(api), { status: "Held" });
		expect(await rows(api, "status=Held,Failed")).toMatchObject([{ lastAttempt: null, webhookHost: "127.0.0.1:1" }]);
	});
});

describe("filters", () => {
	it("take lists, classes of response codes and prefixes of event types", async () => {
		const api = await caller();
		const codes = [200, 404, 429, 500, 503];
		const { receiver } = await withReceiver(api, codes);
		await using _receiver = receiver;
		const project = api.test.in(api.project.id);
		for (const code of codes) {
			const eventId = await send(api, code < 429 ? "order.paid" : "user.new");
			await project.delivery(eventId, { responseCode: code });
		}
		const found = async (query: string) =>
			(await rows(api, query)).map(({ responseCode }) => responseCode).toReversed();
		expect(await found("responseCode=4xx")).toEqual([404, 429]);
		expect(await found("responseCode=5xx,429,0")).toEqual([429, 500, 503]);
		expect(await found("responseCode=2xx")).toEqual([200]);
		expect(await found("status=Failed,Succeeded&eventType=order.*")).toEqual([200, 404]);
		expect(await found("eventType=user.new,order.*&responseCode=404,500")).toEqual([404, 500]);
		expect(await found("cause=status_429,status_5xx")).toEqual([429, 500, 503]);
		expect(await found("order=updated&status=Failed&cause=status_404,status_5xx")).toEqual([404, 500, 503]);
		const count = async (query: string) => {
			const { json } = await api.call("GET", `./deliveries:count?${query}`);
			expect(schemaOf("countDeliveries")?.parse(json)).toEqual(json);
			return json;
		};
		expect(await count("responseCode=5xx")).toEqual({
			object: "deliveryCount",
			count: 2,
			complete: true,
			scannedTo: null,
		});
		expect(await count("status=Failed")).toMatchObject({ count: 4 });
		expect(await count("")).toMatchObject({ count: 5 });
	});

	it("find deliveries by the tag of their events, in lists, counts, exports and changes, with every other filter", async () => {
		const api = await caller();
		const { receiver, webhookId } = await withReceiver(api, [500, 200, 503]);
		await using _receiver = receiver;
		const project = api.test.in(api.project.id);
		const ids: string[] = [];
		for (const tags of [["order:1"], ["order:1", "x"], ["order:10"]]) {
			const { json } = await api.call("POST", "./events", { type: "order.paid", data: 1, tags });
			const eventId = json["id"] as string;
			ids.push((await project.delivery(eventId, { responseCode: [500, 200, 503][ids.length] ?? 0 })).id);
		}
		const found = async (query: string) => (await rows(api, query)).map(({ id }) => id);
		expect(await found("tag=order:1")).toEqual([ids[1], ids[0]]);
		expect(await found("tag=order%3A1&status=Failed")).toEqual([ids[0]]);
		expect(await found("tag=order:1&status=Failed&order=updated")).toEqual([ids[0]]);
		expect(await found(`tag=order:1&webhookId=${webhookId}&eventType=order.*&responseCode=2xx&after=1`)).toEqual([
			ids[1],
		]);
		expect(await found("tag=x&updatedAfter=1&cause=status_5xx")).toEqual([]);
		expect(await found("tag=order:")).toEqual([]);
		expect((await api.call("GET", "./deliveries:count?tag=order:1")).json).toMatchObject({ count: 2, complete: true });
		expect((await api.call("GET", "./deliveries:export?tag=x&format=csv")).text.split("\r\n")).toHaveLength(3);
		const many = await api.call("POST", "./deliveries:retry", { tag: "order:1" });
		expect(many.json).toMatchObject({ matched: 1, changed: 1, complete: true });
		for (const [method, path, body] of [
			["GET", "./deliveries?tag=a,b", undefined],
			["POST", "./deliveries:cancel", { tag: "a b" }],
		] as const) {
			expect(await api.call(method, path, body)).toMatchObject({ status: 400, json: { issues: [{ path: "tag" }] } });
		}
	});

	it("find each delivery once, also if a value is there twice", async () => {
		const api = await caller();
		const { receiver } = await withReceiver(api, []);
		await using _receiver = receiver;
		await api.test.in(api.project.id).delivery(await send(api), { status: "Failed" });
		for (const query of ["", "&cause=status_5xx,status_5xx", "&updatedAfter=0", "&eventType=order.*,order.*"]) {
			const twice = `status=Failed,Failed${query}`;
			expect([query, await rows(api, twice)]).toMatchObject([query, { length: 1 }]);
			expect([query, await rows(api, `${twice}&order=updated`)]).toMatchObject([query, { length: 1 }]);
			expect((await api.call("GET", `./deliveries:count?${twice}`)).json).toMatchObject({ count: 1 });
		}
		const many = await api.call("POST", "./deliveries:retry", { status: ["Failed", "Failed"], cause: "status_5xx" });
		expect(many.json).toMatchObject({ matched: 1, changed: 1 });
	});

	it("refuse a body without one, also if it says where to go on", async () => {
		const { call } = await caller();
		expect(await call("POST", "./deliveries:retry", { page: "x" })).toMatchObject({
			status: 400,
			json: { issues: [{ message: expect.stringMatching(/at least one filter/) }] },
		});
		for (const [body, path] of [
			[{ status: [] }, "status"],
			[{ status: ["Failed", "failed"] }, "status.1"],
			[{ responseCode: "6xy" }, "responseCode"],
			[{ status: "Failed", page: "x" }, "page"],
		] as const) {
			expect(await call("POST", "./deliveries:cancel", body)).toMatchObject({
				status: 400,
				json: { issues: [{ path }] },
			});
		}
	});
});

it.each([
	["status=Faild", "status", /at most 5, got "Faild" \(did you mean "Failed"\?\)$/],
	["status=Failed,nope", "status", /^must be a list of Pending, .*, got "nope"$/],
	["cause=certificate_expird", "cause", /got "certificate_expird" \(did you mean "certificate_expired"\?\)$/],
	["error=x,x,x,x,x,x,x,x,x,x,x,x", "error", /, got more$/],
	["eventType=a..b", "eventType", /, got "a..b"$/],
])("deliveries refuse the filter %s with the word that is wrong", async (query, path, message) => {
	const { call } = await caller();
	const { status, json } = await call("GET", `./deliveries?${query}`);
	expect([status, json["issues"]]).toEqual([400, [{ path, message: expect.stringMatching(message) as string }]]);
	const [name = "", value = ""] = query.split("=");
	if (path === "error") return;
	const body = await call("POST", "./deliveries:retry", { [name]: value.split(",") });
	expect(body.json["message"]).toMatch(/ of these, got "/);
});

describe("a retry of what has failed in the last hour", () => {
	it("goes on from call to call, meets what fails again only once, and ends", async () => {
		const api = await callerAlone();
		const { receiver } = await withReceiver(api, []);
		await using _receiver = receiver;
		const { test, call } = api;
		const old = await test.delivery(await send(api), { status: "Failed" });
		test.clock.advance(2 * HOUR);
		const eventIds: string[] = [];
		for (let n = 0; n < 5; n++) eventIds.push(await send(api));
		for (const eventId of eventIds) await test.delivery(eventId, { status: "Failed" });
		test.clock.advance(1_000);
		const filter = { status: "Failed", updatedAfter: test.clock.now() - HOUR };
		const read = test.store.deliveries.bind(test.store);
		const matched: number[] = [];
		for (let page: unknown = null; page !== null || matched.length === 0;) {
			const body = { ...filter, ...(page !== null && { page }) };
			// The reads after the first one are refused, so that the call ends with what it has done.
			let reads = 0;
			test.engineStore.deliveries = (scope, wanted, request) =>
				reads++ === 0 ? read(scope, wanted, { ...request, limit: 1 }) : Promise.reject(REFUSED);
			const { status, json } = await call("POST", "./deliveries:retry", body);
			expect(status).toBe(200);
			matched.push(json["matched"] as number);
			page = json["nextPage"];
			// All that were retried so far fail again before the next call.
			test.clock.advance(1_000);
			for (const eventId of eventIds.slice(eventIds.length - matched.length)) {
				await test.delivery(eventId, { status: "Failed", attemptCount: 2 });
			}
			if (matched.length === 1) {
				// This one has failed in the last hour only since the first call.
				await test.engine.deliveries.retry(test.change, old.id);
				test.clock.advance(1_000);
				await test.delivery(old.eventId, { status: "Failed", attemptCount: 2 });
			}
			if (matched.length > 20) throw new Error("it does not end");
		}
		expect(matched).toEqual([1, 1, 1, 1, 1]);
		expect((await test.deliveries({ eventId: old.eventId }))[0]).toMatchObject({ attemptCount: 2 });
		test.engineStore.deliveries = read;
		expect((await call("POST", "./deliveries:retry", filter)).json).toMatchObject({ matched: 6, complete: true });
	});
});

describe("a customer's token", () => {
	it("filters and counts only its own", async () => {
		const api = await callerAlone();
		const { receiver } = await withReceiver(api, []);
		await using _receiver = receiver;
		const token = await api.tokenOf("acme", CAPABILITIES);
		const spec = { endpoint: receiver.url, retries: { maxRetries: 0 }, disableAfterMs: 0 };
		await api.call("POST", "./batch/webhooks", { name: "own", spec, customerId: "acme" });
		const { json } = await api.call("POST", "./events", { type: "order.paid", data: 1, customerId: "acme" });
		await api.test.delivery(json["id"] as string, { status: "Failed" });
		await api.test.delivery(await send(api), { status: "Failed" });
		const own = { "secret-key": token };
		for (const query of ["", "status=Failed", "cause=status_5xx", "updatedAfter=1", "eventType=order.*"]) {
			const counted = await api.call("GET", `./deliveries:count?${query}`, undefined, own);
			expect(counted.json).toMatchObject({ count: 1, complete: true });
		}
		const many = await api.call("POST", "./deliveries:retry", { status: "Failed", updatedAfter: 1 }, own);
		expect(many.json).toMatchObject({ matched: 1, changed: 1, complete: true });
	});
});
