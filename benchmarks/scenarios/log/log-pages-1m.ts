// Pages of a log of a million deliveries, by every combination of filters. Each must be fast, also one that matches nothing.
import { lookAround, measurePages, type MeasuredLog } from "../../harness/measure/log-pages.ts";
import { prepareBigLog } from "../../harness/store/big-log.ts";
import { logQueries } from "../../harness/store/log-queries.ts";
import type { Measurements, ResultLine, RunContext, Scenario } from "../../scenario.ts";

/** A length for one screen, and the API's maximum. */
const PAGE_LENGTHS = [100, 1_000] as const;
/** The length whose CPU time has a budget. */
const JUDGED_LENGTH = 100;

export const PAGES_RESULTS: readonly ResultLine[] = PAGE_LENGTHS.flatMap((length): ResultLine[] => [
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
]);

export const logPages1m: Scenario = {
	name: "log-pages-1m",
	group: "log",
	summary: "pages of a log of 1,000,000 deliveries by every combination of filters, at the start and deep inside",
	results: PAGES_RESULTS,
	run,
};

async function run(context: RunContext): Promise<Measurements> {
	const store = await prepareBigLog(context);
	await using server = await context.startServer({ store });
	return { sent: 1, received: 1, ...(await measureEachLength(context, { server, store, postgresPid: null })) };
}

/** The measurements of `PAGES_RESULTS`. */
export async function measureEachLength(context: RunContext, log: MeasuredLog): Promise<Measurements> {
	const facts = await lookAround(log);
	const result: Record<string, number> = {};
	for (const length of PAGE_LENGTHS) {
		const times = await measurePages(context, log, logQueries(facts, length), `pages of ${length}`);
		for (const [name, value] of Object.entries(times)) result[`${length}.${name}`] = value;
	}
	return result;
}
