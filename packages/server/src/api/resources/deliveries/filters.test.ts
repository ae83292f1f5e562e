// Questions about deliveries: what their rows say, filters, counts, and changes of many that end.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { StoreError } from "../../../ports/store/errors.ts";
import { expectRefusals, rowsOf } from "../../test/answers.ts";
import { caller, callerAlone, type Caller } from "../../test/caller.ts";

const HOUR = 3_600_000;
const REFUSED = new StoreError("store_overloaded", "too many reads wait");

/** A project with a webhook that has no retries, and a receiver that answers with `codes`, one after the other. */
async function withReceiver(api: Caller, codes: readonly number[]) {
	const receiver = await startReceiver();
	const rest = [...codes];
	receiver.script(() => ({ status: rest.shift() ?? 500 }));
	const spec = { retries: { maxRetries: 0 }, disableAfterMs: 0 };
	return { receiver, webhookId: await api.makeWebhook(receiver.url, { name: "billing", spec }) };
}

async function rows({ get }: Caller, query: string) {
	const answer = await get(`./deliveries?${query}`);
	expect([query, answer.status]).toEqual([query, 200]);
	return rowsOf(answer);
}

describe("a row of a delivery", () => {
	it("names the webhook and its host, also when it is deleted, and says how the last attempt ended", async () => {
		const api = await caller();
		const { receiver, webhookId } = await withReceiver(api, [503]);
		await using _receiver = receiver;
		const { test, call } = api;
		await test.in(api.project.id).delivery(await api.sendEvent({ type: "order.paid" }), { status: "Failed" });
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
		expect((await call("DELETE", `./batch/webhooks/${webhookId}`)).status).toBe(200);
		expect((await rows(api, "status=Failed"))[0]).toMatchObject(expected);
		expect((await call("GET", `./deliveries/${String(row?.["id"])}`)).json).toMatchObject(expected);
	});

	it("has no last attempt before the first one", async () => {
		const api = await caller();
		const webhookId = await api.makeWebhook();
		await api.call("POST", `./batch/webhooks/${webhookId}:pause`);
		await api.test.in(api.project.id).delivery(await api.sendEvent({ type: "order.paid" }), { status: "Held" });
		expect(await rows(api, "status=Held,Failed")).toMatchObject([{ lastAttempt: null, webhookHost: "127.0.0.1:1" }]);
	});
});

describe("filters", () => {
	it("find each delivery once, also if a value is there twice", async () => {
		const api = await caller();
		const { receiver } = await withReceiver(api, []);
		await using _receiver = receiver;
		await api.test.in(api.project.id).delivery(await api.sendEvent({ type: "order.paid" }), { status: "Failed" });
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
		await expectRefusals(await caller(), [
			["POST ./deliveries:retry", "", /at least one filter/, { page: "x" }],
			["POST ./deliveries:cancel", "status", undefined, { status: [] }],
			["POST ./deliveries:cancel", "status.1", / of these, got "failed"/, { status: ["Failed", "failed"] }],
			["POST ./deliveries:cancel", "responseCode", undefined, { responseCode: "6xy" }],
			["POST ./deliveries:cancel", "page", undefined, { status: "Failed", page: "x" }],
		]);
	});
});

describe("a retry of what has failed in the last hour", () => {
	it("goes on from call to call, meets what fails again only once, and ends", async () => {
		const api = await callerAlone();
		const { receiver } = await withReceiver(api, []);
		await using _receiver = receiver;
		const { test, call } = api;
		const old = await test.delivery(await api.sendEvent({ type: "order.paid" }), { status: "Failed" });
		test.clock.advance(2 * HOUR);
		const eventIds: string[] = [];
		for (let n = 0; n < 5; n++) eventIds.push(await api.sendEvent({ type: "order.paid" }));
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
