// The contract of the stats slice: buckets, counts by status, and rolling up; health has a file of its own.
import { describe, expect, it } from "vitest";

import { customerScope, projectScope } from "../../../core/access/principal.ts";
import { newHeldDelivery } from "../../../core/delivery.ts";
import type { AttemptCause } from "../../../core/log/attempt-cause.ts";
import { addLatencyCount, emptyLatencyCounts, latencyBucket } from "../../../core/stats/latency-histogram.ts";
import { STATS_WIDTHS } from "../../../core/stats/stats.ts";
import type { DeliveryUpdate } from "../../store/accept.ts";
import type { StatsQuery } from "../../store/stats.ts";
import { describeActivity } from "./activity.contract.ts";
import { describeHealth } from "./health.contract.ts";
import type { CurrentStore, Reopen } from "./records/records.ts";
import { fillStore, GONE, POLICY, type World } from "./records/records.ts";
import { buckets, DAY, floorTo, KEEP_ALL, MINUTE, ZERO_COUNTS } from "./records/stats.ts";
import { describeStatsProperty } from "./stats-property.contract.ts";

export function describeStats(current: CurrentStore, reopen: Reopen, effort: number): void {
	describeBuckets(current);
	describeFailures(current);
	describeStatusCounts(current);
	describeRollUp(current, reopen);
	describeStatsProperty(current, reopen, effort);
	describe("health", () => {
		describeHealth(current, reopen);
	});
	describe("activity", () => {
		describeActivity(current, reopen);
	});
}

function describeBuckets(current: CurrentStore): void {
	it("counts events, attempts by result, final deliveries and latencies in the minute of each", async () => {
		const world = await fillStore(current(), 2);
		const { accept, update, records, webhookIds } = world;
		const [first = "", second = ""] = [...(await accept({ webhookIds })), ...(await accept())];
		records.now += MINUTE;
		await update(records.outcome(first, 1), records.failure(second, 1), records.failure(second, 2));
		const minute = floorTo(records.now, MINUTE);
		expect(await buckets(world, webhookIds[0] ?? "", "minute")).toMatchObject([
			{ start: minute - MINUTE, accepted: 2, attemptsSucceeded: 0, attemptsFailed: 0, succeeded: 0, exhausted: 0 },
			{ start: minute, accepted: 0, attemptsSucceeded: 1, attemptsFailed: 0, succeeded: 1, exhausted: 0 },
		]);
		const [, ofSecond] = await buckets(world, webhookIds[1] ?? "", "minute");
		expect(ofSecond).toMatchObject({ attemptsFailed: 2, succeeded: 0, latency: latencyOf(12, 12) });
		// An event of the project counts once, however many webhooks want it.
		await accept({ webhookIds: [] });
		expect(await buckets(world, null, "day")).toMatchObject([{ accepted: 3 }]);
	});

	it("has buckets of a range whose end is exclusive, of one webhook or of several, before and after a roll-up, and zeros for those out of scope", async () => {
		const { store, accept, update, records, scope, projectId, webhookIds } = await fillStore(current(), 3);
		const [first = "", second = "", idle = ""] = webhookIds;
		const from = floorTo(records.now, MINUTE);
		const [one = "", two = ""] = await accept({ webhookIds: [first, second] });
		await update(records.failure(one, 1), records.outcome(two, 1));
		records.now += 2 * MINUTE;
		await update(records.outcome(one, 2));
		const query = { scope, webhookIds: [idle, first, second, "webhook_unknown"], width: "minute", from } as const;
		const seen = (webhookId: string, attemptsSucceeded: number[], attemptsFailed: number[]) => ({
			webhookId,
			attemptsSucceeded,
			attemptsFailed,
		});
		for (let round = 0; round < 2; round++) {
			expect(await store.webhookSeries({ ...query, to: from + 3 * MINUTE })).toEqual([
				seen(idle, [0, 0, 0], [0, 0, 0]),
				seen(first, [0, 0, 1], [1, 0, 0]),
				seen(second, [1, 0, 0], [0, 0, 0]),
				seen("webhook_unknown", [0, 0, 0], [0, 0, 0]),
			]);
			const later = { ...query, webhookIds: [first], from: from + MINUTE, to: from + 2 * MINUTE };
			expect(await store.webhookSeries(later)).toEqual([seen(first, [0], [0])]);
			expect(await store.webhookSeries({ ...later, to: later.from })).toEqual([seen(first, [], [])]);
			for (const scope of [projectScope(records.project().id), customerScope(projectId, "acme")]) {
				expect(await store.webhookSeries({ ...later, scope, from })).toEqual([seen(first, [0, 0], [0, 0])]);
			}
			const ofFirst = { scope, webhookId: first, width: "minute", from, to: from + 2 * MINUTE } as const;
			expect((await store.stats(ofFirst)).map(({ start }) => start)).toEqual([from]);
			expect((await store.stats({ ...ofFirst, from: from + 1 })).map(({ start }) => start)).toEqual([]);
			expect(await store.stats({ ...ofFirst, to: from })).toEqual([]);
			while ((await store.rollUpStats(KEEP_ALL)) > 0);
		}
	});

	it("counts no duplicate, no refused send, and nothing of a failed batch", async () => {
		const world = await fillStore(current());
		const { accept, records, projectId, scope, store } = world;
		await accept({ key: "k" });
		await accept({ key: "k" });
		await accept({ key: "k", fingerprint: Buffer.alloc(32, 8) });
		const lost = records.event(projectId);
		const update = records.outcome("dlv_nothing", 1);
		const failing = store.commit({ events: [lost, lost], updates: [update] });
		await expect(failing).rejects.toMatchObject({ name: "StoreError" });
		expect(await buckets(world, null, "minute")).toMatchObject([{ accepted: 1, attemptsSucceeded: 0 }]);
		expect(await store.statusCounts(scope, null)).toEqual({ ...ZERO_COUNTS, Pending: 1 });
	});

	it("counts a delivery as exhausted when it becomes Failed, whatever the reason, and the latencies of attempts", async () => {
		const world = await fillStore(current());
		const { accept, update, records, webhookId } = world;
		const [gone = "", worn = ""] = [...(await accept()), ...(await accept())];
		await update(records.outcome(gone, 1, GONE));
		for (let number = 1; number <= POLICY.maxRetries + 1; number++) await update(records.failure(worn, number));
		// A late outcome: one more attempt, but the delivery is already exhausted.
		await update(records.failure(worn, 5));
		expect(await buckets(world, webhookId, "day")).toMatchObject([{ attemptsFailed: 6, succeeded: 0, exhausted: 2 }]);
		// Latencies are those of attempts that got a response or timed out, and of no others.
		records.now += MINUTE;
		const [id = ""] = await accept();
		const ended = (number: number, error: string | null, durationMs: number): DeliveryUpdate => {
			const responseCode = error === null ? 500 : 0;
			const attempt = records.attempt(number, { error, durationMs, responseCode });
			return { ...records.failure(id, number, responseCode), attempt };
		};
		await update(ended(1, "refused", 1), ended(2, "timeout", 15_000), ended(3, "dns", 2), ended(4, null, 40));
		const latest = (await buckets(world, webhookId, "minute")).at(-1);
		expect(latest).toMatchObject({ attemptsFailed: 4, latency: latencyOf(15_000, 40) });
	});
}

