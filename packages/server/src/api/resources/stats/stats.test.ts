// Stats over HTTP.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it } from "vitest";

import { comparable, expectRefusals, NO_UUID, problem, refused } from "../../test/answers.ts";
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
		const { get, test } = await caller();
		const now = test.clock.now();
		const { json } = await get(`./stats?width=minute&from=${now}&to=${now + 90_000}`);
		expect(json).toMatchObject({ width: "minute", from: now, to: now + 120_000 });
		expect(json["data"]).toMatchObject([{ start: now }, { start: now + 60_000 }]);
	});

	it("are refused with values that they can't have, and a 404 for a webhook that does not exist", async () => {
		const api = await caller();
		await expectRefusals(api, [
			["GET ./stats?width=week", "width"],
			["GET ./stats?from=yesterday", "from"],
			["GET ./stats?from=2000&to=1000&width=day", "from"],
			["GET ./stats?from=0&width=minute", "from"],
			["GET ./stats?to=1000&from=1000", "from"],
			["GET ./stats?since=0", "since"],
		]);
		const unknown = await api.get(`./batch/webhooks/webhook_${NO_UUID}/stats`);
		expect(unknown).toMatchObject(problem(404, "webhook_not_found"));
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

	it("are a 404 if one webhook is of another customer or project, in the words for one that does not exist", async () => {
		const { get, makeWebhook, other, tokenOf } = await caller();
		const [acmes, globexs] = [
			await makeWebhook(undefined, { customerId: "acme" }),
			await makeWebhook(undefined, { customerId: "globex" }),
		];
		const acme = await tokenOf("acme");
		expect((await get(seriesOf([acmes]), acme)).status).toBe(200);
		expect((await get(seriesOf([globexs, acmes]))).status).toBe(200);
		const [foreign, nothing] = [
			await get(seriesOf([acmes, globexs]), acme),
			await get(seriesOf([acmes, `webhook_${NO_UUID}`]), acme),
		];
		expect(comparable(foreign)).toEqual(comparable(nothing));
		expect(foreign).toMatchObject({ ...refused("ids.1", /./, 404), json: { code: "webhook_not_found" } });
		const ofOther = await get(`/projects/${other.id}/batch/webhooks:stats?ids=${acmes}`);
		expect(ofOther).toMatchObject(refused("ids.0", /./, 404));
	});

	it("are refused without ids, with too many, with one that is none, and with one that is there twice", async () => {
		const api = await caller();
		const id = await api.makeWebhook();
		const many = Array.from({ length: 101 }, (_, index) => id.slice(0, -3) + String(100 + index));
		const list = "GET ./batch/webhooks:stats";
		await expectRefusals(api, [
			[list, "ids", /required/],
			[`${list}?ids=`, "ids", /at least 1 id/],
			[`${list}?ids=${many.join(",")}`, "ids", /at most 100 ids/],
			[`${list}?ids=${id},webhook_x`, "ids.1", /must be an id such as webhook_/],
			[`${list}?ids=${id},${id}`, "ids.1", /list it once/],
			[`${list}?ids=${id}&width=minute&from=0&to=12060000`, "from", /at most 200 are/],
		]);
	});
});
