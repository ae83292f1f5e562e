// The activity of webhooks over HTTP: how many of their deliveries wait or have failed, and their last attempts.
import { startReceiver } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import { eventually } from "../../../engine/test/test-engine.ts";
import { StoreError } from "../../../ports/store/errors.ts";
import { caller, type Caller } from "../../test/caller.ts";

const NOTHING = { deliveries: { Pending: 0, Held: 0, Failed: 0 }, lastAttempt: null };

/** Sends an event and returns its delivery, when that has the status. */
async function deliver({ call, test }: Caller, status: "Succeeded" | "Failed" | "Pending" | "Held") {
	const { json } = await call("POST", "./events", { type: "a.b", data: {} });
	return test.delivery(String(json["id"]), { status });
}

it("is shown with a webhook, alone and in a list, and after each change", async () => {
	await using receiver = await startReceiver();
	const api = await caller();
	const { call, test } = api;
	const { json: created } = await call("POST", "./batch/webhooks", {
		name: "a",
		spec: { endpoint: receiver.url, retries: { maxRetries: 0 } },
	});
	expect(created).toMatchObject(NOTHING);
	const path = `./batch/webhooks/${String(created["id"])}`;
	expect((await call("GET", path)).json).toEqual(created);

	const succeeded = await deliver(api, "Succeeded");
	const date = test.clock.now();
	const first = { date, responseCode: 200, error: null, cause: null, deliveryId: succeeded.id };
	expect((await call("GET", path)).json).toMatchObject({ ...NOTHING, lastAttempt: first });

	receiver.script(() => ({ status: 500 }));
	test.clock.advance(1_000);
	const failed = await deliver(api, "Failed");
	const last = { ...first, date: date + 1_000, responseCode: 500, cause: "status_5xx", deliveryId: failed.id };
	const activity = { deliveries: { Pending: 0, Held: 0, Failed: 1 }, lastAttempt: last };
	const { json: list } = await call("GET", "./batch/webhooks");
	expect(list["data"]).toMatchObject([activity]);
	expect((await call("PATCH", path, { name: "b" })).json).toMatchObject({ name: "b", ...activity });
	expect((await call("POST", `${path}:pause`)).json).toMatchObject({ status: "Paused", ...activity });
	await deliver(api, "Held");
	const resumed = await call("POST", `${path}:resume`);
	expect(resumed.json).toMatchObject({ status: "Enabled", deliveries: { Pending: 0, Held: 1, Failed: 1 } });
	await eventually("it has failed too", async () => {
		const { json } = await call("GET", path);
		return (json["deliveries"] as { Failed: number }).Failed === 2;
	});
	expect((await call("POST", `${path}:release`)).json).toMatchObject({ deliveries: { Held: 0, Failed: 2 } });
});

it("is one read of the store for a list", async () => {
	const api = await caller();
	const ids = [await api.makeWebhook(), await api.makeWebhook()];
	const asked: number[] = [];
	const webhookActivity = api.store.webhookActivity.bind(api.store);
	api.store.webhookActivity = (scope, webhookIds) => {
		asked.push(webhookIds.length);
		return webhookActivity(scope, webhookIds);
	};
	const { json } = await api.call("GET", "./batch/webhooks");
	expect(json["data"]).toHaveLength(ids.length);
	expect(asked).toEqual([2]);
});

it("is read before a change, so that nothing has changed if the read is refused", async () => {
	const api = await caller();
	const path = `./batch/webhooks/${await api.makeWebhook()}`;
	const { json: before } = await api.call("GET", path);
	const webhookActivity = api.store.webhookActivity.bind(api.store);
	api.store.webhookActivity = () => Promise.reject(new StoreError("store_overloaded", "too many reads wait"));
	const secret = { contents: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" };
	for (const [method, rest, body] of [
		["PATCH", "", { name: "b" }],
		["PUT", "/secret", secret],
		["POST", ":pause", undefined],
		["POST", ":resume", undefined],
		["POST", ":release", undefined],
	] as const) {
		const answer = await api.call(method, path + rest, body);
		expect(answer).toMatchObject({ status: 503, json: { code: "overloaded" } });
	}
	api.store.webhookActivity = webhookActivity;
	expect((await api.call("GET", path)).json).toEqual(before);
});