function describeFailures(current: CurrentStore): void {
	it("counts failed attempts by cause, of a webhook, of the project, and of a customer alone, before and after a roll-up", async () => {
		const { store, records, projectId, scope, webhookIds, update } = await fillStore(current(), 1);
		const acmes = records.webhook(projectId, { customerId: "acme" });
		await store.insertWebhook(acmes, null);
		const event = records.event(projectId, { webhookIds: [webhookIds[0] ?? "", acmes.id] });
		await store.commit({ events: [event], updates: [] });
		const [ours = "", theirs = ""] = event.deliveries.map(({ id }) => id);
		const failed = (id: string, number: number, error: string, cause?: AttemptCause): DeliveryUpdate => ({
			...records.failure(id, number, 0),
			attempt: records.attempt(number, { responseCode: 0, error, ...(cause !== undefined && { cause }) }),
		});
		await update(
			records.failure(ours, 1, 503),
			failed(ours, 2, "tls", "certificate_expired"),
			failed(theirs, 1, "timeout", "connect_timeout"),
		);
		records.now += MINUTE;
		await update(failed(ours, 3, "dns"), records.failure(ours, 4, 500), records.outcome(theirs, 2));
		const from = floorTo(records.now, MINUTE) - MINUTE;
		const query = { scope, webhookId: null, width: "minute", from, to: from + 2 * MINUTE } as const;
		const failures = async (part: Partial<StatsQuery>) =>
			(await store.stats({ ...query, ...part })).map((bucket) => Object.fromEntries(bucket.failures));
		const acme = customerScope(projectId, "acme");
		for (let round = 0; round < 2; round++) {
			expect(await failures({ webhookId: webhookIds[0] ?? "" })).toEqual([
				{ certificate_expired: 1, status_5xx: 1 },
				{ lookup_failed: 1, status_5xx: 1 },
			]);
			expect(await failures({})).toEqual([
				{ connect_timeout: 1, certificate_expired: 1, status_5xx: 1 },
				{ lookup_failed: 1, status_5xx: 1 },
			]);
			expect(await failures({ width: "day", from: floorTo(from, DAY), to: floorTo(from, DAY) + DAY })).toEqual([
				{ connect_timeout: 1, lookup_failed: 1, certificate_expired: 1, status_5xx: 2 },
			]);
			expect(await failures({ scope: acme })).toEqual([{ connect_timeout: 1 }, {}]);
			expect(await failures({ scope: acme, webhookId: webhookIds[0] ?? "" })).toEqual([]);
			while ((await store.rollUpStats(KEEP_ALL)) > 0);
		}
	});

	it("adds failures of later minutes to rows that have some, and leaves those without", async () => {
		const world = await fillStore(current());
		const { accept, update, records, store, webhookId } = world;
		const [id = ""] = await accept();
		const seen = async () =>
			(await buckets(world, webhookId, "day")).map(({ failures }) => Object.fromEntries(failures));
		await update(records.failure(id, 1, 429));
		while ((await store.rollUpStats(KEEP_ALL)) > 0);
		records.now += MINUTE;
		await accept();
		while ((await store.rollUpStats(KEEP_ALL)) > 0);
		expect(await seen()).toEqual([{ status_429: 1 }]);
		await update(records.failure(id, 2, 429), records.failure(id, 3, 404));
		while ((await store.rollUpStats(KEEP_ALL)) > 0);
		expect(await seen()).toEqual([{ status_404: 1, status_429: 2 }]);
	});
}

