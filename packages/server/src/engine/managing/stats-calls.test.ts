// Stats as the API reads them, on the real store.
import { describe, expect, it } from "vitest";

import { STATS_WIDTHS_MS } from "../../core/stats/stats.ts";
import { openDelivering } from "../test/arrangements.ts";
import { eventually, openTestEngine } from "../test/test-engine.ts";

const { minute, hour } = STATS_WIDTHS_MS;
const LAST_HOURS = { width: "hour", from: null, to: null } as const;

describe("stats", () => {
	it("have every bucket of the range, for a webhook and for its project", async () => {
		const { receiver, test, webhook } = await openDelivering();
		receiver.respond([{ status: 500 }, { status: 200 }, { status: 410 }]);
		const other = await test.createWebhook("http://127.0.0.1:9/", { eventTypes: ["other"] });
		const first = await test.send();
		await test.delivery(first, { attemptCount: 1 });
		test.clock.advance(hour);
		await test.delivery(first, { status: "Succeeded" });
		await test.delivery(await test.send(), { status: "Failed" });
		await test.send({ type: "nobody.wants.it", webhookIds: null });
		const start = Math.floor(test.clock.now() / hour) * hour;
		const report = await test.engine.stats.read(test.scope, webhook.id, LAST_HOURS);
		expect(report).toMatchObject({ width: "hour", from: start - 23 * hour, to: start + hour });
		expect(report.buckets).toHaveLength(24);
		expect(report.buckets.slice(-3)).toMatchObject([
			{ start: start - 2 * hour, accepted: 0, attemptsSucceeded: 0, attemptsFailed: 0, succeeded: 0, exhausted: 0 },
			{ start: start - hour, accepted: 1, attemptsFailed: 1 },
			{ start, attemptsSucceeded: 1, attemptsFailed: 1, succeeded: 1, exhausted: 1 },
		]);
		expect(report.deliveries).toMatchObject({ Pending: 0, Succeeded: 1, Failed: 1, Cancelled: 0 });
		expect((await test.engine.stats.read(test.scope, other.id, LAST_HOURS)).totals).toMatchObject({ accepted: 0 });
		expect((await test.engine.stats.read(test.scope, null, LAST_HOURS)).totals).toMatchObject({
			accepted: 3,
			attemptsSucceeded: 1,
			attemptsFailed: 2,
			succeeded: 1,
			exhausted: 1,
		});
	});

	it("don't count tests of a webhook", async () => {
		const { receiver, test, webhook } = await openDelivering();
		const before = await test.engine.stats.read(test.scope, webhook.id, LAST_HOURS);
		await test.engine.webhooks.test(test.change, webhook.id, null);
		expect(receiver.requests).toHaveLength(1);
		expect(await test.engine.stats.read(test.scope, webhook.id, LAST_HOURS)).toEqual(before);
		expect(before.deliveries).toEqual({ Pending: 0, Succeeded: 0, Failed: 0, Held: 0, Cancelled: 0 });
	});

	it("are added up in the background, and minutes are dropped after two days", async () => {
		const { test, webhook } = await openDelivering();
		await test.delivery(await test.send(), { status: "Succeeded" });
		const sentAt = test.clock.now();
		const query = { scope: test.scope, webhookId: webhook.id, from: sentAt - (sentAt % minute) };
		const minutes = () => test.store.stats({ ...query, width: "minute", to: query.from + minute });
		test.clock.advance(minute);
		await eventually("a round is over", async () => (await test.store.rollUpStats(KEEP_ALL)) === 0);
		expect(await minutes()).toMatchObject([{ accepted: 1, succeeded: 1 }]);
		test.clock.advance(48 * hour);
		await eventually("old minutes are dropped", async () => {
			test.clock.advance(minute);
			return (await minutes()).length === 0;
		});
		const days = { width: "day", from: sentAt, to: sentAt + 1 } as const;
		expect((await test.engine.stats.read(test.scope, webhook.id, days)).totals).toMatchObject({ succeeded: 1 });
	});

	it("are refused for a range that is not kept, and for an unknown webhook", async () => {
		await using test = await openTestEngine();
		const read = (webhookId: string | null, from: number) =>
			test.engine.stats.read(test.scope, webhookId, { width: "minute", from, to: null });
		await expect(read(null, 0)).rejects.toMatchObject({ code: "invalid_request", issues: [{ path: "from" }] });
		await expect(read("webhook_x", test.clock.now())).rejects.toMatchObject({ code: "webhook_not_found" });
	});
});

const KEEP_ALL = { keepMinutesFrom: 0, keepHoursFrom: 0, limit: 1_000 };
