// Pages of a log: requests each once, and the slowest ones again and again.
import { median, percentile } from "@fanfare/testkit/report/percentiles";

import type { RunContext } from "../../scenario.ts";
import { HttpConnection } from "../../wire/http-connection.ts";
import type { BenchServer } from "../server/bench-server.ts";
import type { LogFacts, LogQuery } from "../store/log-queries.ts";
import { LOG_SPAN_MS } from "../store/log-rows.ts";
import type { PreparedStore } from "../store/store-copy.ts";
import { nowMs } from "./clock.ts";
import { ThreadMeter } from "./thread-meter.ts";

/** How often each of the slowest pages is requested again. */
const LOOKS = 30;
const QUICK_LOOKS = 3;
const SUSPECTS = 12;
const SHOWN = 3;

/** What a client needs to know of a log to ask for its pages. */
export async function lookAround(server: BenchServer, store: PreparedStore): Promise<LogFacts> {
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

/** How long pages took. */
export interface PageTimes {
	/** Those of all pages, requested once each. */
	readonly p50Ms: number;
	readonly p99Ms: number;
	/** The slowest page, requested some more times: the p99 of these. */
	readonly worstP99Ms: number;
	/** The page that took most CPU time: the median of these. */
	readonly worstCpuMs: number;
	readonly combinations: number;
}

/** Requests pages one by one. Notes the slowest ones under this name. */
export async function measurePages(
	context: RunContext,
	server: BenchServer,
	{ projectId }: PreparedStore,
	queries: readonly LogQuery[],
	name: string,
): Promise<PageTimes> {
	using connection = await HttpConnection.open(server.url);
	const read = (query: LogQuery) => timePage(connection, server, projectId, query);
	const times = new Map<LogQuery, number>();
	for (const query of queries) times.set(query, await read(query));
	// A page takes at least its CPU time, so the costliest is among the slowest.
	const suspects = queries.toSorted((a, b) => (times.get(b) ?? 0) - (times.get(a) ?? 0)).slice(0, SUSPECTS);
	const worst = new Map<LogQuery, readonly Look[]>();
	for (const query of suspects) {
		const again: Look[] = [];
		for (let look = 0; look < (context.quick ? QUICK_LOOKS : LOOKS); look++) {
			again.push(await lookAt(server, () => read(query)));
		}
		worst.set(query, again);
	}
	const slowest = worstBy(worst, (some) => percentile(sorted(some.map(({ ms }) => ms)), 0.99));
	const costliest = worstBy(worst, (some) => median(some.map(({ cpuMs }) => cpuMs)));
	for (const page of slowest.slice(0, SHOWN)) context.note(`${name}: ${page.value.toFixed(1)} ms  ${page.name}`);
	for (const page of costliest.slice(0, SHOWN)) {
		context.note(`${name}: ${page.value.toFixed(1)} ms of CPU  ${page.name}`);
	}
	const all = sorted([...times.values()]);
	return {
		p50Ms: percentile(all, 0.5),
		p99Ms: percentile(all, 0.99),
		worstP99Ms: slowest[0]?.value ?? Number.NaN,
		worstCpuMs: costliest[0]?.value ?? Number.NaN,
		combinations: queries.length,
	};
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

async function timePage(
	connection: HttpConnection,
	server: BenchServer,
	projectId: string,
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
