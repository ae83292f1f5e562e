// What the log tells of an attempt and of an event beside their outcome, and the list of what has changed.
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { encodeCursor } from "../../../core/page.ts";
import { eventually } from "../../../engine/test/test-engine.ts";
import { caller, type Caller } from "../../test/caller.ts";
import { apiRoutes } from "../table.ts";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const UUID = "01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";

function schemaOf(id: string) {
	return apiRoutes().find((route) => route.id === id)?.answers[200]?.schema;
}

async function send({ call }: Caller, body: object = {}, headers: Record<string, string> = {}): Promise<string> {
	return (await call("POST", "./events", { type: "a", data: 1, ...body }, headers)).json["id"] as string;
}

/** The only attempt of the only delivery of an event. */
async function attemptOf({ call, test }: Caller, eventId: string): Promise<unknown> {
	const { id } = await test.delivery(eventId, { attemptCount: 1 });
	const { json } = await call("GET", `./deliveries/${id}`);
	expect(schemaOf("getDelivery")?.parse(json)).toEqual(json);
	return (json["attempts"] as unknown[])[0];
}

describe("an attempt", () => {
	it("shows the endpoint that was called, the address and the timings", async () => {
		await using first = await startReceiver();
		await using second = await startReceiver();
		const api = await caller();
		const id = await api.makeWebhook(`${first.url}/a?b=c`);
		const called = await send(api);
		const kept = { remoteAddress: first.host.split(":")[0], certificateExpireDate: null, cause: null };
		const ms = expect.any(Number);
		expect(await attemptOf(api, called)).toMatchObject({
			...kept,
			endpoint: `${first.url}/a?b=c`,
			timings: { lookupMs: null, connectMs: ms, tlsMs: null, firstByteMs: ms },
		});
		await api.call("PATCH", `./batch/webhooks/${id}`, { spec: { endpoint: second.url } });
		expect(await attemptOf(api, await send(api))).toMatchObject({ endpoint: second.url });
		expect(await attemptOf(api, called)).toMatchObject({ endpoint: `${first.url}/a?b=c` });
	});

	it("shows the cause of a failure", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ kind: "reset" }));
		const api = await caller();
		await api.makeWebhook(receiver.url);
		expect(await attemptOf(api, await send(api))).toMatchObject({
			error: "reset",
			cause: "closed_before_response",
			timings: { firstByteMs: null },
		});
	});
});

describe("an event", () => {
	it("shows its idempotency key, whom it was sent to, and the trace of its request", async () => {
		const api = await caller();
		const webhookId = await api.makeWebhook();
		const traced = { traceparent: TRACEPARENT };
		const shown = async (eventId: string) => {
			const { json } = await api.call("GET", `./events/${eventId}`);
			expect(schemaOf("getEvent")?.parse(json)).toEqual(json);
			return [json["idempotencyKey"], json["targets"], json["traceparent"]];
		};
		const all = { idempotencyKey: "k", webhookIds: [webhookId] };
		expect(await shown(await send(api, all, traced))).toEqual(["k", "webhooks", TRACEPARENT]);
		expect(await shown(await send(api))).toEqual([null, "everyone", null]);
		const batch = await api.call("POST", "./events:batch", { events: [{ type: "a", data: 1 }] }, traced);
		const [{ event }] = batch.json["data"] as [{ event: { id: string } }];
		expect(await shown(event.id)).toEqual([null, "everyone", TRACEPARENT]);
	});

	it.each([
		"",
		"garbage",
		TRACEPARENT.toUpperCase(),
		TRACEPARENT.replace("00-", "ff-"),
		TRACEPARENT.replace("0af7651916cd43dd8448eb211c80319c", "0".repeat(32)),
		TRACEPARENT.replace("b7ad6b7169203331", "0".repeat(16)),
		`${TRACEPARENT}-${"x".repeat(300)}`,
		`${TRACEPARENT}-x`,
		`${TRACEPARENT}, ${TRACEPARENT}`,
	])("is accepted without a trace if the header is malformed: %s", async (traceparent) => {
		const api = await caller();
		const id = await send(api, {}, { traceparent });
		expect((await api.call("GET", `./events/${id}`)).json).toMatchObject({ id, traceparent: null });
	});
});

