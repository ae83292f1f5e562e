// Pages of a log: requests each once, and the slowest ones again and again.
import { median, percentile } from "@fanfare/testkit/report/percentiles";

import type { RunContext } from "../../scenario.ts";
import { HttpConnection } from "../../wire/http-connection.ts";
import type { BenchServer } from "../server/bench-server.ts";
import type { LogFacts, LogQuery } from "../store/log-queries.ts";
import { LOG_SPAN_MS } from "../store/log-rows.ts";
import type { PreparedStore } from "../store/store-copy.ts";
import { nowMs } from "./clock.ts";
import { connectionsCpuUs } from "./family-cpu.ts";
import { ThreadMeter } from "./thread-meter.ts";

/** How often each of the slowest pages is requested again. */
const LOOKS = 30;
const QUICK_LOOKS = 3;
/** With a database, a quick run asks for one of so many pages: each takes longer there. */
const QUICK_EVERY = 37;
const SUSPECTS = 12;
const SHOWN = 3;

/** Whose pages are measured. */
export interface MeasuredLog {
	readonly server: BenchServer;
	readonly store: PreparedStore;
	/** The main process of its PostgreSQL; null if its store is its own. */
	readonly postgresPid: number | null;
}

/** What a client needs to know of a log to ask for its pages. */
export async function lookAround({ server, store }: MeasuredLog): Promise<LogFacts> {
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
	/** The page that took most CPU time, PostgreSQL's included: the median of these. */
	readonly worstCpuMs: number;
	/** The page that took most of the server's own, and of PostgreSQL's: NaN without it. */
	readonly worstServerCpuMs: number;
	readonly worstPostgresCpuMs: number;
	readonly combinations: number;
}

/** Requests pages one by one. Notes the slowest ones under this name. */
export async function measurePages(
	context: RunContext,
	{ server, store: { projectId }, postgresPid }: MeasuredLog,
	all: readonly LogQuery[],
	name: string,
): Promise<PageTimes> {
	const every = context.quick && postgresPid !== null ? QUICK_EVERY : 1;
	const queries = all.filter((_, index) => index % every === 0);
	using connection = await HttpConnection.open(server.url);
	const read = (query: LogQuery) => timePage(connection, server, projectId, query);
	const look = (query: LogQuery) => lookAt(server, postgresPid, () => read(query));
	const times = new Map<LogQuery, number>();
	const costs = new Map<LogQuery, number>();
	for (const query of queries) {
		if (postgresPid === null) {
			times.set(query, await read(query));
		} else {
			const { ms, cpuMs } = await look(query);
			times.set(query, ms);
			costs.set(query, cpuMs);
		}
	}
	const most = (of: ReadonlyMap<LogQuery, number>) =>
		[...of]
			.sort(([, a], [, b]) => b - a)
			.slice(0, SUSPECTS)
			.map(([query]) => query);
	// A page takes at least its CPU time, so the costliest is among the slowest. Of a database, that is known of each page anyway.
	const suspects = new Set([...most(times), ...most(costs)]);
	const worst = new Map<LogQuery, readonly Look[]>();
	for (const query of suspects) {
		const again: Look[] = [];
		while (again.length < (context.quick ? QUICK_LOOKS : LOOKS)) again.push(await look(query));
		worst.set(query, again);
	}
	const slowest = worstBy(worst, (some) => percentile(sorted(some.map(({ ms }) => ms)), 0.99));
	const costliest = worstBy(worst, (some) => median(some.map(({ cpuMs }) => cpuMs)));
	const byServer = worstBy(worst, (some) => median(some.map(({ serverMs }) => serverMs)));
	const byPostgres = worstBy(worst, (some) => median(some.map(({ cpuMs, serverMs }) => cpuMs - serverMs)));
	for (const page of slowest.slice(0, SHOWN)) context.note(`${name}: ${page.value.toFixed(1)} ms  ${page.name}`);
	for (const page of costliest.slice(0, SHOWN)) {
		context.note(`${name}: ${page.value.toFixed(1)} ms of CPU  ${page.name}`);
	}
	const once = sorted([...times.values()]);
	return {
		p50Ms: percentile(once, 0.5),
		p99Ms: percentile(once, 0.99),
		worstP99Ms: slowest[0]?.value ?? Number.NaN,
		worstCpuMs: costliest[0]?.value ?? Number.NaN,
		worstServerCpuMs: byServer[0]?.value ?? Number.NaN,
		worstPostgresCpuMs: postgresPid === null ? Number.NaN : (byPostgres[0]?.value ?? Number.NaN),
		combinations: queries.length,
	};
}

/** One request of a page: how long it took, and the CPU time of the server and its database. */
interface Look {
	readonly ms: number;
	readonly cpuMs: number;
	/** The server's share. */
	readonly serverMs: number;
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

async function lookAt(server: BenchServer, postgresPid: number | null, read: () => Promise<number>): Promise<Look> {
	const postgresUs = () => (postgresPid === null ? 0 : connectionsCpuUs(postgresPid));
	const before = await postgresUs();
	const meter = await ThreadMeter.start(server.pid);
	const ms = await read();
	const serverMs = (await meter.read()).cpuUs / 1_000;
	return { ms, serverMs, cpuMs: serverMs + ((await postgresUs()) - before) / 1_000 };
}
