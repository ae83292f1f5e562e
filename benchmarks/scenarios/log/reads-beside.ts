// A project lists its log without end on many connections. Another project's sends must not notice.
import { setTimeout as sleep } from "node:timers/promises";

import { measureSteady, named } from "../../harness/measure/steady.ts";
import { warmUp } from "../../harness/measure/throughput.ts";
import { prepareBigLog } from "../../harness/store/big-log.ts";
import { COMMON_TYPE, HOUR_MS, LOG_SPAN_MS, RARE_TYPE } from "../../harness/store/log-rows.ts";
import type { PreparedStore } from "../../harness/store/store-copy.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

const DELIVERIES = 300_000;
/** Connections of the project that reads. */
const CONNECTIONS = 200;
const ROWS = 100;
/** What the other project sends. */
const RATE_PER_S = 200;
const WARM_MS = 1_000;

export const readsBeside: Scenario = {
	name: "reads-beside",
	group: "log",
	summary: `${RATE_PER_S} events per second of a project, with and without ${CONNECTIONS} connections that list 300,000 deliveries of another one`,
	results: [
		{ measurement: "p99Ratio", label: "sends: acknowledged p99 ÷ without", unit: "×", limit: { atMost: 2 } },
		{ measurement: "alone.acknowledgedP50Ms", label: "alone: acknowledged, p50", unit: "ms" },
		{ measurement: "alone.acknowledgedP99Ms", label: "alone: acknowledged, p99", unit: "ms" },
		{ measurement: "alone.receivedP99Ms", label: "alone: received, p99", unit: "ms" },
		{ measurement: "beside.acknowledgedP50Ms", label: "reads: acknowledged, p50", unit: "ms" },
		{ measurement: "beside.acknowledgedP99Ms", label: "reads: acknowledged, p99", unit: "ms" },
		{ measurement: "beside.receivedP99Ms", label: "reads: received, p99", unit: "ms" },
		{ measurement: "pagesPerS", label: "pages read", unit: "perSecond" },
		{ measurement: "pageP99Ms", label: "a page of 200 at once, p99", unit: "ms" },
		{ measurement: "peakMb", label: "server memory, peak", unit: "MB" },
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const { receiver, seconds } = context;
	const store = await prepareBigLog(context, DELIVERIES);
	await using server = await context.startServer({ store });
	await using load = await context.startLoad();
	await using reader = await context.startLoad();
	const target = await server.newProject(receiver.url);
	await warmUp(context, { server, load, target });

	const steady = { server, load, receiver, target, ratePerS: RATE_PER_S };
	const alone = await measureSteady(steady, seconds / 2);
	const pages = { serverUrl: server.url, key: server.key, paths: pathsOf(store), connections: CONNECTIONS };
	const reading = server.whileAlive(reader.call("read", pages));
	const [{ pages: count, refused, elapsedMs, p99Ms }, beside] = await Promise.all([reading, besideReads()]);
	if (refused > 0) context.note(`${refused} reads were refused`);
	return {
		sent: alone.sent + beside.sent,
		received: alone.received + beside.received,
		p99Ratio: beside.acknowledgedP99Ms / alone.acknowledgedP99Ms,
		...named("alone", alone),
		...named("beside", beside),
		pagesPerS: (count / elapsedMs) * 1_000,
		pageP99Ms: p99Ms,
		peakMb: await server.peakMb(),
	};

	/** Ends the reading, too. */
	async function besideReads() {
		await sleep(WARM_MS);
		const latencies = await measureSteady(steady, seconds / 2);
		await reader.call("endReading");
		return latencies;
	}
}

/** Pages with filters as people use them; most are answered by different indexes. */
function pathsOf({ projectId, webhookIds }: PreparedStore): string[] {
	const from = Date.now() - LOG_SPAN_MS / 2;
	const hour = { after: String(Math.round(from)), before: String(Math.round(from + HOUR_MS)) };
	const [webhookId = ""] = webhookIds;
	const queries: readonly (readonly [list: string, query: Readonly<Record<string, string>>])[] = [
		["deliveries", {}],
		["deliveries", { webhookId }],
		["deliveries", { status: "Failed" }],
		["deliveries", { status: "Pending" }],
		["deliveries", { eventType: RARE_TYPE }],
		["deliveries", { eventType: COMMON_TYPE, responseCode: "500" }],
		["deliveries", { webhookId, status: "Failed" }],
		["deliveries", hour],
		["deliveries", { webhookId, ...hour }],
		["events", {}],
		["events", { type: RARE_TYPE }],
	];
	return queries.map(
		([list, query]) =>
			`/projects/${projectId}/${list}?${new URLSearchParams({ ...query, limit: String(ROWS) }).toString()}`,
	);
}
