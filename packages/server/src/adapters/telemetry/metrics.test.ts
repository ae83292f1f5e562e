// The metrics page: event-loop lag, and series that exist from the start.
import { monitorEventLoopDelay } from "node:perf_hooks";

import { eventually } from "@fanfare/testkit/eventually";
import { expect, it } from "vitest";

import type { ClusterState } from "./cluster-metrics.ts";
import { Metrics } from "./metrics.ts";

const BLOCKED_MS = 400;

/** Resolves when a timer like that of the metrics has ticked this many times. */
async function ticks(count: number): Promise<void> {
	const delays = monitorEventLoopDelay({ resolution: 100 });
	delays.enable();
	await eventually(`${count} ticks`, () => delays.count >= count);
	delays.disable();
}

/** The event loop's lags in the rendered metrics, in milliseconds. */
async function lagsMs(metrics: Metrics): Promise<Record<string, number>> {
	const { text } = await metrics.render();
	const lines = text.matchAll(/^nodejs_eventloop_lag_(\w+)_seconds (\S+)$/gm);
	return Object.fromEntries([...lines].map(([, name = "", seconds]) => [name, Number(seconds) * 1_000]));
}

it("shows how long the event loop was blocked, and almost nothing for an idle loop", async () => {
	const metrics = new Metrics("0.0.0-test");
	await ticks(8);
	expect(Object.keys(await lagsMs(metrics)).toSorted()).toEqual(["max", "mean", "min", "p50", "p90", "p99", "stddev"]);
	// On a busy machine, an idle loop may be late, too: then it is measured again. The interval of the ticks is 100 ms.
	await eventually("a lag far below the interval of the ticks", async () => {
		await ticks(4);
		const { min = NaN, p50 = NaN } = await lagsMs(metrics);
		return min < 50 && p50 < 50;
	});

	// After a scrape, the measurement starts again with the next tick.
	await ticks(3);
	const endAt = performance.now() + BLOCKED_MS;
	while (performance.now() < endAt);
	await ticks(3);
	// The timer became due at some moment while the loop was blocked.
	expect((await lagsMs(metrics))["max"]).toBeGreaterThan(BLOCKED_MS - 150);
});

/** What the metrics watch, of a process where nothing happens. */
const WATCHED = {
	cluster: null,
	gauges: () => ({
		readyDeliveries: 0,
		inFlightAttempts: 0,
		waitingSends: 0,
		storedBytes: 0,
		oldestDueMs: 0,
		webhooks: { Enabled: 0, Paused: 0, Disabled: 0 },
	}),
	unreadResponseBytes: () => 70_000,
	openDeliveries: () => Promise.resolve({ Pending: 0, Held: 0 }),
	room: () => Promise.resolve({ fileBytes: null, walBytes: null, volume: null }),
};

it("has every series from the start, so that alerts notice the first increment", async () => {
	const { text } = await new Metrics("0.0.0-test").render();
	expect(text).toContain('fanfare_events_refused_total{code="store_full"} 0');
	expect(text).toContain('fanfare_request_bodies_refused_total{code="overloaded"} 0');
	expect(text).toContain("fanfare_reads_refused_total 0");
	expect(text).toContain('fanfare_attempts_total{result="failure",error="timeout"} 0');
	expect(text).toContain('fanfare_attempts_total{result="success",error="none"} 0');
	expect(text).toContain('fanfare_attempt_duration_seconds_count{result="success"} 0');
});

it("shows no lag if none was measured since the last scrape", async () => {
	const metrics = new Metrics("0.0.0-test");
	await metrics.render();
	expect(Object.values(await lagsMs(metrics))).toEqual([0, 0, 0, 0, 0, 0, 0]);
});