function describeStatusCounts(current: CurrentStore): void {
	it("knows how many deliveries of a webhook and of the project are in each status", async () => {
		const { store, accept, update, records, scope, webhookIds } = await fillStore(current(), 2);
		const [first = "", second = ""] = webhookIds;
		for (const owner of [first, null]) expect(await store.statusCounts(scope, owner)).toEqual(ZERO_COUNTS);
		expect(await store.statusCounts(projectScope(records.project().id), null)).toEqual(ZERO_COUNTS);
		const [id = ""] = await accept({ webhookIds });
		await accept({ webhookIds: [second], state: newHeldDelivery("paused") });
		await update(records.outcome(id, 1));
		expect(await store.statusCounts(scope, first)).toEqual({ ...ZERO_COUNTS, Succeeded: 1 });
		expect(await store.statusCounts(scope, second)).toEqual({ ...ZERO_COUNTS, Pending: 1, Held: 1 });
		expect(await store.statusCounts(scope, null)).toEqual({ ...ZERO_COUNTS, Succeeded: 1, Pending: 1, Held: 1 });
		await store.sweepWebhook(second, records.now, 10);
		expect(await store.statusCounts(scope, second)).toEqual({ ...ZERO_COUNTS, Pending: 2 });
	});
}

function describeRollUp(current: CurrentStore, reopen: Reopen): void {
	it("returns the same stats before, during and after a roll-up", async () => {
		const world = await fillStore(current(), 3);
		const { accept, records, store, webhookIds } = world;
		for (let count = 0; count < 6; count++) {
			const ids = await accept({ webhookIds });
			await world.update(...ids.map((id) => records.outcome(id, 1)));
			records.now += MINUTE / 2;
		}
		const before = await everything(world);
		let steps = 0;
		while ((await store.rollUpStats({ ...KEEP_ALL, limit: 1 })) > 0) {
			expect(await everything(world)).toEqual(before);
			steps++;
		}
		expect(steps).toBeGreaterThan(10);
		expect(await everything(world)).toEqual(before);
		expect(await store.rollUpStats(KEEP_ALL)).toBe(0);
		// Events that are accepted during a roll-up count once.
		await accept({ webhookIds });
		await store.rollUpStats({ ...KEEP_ALL, limit: 1 });
		await accept({ webhookIds });
		for (let round = 0; round < 2; round++) {
			while ((await store.rollUpStats({ ...KEEP_ALL, limit: 1 })) > 0);
			expect(await buckets(world, null, "day")).toMatchObject([{ accepted: 8 }]);
		}
	});

	it("continues to count after a roll-up and after the store was reopened", async () => {
		const world = await fillStore(current());
		for (let count = 1; count <= 3; count++) {
			await current().commit({ events: [world.records.event(world.projectId)], updates: [] });
			while ((await current().rollUpStats(KEEP_ALL)) > 0);
			await reopen();
			await current().commit({ events: [world.records.event(world.projectId)], updates: [] });
			await reopen();
			const [bucket] = await buckets({ ...world, store: current() }, null, "day");
			expect(bucket?.accepted).toBe(2 * count);
		}
	});

	it("deletes old minutes and hours, and keeps days", async () => {
		const world = await fillStore(current());
		const { accept, records, store, webhookId } = world;
		await accept();
		await store.rollUpStats(KEEP_ALL);
		while ((await store.rollUpStats({ ...KEEP_ALL, keepMinutesFrom: records.now + 1 })) > 0);
		expect(await buckets(world, webhookId, "minute")).toEqual([]);
		expect(await buckets(world, webhookId, "hour")).toMatchObject([{ accepted: 1 }]);
		while ((await store.rollUpStats({ ...KEEP_ALL, keepHoursFrom: records.now + 1 })) > 0);
		expect(await buckets(world, webhookId, "hour")).toEqual([]);
		expect(await buckets(world, webhookId, "day")).toMatchObject([{ accepted: 1 }]);
	});
}

async function everything(world: World) {
	const owners = [...world.webhookIds, null];
	const stats = owners.flatMap((owner) => STATS_WIDTHS.map((width) => buckets(world, owner, width)));
	const counts = owners.map((owner) => world.store.statusCounts(world.scope, owner));
	return {
		stats: await Promise.all(stats),
		counts: await Promise.all(counts),
		open: await world.store.countOpen(),
	};
}

function latencyOf(...latenciesMs: readonly number[]) {
	const counts = emptyLatencyCounts();
	for (const ms of latenciesMs) addLatencyCount(counts, latencyBucket(ms), 1);
	return counts;
}
