// Pages of a log of a million deliveries, by every combination of filters. Each must be fast, also one that matches nothing.
import { median, percentile } from "@fanfare/testkit/report/percentiles";

import { nowMs } from "../../harness/measure/clock.ts";
import { ThreadMeter } from "../../harness/measure/thread-meter.ts";
import type { BenchServer } from "../../harness/server/bench-server.ts";
import { prepareBigLog } from "../../harness/store/big-log.ts";
import { logQueries, type LogFacts, type LogQuery } from "../../harness/store/log-queries.ts";
import { LOG_SPAN_MS } from "../../harness/store/log-rows.ts";
import type { PreparedStore } from "../../harness/store/store-copy.ts";
import type { Measurements, ResultLine, RunContext, Scenario } from "../../scenario.ts";
import { HttpConnection } from "../../wire/http-connection.ts";

/** A length for one screen, and the API's maximum. */
const PAGE_LENGTHS = [100, 1_000] as const;
/** The length whose CPU time has a budget. */
const JUDGED_LENGTH = 100;
/** How often each of the slowest pages is requested again. */
const LOOKS = 30;
const QUICK_LOOKS = 3;
const SUSPECTS = 12;
const SHOWN = 3;

export const logPages1m: Scenario = {
	name: "log-pages-1m",
	group: "log",
	summary: "pages of a log of 1,000,000 deliveries by every combination of filters, at the start and deep inside",
	results: PAGE_LENGTHS.flatMap((length): ResultLine[] => [
		{
			measurement: `${length}.worstP99Ms`,
			label: `${length} a page: slowest, p99`,
			unit: "ms",
			limit: { atMost: 50 },
		},
		{
			measurement: `${length}.worstCpuMs`,
			label: `${length} a page: costliest, median CPU`,
			unit: "ms",
			...(length === JUDGED_LENGTH && { limit: { atMost: 20 } }),
		},
		{ measurement: `${length}.p99Ms`, label: `${length} a page: all, p99`, unit: "ms" },
		{ measurement: `${length}.p50Ms`, label: `${length} a page: all, p50`, unit: "ms" },
		{ measurement: `${length}.combinations`, label: `${length} a page: combinations`, unit: "count" },
	]),
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const store = await prepareBigLog(context);
	await using server = await context.startServer({ store });
	const facts = await lookAround(server, store);
	const looks = context.quick ? QUICK_LOOKS : LOOKS;
	const result: Record<string, number> = { sent: 1, received: 1 };
	for (const length of PAGE_LENGTHS) {
		using connection = await HttpConnection.open(server.url);
		const read = (query: LogQuery) => timePage(connection, server, store, query);
		const times = new Map<LogQuery, number>();
		const queries = logQueries(facts, length);
		for (const query of queries) times.set(query, await read(query));
		// A page takes at least its CPU time, so the costliest is among the slowest.
		const suspects = queries.toSorted((a, b) => (times.get(b) ?? 0) - (times.get(a) ?? 0)).slice(0, SUSPECTS);
		const worst = new Map<LogQuery, readonly Look[]>();
		for (const query of suspects) {
			const again: Look[] = [];
			for (let look = 0; look < looks; look++) again.push(await lookAt(server, () => read(query)));
			worst.set(query, again);
		}
		const slowest = worstBy(worst, (some) => percentile(sorted(some.map(({ ms }) => ms)), 0.99));
		const costliest = worstBy(worst, (some) => median(some.map(({ cpuMs }) => cpuMs)));
		for (const { name, value } of slowest.slice(0, SHOWN)) {
			context.note(`pages of ${length}: ${value.toFixed(1)} ms  ${name}`);
		}
		for (const { name, value } of costliest.slice(0, SHOWN)) {
			context.note(`pages of ${length}: ${value.toFixed(1)} ms of CPU  ${name}`);
		}
		const all = sorted([...times.values()]);
		result[`${length}.worstP99Ms`] = slowest[0]?.value ?? Number.NaN;
		result[`${length}.worstCpuMs`] = costliest[0]?.value ?? Number.NaN;
		result[`${length}.p99Ms`] = percentile(all, 0.99);
		result[`${length}.p50Ms`] = percentile(all, 0.5);
		result[`${length}.combinations`] = queries.length;
	}
	return result;
}

/** One request of a page: how long it took, and the CPU time of the server. */
interface Look {
	readonly ms: number;
	readonly cpuMs: number;
}

function worstBy(looks: ReadonlyMap<LogQuery, readonly Look[]>, valueOf: (looks: readonly Look[]) => number) {
	const values = [...looks].map(([{ name }, some]) => ({ name, value: valueOf(some) }));
	return values.sort((a, b) => b.value - a.value);
}

const sorted = (values: number[]): number[] => values.sort((a, b) => a - b);

async function lookAround(server: BenchServer, store: PreparedStore): Promise<LogFacts> {
	const project = server.client.project(store.projectId);
	const now = Date.now();
	const before = now - LOG_SPAN_MS * 0.9;
	const deliveries = await project.deliveries.list({ before, limit: 1 });
	const events = await project.events.list({ before, limit: 1 });
	const webhookId = store.webhookIds[7];
	const eventId = events.data[0]?.id;
	if (webhookId === undefined || eventId === undefined || deliveries.nextPage === null || events.nextPage === null) {
		throw new Error("the prepared log is too short to have deep pages");
	}
	return { webhookId, eventId, now, deep: { deliveries: deliveries.nextPage, events: events.nextPage } };
}

async function timePage(
	connection: HttpConnection,
	server: BenchServer,
	{ projectId }: PreparedStore,
	{ name, path }: LogQuery,
): Promise<number> {
	const head = `GET /projects/${projectId}${path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${server.key}\r\n\r\n`;
	const startedAt = nowMs();
	const status = await server.whileAlive(connection.request(Buffer.from(head)));
	if (status !== 200) throw new Error(`the server responded to ${name} with ${status}`);
	return nowMs() - startedAt;
}

async function lookAt(server: BenchServer, read: () => Promise<number>): Promise<Look> {
	const meter = await ThreadMeter.start(server.pid);
	const ms = await read();
	return { ms, cpuMs: (await meter.read()).cpuUs / 1_000 };
}
