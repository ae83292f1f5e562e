// What the log tells of an attempt and of an event beside their outcome, and the list of what has changed.
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { encodeCursor } from "../../../core/page.ts";
import { expectRefusals, idsOf, NO_UUID } from "../../test/answers.ts";
import { caller, type Caller } from "../../test/caller.ts";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/** The only attempt of the only delivery of an event. */
async function attemptOf({ get, test }: Caller, eventId: string): Promise<unknown> {
	const { id } = await test.delivery(eventId, { attemptCount: 1 });
	const { json } = await get(`./deliveries/${id}`);
	return (json["attempts"] as unknown[])[0];
}

describe("an attempt", () => {
	it("shows the endpoint that was called, the address and the timings", async () => {
		await using first = await startReceiver();
		await using second = await startReceiver();
		const api = await caller();
		const id = await api.makeWebhook(`${first.url}/a?b=c`);
		const called = await api.sendEvent();
		const kept = { remoteAddress: first.host.split(":")[0], certificateExpireDate: null, cause: null };
		const ms = expect.any(Number);
		expect(await attemptOf(api, called)).toMatchObject({
			...kept,
			endpoint: `${first.url}/a?b=c`,
			timings: { lookupMs: null, connectMs: ms, tlsMs: null, firstByteMs: ms },
		});
		await api.call("PATCH", `./batch/webhooks/${id}`, { spec: { endpoint: second.url } });
		expect(await attemptOf(api, await api.sendEvent())).toMatchObject({ endpoint: second.url });
		expect(await attemptOf(api, called)).toMatchObject({ endpoint: `${first.url}/a?b=c` });
	});

	it("shows the cause of a failure", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ kind: "reset" }));
		const api = await caller();
		await api.makeWebhook(receiver.url);
		expect(await attemptOf(api, await api.sendEvent())).toMatchObject({
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
			const { json } = await api.get(`./events/${eventId}`);
			return [json["idempotencyKey"], json["targets"], json["traceparent"]];
		};
		const all = { idempotencyKey: "k", webhookIds: [webhookId] };
		expect(await shown(await api.sendEvent(all, traced))).toEqual(["k", "webhooks", TRACEPARENT]);
		expect(await shown(await api.sendEvent())).toEqual([null, "everyone", null]);
		const batch = await api.call("POST", "./events:batch", { events: [{ type: "a", data: 1 }] }, traced);
		const [{ event }] = batch.json["data"] as [{ event: { id: string } }];
		expect(await shown(event.id)).toEqual([null, "everyone", TRACEPARENT]);
	});

	it("is accepted without a trace if the header is malformed", async () => {
		const api = await caller();
		for (const traceparent of [
			"",
			"garbage",
			TRACEPARENT.toUpperCase(),
			TRACEPARENT.replace("00-", "ff-"),
			TRACEPARENT.replace("0af7651916cd43dd8448eb211c80319c", "0".repeat(32)),
			TRACEPARENT.replace("b7ad6b7169203331", "0".repeat(16)),
			`${TRACEPARENT}-${"x".repeat(300)}`,
			`${TRACEPARENT}-x`,
			`${TRACEPARENT}, ${TRACEPARENT}`,
		]) {
			const id = await api.sendEvent({}, { traceparent });
			expect((await api.get(`./events/${id}`)).json).toMatchObject({ id, traceparent: null });
		}
	});
});

describe("the trace of an event", () => {
	const tracesOf = (receiver: Receiver) => receiver.requests.map(({ headers }) => headers["traceparent"] ?? null);

	it("is not sent if the event has none, or if the webhook has a header of this name, which is sent instead", async () => {
		await using receiver = await startReceiver();
		const api = await caller();
		const id = await api.makeWebhook(receiver.url);
		await api.test.delivery(await api.sendEvent(), { status: "Succeeded" });
		await api.call("PATCH", `./batch/webhooks/${id}`, { spec: { headers: { Traceparent: "own" } } });
		const eventId = await api.sendEvent({}, { traceparent: TRACEPARENT });
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
		for (let n = 0; n < 3; n++) ids.push((await api.test.delivery(await api.sendEvent(), { status: "Held" })).id);
		const cancelled = [ids[1], ids[2], ids[0]];
		for (const id of cancelled) await api.call("POST", `./deliveries/${id}:cancel`);
		return { ...api, webhookId, changed: cancelled.toReversed() };
	}

	it("has those that changed last first, with cursors in both directions", async () => {
		const { get, changed, webhookId } = await withCancelled();
		const list = "./deliveries?order=updated&status=Cancelled&limit=2";
		const first = await get(list);
		expect(idsOf(first)).toEqual(changed.slice(0, 2));
		const next = await get(`${list}&page=${String(first.json["nextPage"])}`);
		expect([idsOf(next), next.json["nextPage"]]).toEqual([changed.slice(2), null]);
		const back = await get(`${list}&page=${String(next.json["prevPage"])}`);
		expect([idsOf(back), back.json["prevPage"]]).toEqual([changed.slice(0, 2), null]);
		expect(idsOf(await get(`${list}&webhookId=${webhookId}&updatedAfter=0`))).toHaveLength(2);
		expect(idsOf(await get(`${list}&updatedAfter=${Date.now() + 1e9}`))).toEqual([]);
	});

	it("needs one status, and takes neither the filters nor the cursors of the other order", async () => {
		const [ofCreation, ofChange] = [`dlv_${NO_UUID}`, `1.dlv_${NO_UUID}`].map((id) =>
			encodeCursor({ direction: "older", id }),
		);
		const refusals: readonly [query: string, path: string, message: RegExp][] = [
			["order=updated", "status", /must be one or several of Pending, Failed/],
			["order=updated&status=Failed,Succeeded", "status", /must be one or several of Pending, Failed/],
			[`order=updated&status=Failed&eventId=evt_${NO_UUID}`, "eventId", /remove one of the two/],
			["order=updated&status=Failed&after=1", "after", /remove one of the two/],
			[`order=updated&status=Failed&page=${ofCreation}`, "page", /cursor/],
			[`page=${ofChange}`, "page", /cursor/],
			["order=changed", "order", /"created" or/],
			["updatedAfter=x", "updatedAfter", /whole number/],
		];
		await expectRefusals(
			await caller(),
			refusals.map(([query, ...said]) => [`GET ./deliveries?${query}`, ...said]),
		);
	});

	it("is not needed for a filter by date, which also changes of many deliveries take", async () => {
		const { call, get, changed } = await withCancelled();
		expect(idsOf(await get("./deliveries?status=Cancelled&updatedAfter=1"))).toHaveLength(3);
		const late = await call("POST", "./deliveries:cancel", { updatedAfter: Date.now() + 1e9 });
		expect(late.json).toMatchObject({ matched: 0 });
		// Cancelled ones can't be cancelled again.
		expect((await call("POST", "./deliveries:cancel", { updatedAfter: 1 })).json).toMatchObject({ matched: 0 });
		expect((await call("POST", "./deliveries:retry", { updatedAfter: 1 })).json).toMatchObject({
			matched: changed.length,
		});
	});
});
