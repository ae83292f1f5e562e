// Stats over HTTP.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { caller } from "../../test/caller.ts";

const HOUR = 3_600_000;
const NO_COUNTS = {
	accepted: 0,
	attempts: { succeeded: 0, failed: 0 },
	succeeded: 0,
	exhausted: 0,
	latencyMs: { p50: null, p95: null, p99: null },
};

describe("stats over HTTP", () => {
	it("default to the last day by the hour, for the project and for a webhook", async () => {
		await using receiver = await startReceiver();
		const { call, makeWebhook, test } = await caller();
		const webhookId = await makeWebhook(receiver.url);
		await test.delivery(await test.send(), { status: "Succeeded" });
		const start = test.clock.now() - (test.clock.now() % HOUR);
		const latencyMs = { p50: expect.any(Number), p95: expect.any(Number), p99: expect.any(Number) };
		const counts = { ...NO_COUNTS, accepted: 1, attempts: { succeeded: 1, failed: 0 }, succeeded: 1, latencyMs };
		const stats = {
			object: "stats",
			width: "hour",
			from: start - 23 * HOUR,
			to: start + HOUR,
			data: [
				...Array.from({ length: 23 }, (_, index) => ({ start: start - (23 - index) * HOUR, ...NO_COUNTS })),
				{ start, ...counts },
			],
			totals: counts,
			deliveries: { Pending: 0, Succeeded: 1, Failed: 0, Held: 0, Cancelled: 0 },
		};
		expect((await call("GET", "./stats")).json).toEqual(stats);
		expect((await call("GET", `./batch/webhooks/${webhookId}/stats`)).json).toEqual(stats);
	});

	it("have the requested width and range", async () => {
		const { call, test } = await caller();
		const now = test.clock.now();
		expect(await call("GET", `./stats?width=minute&from=${now}&to=${now + 90_000}`)).toMatchObject({
			status: 200,
			json: { width: "minute", from: now, to: now + 120_000, data: [{ start: now }, { start: now + 60_000 }] },
		});
	});

	it.each([
		["width=week", "width"],
		["from=yesterday", "from"],
		["from=2000&to=1000&width=day", "from"],
		["from=0&width=minute", "from"],
		["to=1000&from=1000", "from"],
		["since=0", "since"],
	])("are refused for ?%s", async (query, path) => {
		const { call } = await caller();
		const refusal = { status: 400, json: { code: "invalid_request", issues: [{ path }] } };
		expect(await call("GET", `./stats?${query}`)).toMatchObject(refusal);
	});

	it("are a 404 for a webhook that does not exist", async () => {
		const { call } = await caller();
		const unknownId = "webhook_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";
		const refusal = { status: 404, json: { code: "webhook_not_found" } };
		expect(await call("GET", `./batch/webhooks/${unknownId}/stats`)).toMatchObject(refusal);
	});
});

describe("types of Fanfare's own events", () => {
	it("are refused in sends, with the path", async () => {
		const { call, accepted } = await caller();
		const own = { type: "fanfare.webhook.disabled", data: {} };
		const issues = [{ path: "type", message: expect.stringMatching(/^must not start with fanfare\./) }];
		expect(await call("POST", "./events", own)).toMatchObject({
			status: 400,
			json: { code: "invalid_request", issues },
		});
		const batch = await call("POST", "./events:batch", { events: [{ type: "fanfarewell", data: {} }, own] });
		expect(batch.json).toMatchObject({
			data: [{ status: 202 }, { status: 400, error: { issues: [{ path: "events.1.type" }] } }],
		});
		expect((await accepted()).map(({ type }) => type)).toEqual(["fanfarewell"]);
	});
});
