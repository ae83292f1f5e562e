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
	failures: {},
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
			waitingSince: { Pending: null, Held: null },
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

	it("tell why attempts failed and since when deliveries wait, and a customer's token only about its own", async () => {
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: 503 }));
		const { call, test, tokenOf } = await caller();
		const { id: ours } = await test.createWebhook(receiver.url);
		const { id: acmes } = await test.createWebhook("http://127.0.0.1:9/", { customerId: "acme" });
		const { id: held } = await test.createWebhook("http://127.0.0.1:9/", { customerId: "globex" });
		await call("POST", `./batch/webhooks/${held}:pause`);
		const first = test.clock.now();
		const eventId = await test.send({ customers: "*" });
		await expect
			.poll(async () =>
				(await test.deliveries({ eventId })).map(({ attemptCount }) => attemptCount).toSorted((a, b) => a - b),
			)
			.toEqual([0, 1, 1]);
		test.clock.advance(10);
		await test.send({ customers: "*", type: "later" });
		const stats = async (path: string, headers = {}) => {
			const { json } = await call("GET", path, undefined, headers);
			const { totals, waitingSince, data } = json as {
				totals: { failures: object };
				waitingSince: object;
				data: { failures: object }[];
			};
			expect(data.at(-1)?.failures).toEqual(totals.failures);
			return { failures: totals.failures, waitingSince };
		};
		const waiting = { Pending: first, Held: null };
		await expect
			.poll(() => stats("./stats"))
			.toEqual({ failures: { refused: 2, status_5xx: 2 }, waitingSince: { Pending: first, Held: first } });
		expect(await stats(`./batch/webhooks/${ours}/stats`)).toEqual({
			failures: { status_5xx: 2 },
			waitingSince: waiting,
		});
		const asAcme = { "secret-key": await tokenOf("acme") };
		const ofAcme = { failures: { refused: 2 }, waitingSince: waiting };
		expect(await stats("./stats", asAcme)).toEqual(ofAcme);
		expect(await stats(`./batch/webhooks/${acmes}/stats`, asAcme)).toEqual(ofAcme);
		expect(await stats("./stats", { "secret-key": await tokenOf("globex") })).toEqual({
			failures: {},
			waitingSince: { Pending: null, Held: first },
		});
	});
});

describe("stats of several webhooks", () => {
	const seriesOf = (webhookIds: readonly string[]) => `./batch/webhooks:stats?ids=${webhookIds.join(",")}`;

	it("have the attempts of each webhook in each bucket, in the order of the ids", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ status: 500 }, { status: 200 }]);
		const { call, makeWebhook, test } = await caller();
		const { id: idle } = await test.createWebhook("http://127.0.0.1:9/", { eventTypes: ["nothing"] });
		const busy = await makeWebhook(receiver.url);
		const eventId = await test.send();
		await test.delivery(eventId, { attemptCount: 1 });
		test.clock.advance(HOUR);
		await test.delivery(eventId, { status: "Succeeded" });
		const to = test.clock.now() - (test.clock.now() % HOUR) + HOUR;
		const none = Array.from({ length: 24 }, () => 0);
		expect((await call("GET", seriesOf([idle, busy]))).json).toEqual({
			object: "webhookStats",
			width: "hour",
			from: to - 24 * HOUR,
			to,
			data: [
				{ webhookId: idle, attempts: { succeeded: none, failed: none } },
				{ webhookId: busy, attempts: { succeeded: [...none.slice(1), 1], failed: [...none.slice(2), 1, 0] } },
			],
		});
		const minutes = await call("GET", `${seriesOf([busy])}&width=minute&from=${to - HOUR}&to=${to - HOUR + 1}`);
		expect(minutes).toMatchObject({ status: 200, json: { width: "minute", to: to - HOUR + 60_000 } });
	});

	it("show a customer's token its own webhooks only, and nothing if one of them is another's", async () => {
		const { call, test, tokenOf } = await caller();
		const { id: acmes } = await test.createWebhook("http://127.0.0.1:9/", { customerId: "acme" });
		const { id: globexs } = await test.createWebhook("http://127.0.0.1:9/", { customerId: "globex" });
		const asAcme = { "secret-key": await tokenOf("acme") };
		expect(await call("GET", seriesOf([acmes]), undefined, asAcme)).toMatchObject({ status: 200 });
		expect(await call("GET", seriesOf([globexs, acmes]))).toMatchObject({ status: 200 });
		const unknown = "webhook_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77";
		const refusals = [globexs, unknown].map(async (id) => {
			const { status, json } = await call("GET", seriesOf([acmes, id]), undefined, asAcme);
			return { status, json: { ...(json as object), requestId: "" } };
		});
		const [foreign, nothing] = await Promise.all(refusals);
		expect(foreign).toEqual(nothing);
		expect(foreign).toMatchObject({ status: 404, json: { code: "webhook_not_found", issues: [{ path: "ids.1" }] } });
		expect(JSON.stringify(foreign)).not.toContain(globexs);
	});

	it("don't include webhooks of another project", async () => {
		const { call, makeWebhook, test } = await caller();
		const mine = await makeWebhook("http://127.0.0.1:9/");
		const other = await test.engine.projects.create("Other", null);
		const path = `/projects/${other.id}/batch/webhooks:stats?ids=${mine}`;
		expect(await call("GET", path)).toMatchObject({ status: 404, json: { issues: [{ path: "ids.0" }] } });
	});

	it("are refused without ids, with too many, with one that is none, and with one that is there twice", async () => {
		const { call, makeWebhook } = await caller();
		const id = await makeWebhook("http://127.0.0.1:9/");
		const many = Array.from({ length: 101 }, (_, index) => id.slice(0, -3) + String(100 + index));
		const message = (ids: string) => call("GET", `./batch/webhooks:stats${ids}`);
		const refused = (path: string, text: RegExp) => ({
			status: 400,
			json: { code: "invalid_request", issues: [{ path, message: expect.stringMatching(text) }] },
		});
		expect(await message("")).toMatchObject(refused("ids", /required/));
		expect(await message("?ids=")).toMatchObject(refused("ids", /at least 1 id/));
		expect(await message(`?ids=${many.join(",")}`)).toMatchObject(refused("ids", /at most 100 ids/));
		expect(await message(`?ids=${id},webhook_x`)).toMatchObject(refused("ids.1", /must be an id such as webhook_/));
		expect(await message(`?ids=${id},${id}`)).toMatchObject(refused("ids.1", /list it once/));
		expect(await message(`?ids=${id}&width=minute&from=0&to=12060000`)).toMatchObject(
			refused("from", /at most 200 are/),
		);
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