describe("the trace of an event", () => {
	const tracesOf = (receiver: Receiver) => receiver.requests.map(({ headers }) => headers["traceparent"] ?? null);

	it("goes with each attempt and replay, and is in the log", async () => {
		await using receiver = await startReceiver();
		receiver.script((_, index) => ({ status: index === 0 ? 500 : 204 }));
		const api = await caller();
		const webhookId = await api.makeWebhook(receiver.url);
		const eventId = await send(api, {}, { traceparent: TRACEPARENT });
		const { id } = await api.test.delivery(eventId, { attemptCount: 1 });
		api.test.clock.advance(1_000);
		await api.test.delivery(eventId, { status: "Succeeded" });
		await api.call("POST", `./batch/webhooks/${webhookId}:replay`, { since: 0, status: ["Succeeded"] });
		await eventually("the replay has sent it", () => {
			api.test.clock.advance(10);
			return receiver.requests.length === 3;
		});
		expect(tracesOf(receiver)).toEqual([TRACEPARENT, TRACEPARENT, TRACEPARENT]);
		const { json } = await api.call("GET", `./deliveries/${id}`);
		const sent = { request: { headers: { traceparent: TRACEPARENT } } };
		expect(json["attempts"]).toMatchObject([sent, sent]);
	});

	it("is not sent if the event has none, or if the webhook has a header of this name, which is sent instead", async () => {
		await using receiver = await startReceiver();
		const api = await caller();
		const id = await api.makeWebhook(receiver.url);
		await api.test.delivery(await send(api), { status: "Succeeded" });
		await api.call("PATCH", `./batch/webhooks/${id}`, { spec: { headers: { Traceparent: "own" } } });
		const eventId = await send(api, {}, { traceparent: TRACEPARENT });
		await api.test.delivery(eventId, { status: "Succeeded" });
		expect(tracesOf(receiver)).toEqual([null, "own"]);
		expect(await attemptOf(api, eventId)).toMatchObject({ request: { headers: { traceparent: "***" } } });
	});
});

describe("a list in the order of changes", () => {
	/** Three deliveries that are Cancelled in another order than they were created. Returns their ids, the last cancelled first. */
	async function withCancelled() {
		const api = await caller();
		const webhookId = await api.makeWebhook();
		await api.call("POST", `./batch/webhooks/${webhookId}:pause`);
		const ids: string[] = [];
		for (let n = 0; n < 3; n++) ids.push((await api.test.delivery(await send(api), { status: "Held" })).id);
		const cancelled = [ids[1], ids[2], ids[0]];
		for (const id of cancelled) await api.call("POST", `./deliveries/${id}:cancel`);
		return { ...api, webhookId, changed: cancelled.toReversed() };
	}

	const idsIn = (json: Readonly<Record<string, unknown>>) => (json["data"] as { id: string }[]).map(({ id }) => id);

	it("has those that changed last first, with cursors in both directions", async () => {
		const { call, changed, webhookId } = await withCancelled();
		const list = "./deliveries?order=updated&status=Cancelled&limit=2";
		const { json } = await call("GET", list);
		expect(idsIn(json)).toEqual(changed.slice(0, 2));
		expect(schemaOf("listDeliveries")?.parse(json)).toEqual(json);
		const next = await call("GET", `${list}&page=${String(json["nextPage"])}`);
		expect([idsIn(next.json), next.json["nextPage"]]).toEqual([changed.slice(2), null]);
		const back = await call("GET", `${list}&page=${String(next.json["prevPage"])}`);
		expect([idsIn(back.json), back.json["prevPage"]]).toEqual([changed.slice(0, 2), null]);
		expect(idsIn((await call("GET", `${list}&webhookId=${webhookId}&updatedAfter=0`)).json)).toHaveLength(2);
		expect(idsIn((await call("GET", `${list}&updatedAfter=${Date.now() + 1e9}`)).json)).toEqual([]);
	});

	it.each([
		["order=updated", "status", /must be one or several of Pending, Failed/],
		["order=updated&status=Failed,Succeeded", "status", /must be one or several of Pending, Failed/],
		[`order=updated&status=Failed&eventId=evt_${UUID}`, "eventId", /remove one of the two/],
		["order=updated&status=Failed&after=1", "after", /remove one of the two/],
		[`order=updated&status=Failed&page=${encodeCursor({ direction: "older", id: `dlv_${UUID}` })}`, "page", /cursor/],
		[`page=${encodeCursor({ direction: "older", id: `1.dlv_${UUID}` })}`, "page", /cursor/],
		["order=changed", "order", /"created" or/],
		["updatedAfter=x", "updatedAfter", /whole number/],
	])("refuses ?%s", async (query, path, message) => {
		const { call } = await caller();
		const { status, json } = await call("GET", `./deliveries?${query}`);
		expect(status).toBe(400);
		expect(json["issues"]).toContainEqual({ path, message: expect.stringMatching(message) });
	});

	it("is not needed for a filter by date, which also changes of many deliveries take", async () => {
		const { call, changed } = await withCancelled();
		expect(idsIn((await call("GET", "./deliveries?status=Cancelled&updatedAfter=1")).json)).toHaveLength(3);
		const late = await call("POST", "./deliveries:cancel", { updatedAfter: Date.now() + 1e9 });
		expect(late.json).toMatchObject({ matched: 0 });
		// Cancelled ones can't be cancelled again.
		expect((await call("POST", "./deliveries:cancel", { updatedAfter: 1 })).json).toMatchObject({ matched: 0 });
		expect((await call("POST", "./deliveries:retry", { updatedAfter: 1 })).json).toMatchObject({
			matched: changed.length,
		});
	});
});
