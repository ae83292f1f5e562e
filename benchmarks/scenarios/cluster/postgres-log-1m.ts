// The log of a million deliveries on PostgreSQL: how long its way there takes, and the pages of log-filters-1m and log-pages-1m.
import type { Migration } from "../../harness/cluster/migration.ts";
import type { MeasuredLog } from "../../harness/measure/log-pages.ts";
import { named } from "../../harness/measure/steady.ts";
import { prepareLabelledLog } from "../../harness/store/big-log.ts";
import type { Measurements, ResultLine, RunContext, Scenario } from "../../scenario.ts";
import { FILTERS_RESULTS, measureFilters } from "../log/log-filters-1m.ts";
import { measureEachLength, PAGES_RESULTS } from "../log/log-pages-1m.ts";

const MIGRATION_RESULTS: readonly ResultLine[] = [
	{ measurement: "seconds", label: "migrate-store", unit: "s", limit: { atMost: 600 } },
	{ measurement: "peakMb", label: "migrate-store: memory, peak", unit: "MB" },
	{ measurement: "commandCpuS", label: "migrate-store: CPU", unit: "s" },
	{ measurement: "postgresCpuS", label: "PostgreSQL's CPU meanwhile", unit: "s" },
	{ measurement: "sizeRatio", label: "database ÷ data directory", unit: "×" },
];

const SHARES: readonly ResultLine[] = [
	{ measurement: "worstServerCpuMs", label: "costliest page by the server's CPU", unit: "ms" },
	{ measurement: "worstPostgresCpuMs", label: "costliest page by PostgreSQL's CPU", unit: "ms" },
];

export const postgresLog1m: Scenario = {
	name: "postgres-log-1m",
	group: "cluster",
	summary:
		"the pages of log-filters-1m and log-pages-1m on PostgreSQL, and the migration of their 1,000,000 deliveries",
	onlyByName: true,
	results: [
		...linesOf("migration", "", MIGRATION_RESULTS),
		...linesOf("filters", "filters: ", [...FILTERS_RESULTS, ...SHARES]),
		...linesOf("pages", "", PAGES_RESULTS),
	],
	run,
};

/** CPU is that of the server and of PostgreSQL's connections together. */
async function run(context: RunContext): Promise<Measurements> {
	const store = await prepareLabelledLog(context);
	await using cluster = await context.startCluster({ processes: 1, withNats: false, store });
	const { first: server, postgresPid, migration } = cluster;
	if (migration === null) throw new Error("the store was not migrated");
	const { diskBytes } = await cluster.databaseUse();
	noteParts(context, migration);
	const { seconds, peakMb, commandCpuS, postgresCpuS, sourceBytes } = migration;
	const migrated = { seconds, peakMb, commandCpuS, postgresCpuS, sizeRatio: diskBytes / sourceBytes };
	const log: MeasuredLog = { server, store, postgresPid };
	return {
		sent: 1,
		received: 1,
		...named("migration", migrated),
		...named("filters", await measureFilters(context, log)),
		...named("pages", await measureEachLength(context, log)),
	};
}

function linesOf(name: string, label: string, lines: readonly ResultLine[]): ResultLine[] {
	return lines.map((line) => ({ ...line, measurement: `${name}.${line.measurement}`, label: `${label}${line.label}` }));
}

function noteParts(context: RunContext, { counts, secondsOf }: Migration): void {
	const rows = Object.entries(counts).filter(([, count]) => count > 0);
	context.note(`migrate-store: ${rows.map(([name, count]) => `${count.toLocaleString("en-US")} ${name}`).join(", ")}`);
	const times = Object.entries(secondsOf).map(([name, seconds]) => `${name} ${seconds.toFixed(0)} s`);
	context.note(`migrate-store: ${times.join(", ")}`);
}
