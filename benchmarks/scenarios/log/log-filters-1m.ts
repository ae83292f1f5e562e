// Every filter of a log of a million deliveries together with every other one; and walks that find one delivery of a million.
import { nowMs } from "../../harness/measure/clock.ts";
import { lookAround, measurePages } from "../../harness/measure/log-pages.ts";
import type { BenchServer } from "../../harness/server/bench-server.ts";
import { prepareLabelledLog } from "../../harness/store/big-log.ts";
import { filterQueries } from "../../harness/store/filter-queries.ts";
import { OFTEN_TAG, ownTag, RARE_TYPE } from "../../harness/store/log-rows.ts";
import type { PreparedStore } from "../../harness/store/store-copy.ts";
import type { Measurements, RunContext, Scenario } from "../../scenario.ts";

/** An event of the middle of the log: the number of its own tag. */
const PLACE = 500_000;
const QUICK_PLACE = 1_000;

export const logFilters1m: Scenario = {
	name: "log-filters-1m",
	group: "log",
	summary:
		"pages of 100 rows of 1,000,000 deliveries with customers and tags, by every filter together with every other one",
	results: [
		{ measurement: "worstCpuMs", label: "costliest page, median CPU", unit: "ms", limit: { atMost: 20 } },
		{ measurement: "worstP99Ms", label: "slowest page, p99", unit: "ms", limit: { atMost: 50 } },
		{ measurement: "walkCalls", label: "longest walk to the end, calls", unit: "count", limit: { atMost: 30 } },
		{ measurement: "walkMs", label: "longest walk to the end", unit: "ms" },
		{ measurement: "p99Ms", label: "all pages, p99", unit: "ms" },
		{ measurement: "p50Ms", label: "all pages, p50", unit: "ms" },
		{ measurement: "combinations", label: "combinations", unit: "count" },
	],
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const store = await prepareLabelledLog(context);
	await using server = await context.startServer({ store });
	const facts = await lookAround(server, store);
	const place = context.quick ? QUICK_PLACE : PLACE;
	const times = await measurePages(context, server, store, filterQueries(facts, place), "pages of 100");
	const walks = [];
	for (const filter of walkedFilters(place)) walks.push(await walk(server, store, filter));
	for (const { name, calls, ms, rows } of walks) {
		context.note(`walk to the end: ${calls} calls, ${ms.toFixed(0)} ms, ${rows} rows  ${name}`);
	}
	return {
		sent: 1,
		received: 1,
		...times,
		walkCalls: Math.max(...walks.map(({ calls }) => calls)),
		walkMs: Math.max(...walks.map(({ ms }) => ms)),
	};
}

type Filter = NonNullable<Parameters<ReturnType<BenchServer["client"]["project"]>["deliveries"]["list"]>[0]>;

/** Filters that match one delivery of the log, or none. */
function walkedFilters(place: number): Filter[] {
	const none = { responseCode: 418 };
	return [
		{ tag: ownTag(place) },
		none,
		{ ...none, tag: OFTEN_TAG },
		{ responseCode: 299, status: "Succeeded" },
		{ responseCode: 299, tag: OFTEN_TAG },
		{ responseCode: 299, tag: OFTEN_TAG, eventType: "order.*" },
		{ responseCode: 299, eventType: RARE_TYPE },
	];
}

async function walk(server: BenchServer, { projectId }: PreparedStore, filter: Filter) {
	const { deliveries } = server.client.project(projectId);
	const startedAt = nowMs();
	let [calls, rows] = [0, 0];
	for (let page: string | null = null; page !== null || calls === 0;) {
		const found: Awaited<ReturnType<typeof deliveries.list>> = await deliveries.list({
			...filter,
			limit: 100,
			...(page !== null && { page }),
		});
		rows += found.data.length;
		calls++;
		page = found.nextPage;
	}
	return { name: JSON.stringify(filter), calls, ms: nowMs() - startedAt, rows };
}