it("shows webhooks, files and room, and everything else while the store can't be read", async () => {
	const metrics = new Metrics("1.2.3");
	let isReadable = true;
	const ifReadable = async <T>(value: T): Promise<T> =>
		isReadable ? value : Promise.reject(new Error("the disk is gone"));
	metrics.watch({
		...WATCHED,
		gauges: () => ({ ...WATCHED.gauges(), webhooks: { Enabled: 3, Paused: 2, Disabled: 1 } }),
		openDeliveries: () => ifReadable({ Pending: 7, Held: 8 }),
		room: () => ifReadable({ fileBytes: 50, walBytes: 10, volume: { sizeBytes: 100, freeBytes: 40 } }),
	});
	const { text } = await metrics.render();
	expect(text.split("\n")).toEqual(
		expect.arrayContaining([
			'fanfare_build_info{version="1.2.3"} 1',
			'fanfare_webhooks{status="Disabled"} 1',
			"fanfare_unread_response_bytes 70000",
			'fanfare_open_deliveries{status="Held"} 8',
			'fanfare_store_bytes{file="database"} 40',
			'fanfare_store_bytes{file="wal"} 10',
			'fanfare_volume_bytes{kind="size"} 100',
			'fanfare_volume_bytes{kind="free"} 40',
		]),
	);

	isReadable = false;
	const { text: without } = await metrics.render();
	expect(without).toContain('fanfare_webhooks{status="Enabled"} 3');
	expect(without).toContain("fanfare_problems_total 0");
	expect(without).not.toMatch(/^fanfare_(open_deliveries|store_bytes|volume_bytes)\{/m);
});

it("reads the store twice at most for many callers at once", async () => {
	const metrics = new Metrics("1.2.3");
	let reads = 0;
	metrics.watch({
		...WATCHED,
		openDeliveries: () => Promise.resolve({ Pending: ++reads, Held: 0 }),
	});
	const texts = await Promise.all(Array.from({ length: 100 }, () => metrics.render()));
	expect(reads).toBe(2);
	// Each has what was true after it was asked for.
	expect(texts.at(-1)?.text).toContain('fanfare_open_deliveries{status="Pending"} 2');
});

it("shows what a process is among others, and nothing that is not there", async () => {
	const none = { hints: 0, looks: 0, answers: 0, beats: 0 };
	const counts = { sent: none, received: none, late: 0, unsent: 0, handedOff: 3, handedOver: 2, missed: 1, refused: 0 };
	const nats = { isUp: false, server: null, ...counts };
	const unknown = { isStandbyExpected: false, freeDuties: null, connections: null };
	const shown = async (cluster: ClusterState | null) => {
		const metrics = new Metrics("1.2.3");
		metrics.watch({ ...WATCHED, cluster: cluster === null ? null : () => cluster });
		const { text } = await metrics.render();
		return text.split("\n").filter((line) => /^fanfare_(member|owned|standby|nats|duty|database)/.test(line));
	};
	expect(await shown(null)).toEqual([]);
	expect(await shown({ isMember: false, ownedShards: 0, isStandbySynchronous: true, nats: null, ...unknown })).toEqual([
		"fanfare_member 0",
		"fanfare_owned_shards 0",
		"fanfare_standby_synchronous 1",
		"fanfare_standby_expected 0",
	]);
	const freeDuties = new Map([
		["retention", true],
		["stats", false],
	] as const);
	const known = { isStandbyExpected: true, freeDuties, connections: { used: 31, allowed: 97 } };
	expect(await shown({ isMember: true, ownedShards: 128, isStandbySynchronous: false, nats, ...known })).toEqual([
		"fanfare_member 1",
		"fanfare_owned_shards 128",
		"fanfare_standby_synchronous 0",
		"fanfare_standby_expected 1",
		'fanfare_duty_free{duty="retention"} 1',
		'fanfare_duty_free{duty="stats"} 0',
		'fanfare_database_connections{kind="used"} 31',
		'fanfare_database_connections{kind="allowed"} 97',
		"fanfare_nats_up 0",
		"fanfare_nats_handed_off_total 3",
		"fanfare_nats_handed_over_total 2",
		"fanfare_nats_missed_total 1",
		"fanfare_nats_refused_total 0",
	]);
});
