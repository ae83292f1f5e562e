// The health of webhooks over HTTP: its states as time passes, and the calls that show it.
import { startReceiver } from "@fanfare/testkit/receiver";
import { expect, it } from "vitest";

import { eventually } from "../../../engine/test/test-engine.ts";
import { callerAlone, type Caller } from "../../test/caller.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;
const HEALTHY = { state: "Healthy", failingSince: null, exhaustedCount: 0, disableDate: null };

/** Sends events one after the other to a receiver that fails. */
async function failAll({ call, test }: Caller, count: number): Promise<void> {
	for (let sent = 0; sent < count; sent++) {
		const { json } = await call("POST", "./events", { type: "a.b", data: {} });
		await test.delivery(String(json["id"]), { status: "Failed" });
	}
}

/** Moves the clock on in small steps until a GET shows the state. Returns the webhook then. */
function shown({ call, test }: Caller, path: string, state: string): Promise<Readonly<Record<string, unknown>>> {
	return eventually(`the webhook is ${state}`, async () => {
		test.clock.advance(10_000);
		const { json } = await call("GET", path);
		return (json["health"] as { state: string }).state === state ? json : null;
	});
}

it("goes from Healthy over Failing and Disabling to Disabled, and starts over when the webhook is resumed", async () => {
	await using receiver = await startReceiver();
	receiver.script(() => ({ status: 500 }));
	const api = await callerAlone();
	const { call, test } = api;
	const spec = { endpoint: receiver.url, retries: { maxRetries: 0 }, disableAfterMs: 5 * DAY };
	const created = await call("POST", "./batch/webhooks", { name: "a", spec });
	expect(created.json["health"]).toEqual(HEALTHY);
	const path = `./batch/webhooks/${String(created.json["id"])}`;
	expect((await call("GET", path)).json).toEqual(created.json);

	const failingSince = test.clock.now();
	await failAll(api, 5);
	const early = { ...HEALTHY, failingSince, exhaustedCount: 5 };
	expect((await call("GET", path)).json["health"]).toEqual(early);
	test.clock.advance(5 * MINUTE);
	const failing = await shown(api, path, "Failing");
	const disableDate = failingSince + 5 * DAY;
	expect(failing["health"]).toEqual({ state: "Failing", failingSince, exhaustedCount: 5, disableDate });
	expect((await call("PATCH", path, { name: "b" })).json["health"]).toEqual(failing["health"]);
	// A restore has not paused it, so nothing changes.
	expect((await call("POST", `${path}:release`)).json["health"]).toEqual(failing["health"]);

	test.clock.advance(2.5 * DAY);
	await failAll(api, 5);
	const disabling = await shown(api, path, "Disabling");
	expect(disabling["health"]).toEqual({ state: "Disabling", failingSince, exhaustedCount: 10, disableDate });
	const list = await call("GET", "./batch/webhooks");
	expect(list.json["data"]).toMatchObject([{ id: created.json["id"], health: disabling["health"] }]);
	const paused = await call("POST", `${path}:pause`);
	expect(paused.json["health"]).toMatchObject({ state: "Failing", disableDate: null });
	expect((await call("POST", `${path}:resume`)).json["health"]).toEqual(HEALTHY);

	receiver.script(() => ({ status: 410 }));
	await failAll(api, 1);
	const disabled = await shown(api, path, "Disabled");
	expect(disabled["health"]).toMatchObject({ state: "Disabled", exhaustedCount: 1, disableDate: null });
	expect((await call("POST", `${path}:resume`)).json["health"]).toEqual(HEALTHY);
});
