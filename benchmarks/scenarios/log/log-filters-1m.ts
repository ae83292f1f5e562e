// Every filter of a log of a million deliveries together with every other one; and walks that find one delivery of a million, or of
// those of a customer.
import { Client } from "@fanfare/sdk";

import { nowMs } from "../../harness/measure/clock.ts";
import { lookAround, measurePages, type MeasuredLog } from "../../harness/measure/log-pages.ts";
import type { BenchServer } from "../../harness/server/bench-server.ts";
import { prepareLabelledLog } from "../../harness/store/big-log.ts";
import { filterQueries } from "../../harness/store/filter-queries.ts";
import { COMMON_TYPE, CUSTOMER, OFTEN_TAG, ownTag, RARE_TYPE } from "../../harness/store/log-rows.ts";
import type { Measurements, ResultLine, RunContext, Scenario } from "../../scenario.ts";

/** An event of the middle of the log: the number of its own tag. */
const PLACE = 500_000;
const QUICK_PLACE = 1_000;

export const FILTERS_RESULTS: readonly ResultLine[] = [
	{ measurement: "worstCpuMs", label: "costliest page, median CPU", unit: "ms", limit: { atMost: 20 } },
	{ measurement: "worstP99Ms", label: "slowest page, p99", unit: "ms", limit: { atMost: 50 } },
	{ measurement: "walkCalls", label: "longest walk to the end, calls", unit: "count", limit: { atMost: 30 } },
	{
		measurement: "customerWalkCalls",
		label: "a customer's longest walk, calls",
		unit: "count",
		limit: { atMost: 30 },
	},
	{ measurement: "walkMs", label: "longest walk to the end", unit: "ms" },
	{ measurement: "customerWalkMs", label: "a customer's longest walk", unit: "ms" },
	{ measurement: "p99Ms", label: "all pages, p99", unit: "ms" },
	{ measurement: "p50Ms", label: "all pages, p50", unit: "ms" },
	{ measurement: "combinations", label: "combinations", unit: "count" },
];

export const logFilters1m: Scenario = {
	name: "log-filters-1m",
	group: "log",
	summary:
		"pages of 100 rows of 1,000,000 deliveries with customers and tags, by every filter together with every other one",
	results: FILTERS_RESULTS,
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const store = await prepareLabelledLog(context);
	await using server = await context.startServer({ store });
	return { sent: 1, received: 1, ...(await measureFilters(context, { server, store, postgresPid: null })) };
}

/** The measurements of `FILTERS_RESULTS`, on a store of `prepareLabelledLog`. */
export async function measureFilters(context: RunContext, log: MeasuredLog): Promise<Measurements> {
	const { server, store } = log;
	const facts = await lookAround(log);
	const place = context.quick ? QUICK_PLACE : PLACE;
	const times = await measurePages(context, log, filterQueries(facts, place), "pages of 100");
	const walksBy = async (lists: Lists, filters: readonly Filter[], name: string) => {
		const walks = [];
		for (const filter of filters) walks.push(await walk(lists, filter));
		for (const { name: filter, calls, ms, rows } of walks) {
			context.note(`walk to the end${name}: ${calls} calls, ${ms.toFixed(0)} ms, ${rows} rows  ${filter}`);
		}
		return { calls: Math.max(...walks.map(({ calls }) => calls)), ms: Math.max(...walks.map(({ ms }) => ms)) };
	};
	const project = server.client.project(store.projectId);
	const all = await walksBy(project.deliveries, walkedFilters(place), "");
	const ofCustomer = walkedFilters(place).map((filter) => ({ ...filter, customerId: CUSTOMER }));
	const filtered = await walksBy(project.deliveries, ofCustomer, "");
	const { token } = await project.portalSessions.create({ customerId: CUSTOMER });
	const own = new Client(token, { endpoint: server.url }).project(store.projectId);
	const byCustomer = await walksBy(own.deliveries, [...walkedFilters(place), ...NO_TYPES], " by a customer");
	return {
		...times,
		walkCalls: Math.max(all.calls, filtered.calls),
		walkMs: Math.max(all.ms, filtered.ms),
		customerWalkCalls: byCustomer.calls,
		customerWalkMs: byCustomer.ms,
	};
}

type Lists = ReturnType<BenchServer["client"]["project"]>["deliveries"];
type Filter = NonNullable<Parameters<Lists["list"]>[0]>;

/** Types that no event has: a key's list knows that without a look. */
const NO_TYPES: readonly Filter[] = [{ eventType: "none.*" }, { eventType: "none.*", tag: OFTEN_TAG }];

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
		{ responseCode: 299, eventType: COMMON_TYPE },
		{ responseCode: 299, eventType: RARE_TYPE },
	];
}

async function walk(deliveries: Lists, filter: Filter) {
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
