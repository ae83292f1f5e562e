// Stats by minute, hour and day: those that were rolled up, and those that are still in the journal.
import { addLatencyCount, emptyLatencyCounts, type LatencyCounts } from "../../../../core/stats/latency-histogram.ts";
import { causeCounts, STATS_WIDTHS_MS, type StatsBucket } from "../../../../core/stats/stats.ts";
import type { StatsQuery } from "../../../../ports/store/stats.ts";
import { number, type Row } from "../../codec/rows.ts";
import { list, statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";
import { COUNTERS, countPairs } from "../../stats/tables.ts";
import { readOwners } from "./owners.ts";

const SELECT_TABLE = statement(`
	SELECT start, ${list(COUNTERS)}, latency, causes FROM stats
	WHERE owner = ANY($1::uuid[]) AND width_ms = $2 AND start >= $3 AND start < $4
`);
const OF_OWNERS = `
	project_id = $1 AND ($2::uuid[] IS NULL OR webhook_id = ANY($2::uuid[])) AND minute >= $3 AND minute < $4
`;
/** A project accepts an event once, however many webhooks get it: that is in rows without a webhook. */
const SELECT_JOURNAL = statement(`
	SELECT * FROM (
		SELECT minute AS start, coalesce(sum(accepted) FILTER (WHERE (webhook_id IS NULL) = ($2::uuid[] IS NULL)), 0) AS accepted,
			${list(COUNTERS.slice(1).map((name) => `sum(${name}) AS ${name}`))}
		FROM stats_journal WHERE ${OF_OWNERS} GROUP BY minute
	) sums WHERE ${COUNTERS.join(" + ")} > 0
`);
const selectEach = (column: "latencies" | "causes") =>
	statement(`
	SELECT minute AS start, key, count(*) AS count FROM stats_journal CROSS JOIN unnest(${column}) AS key
	WHERE ${OF_OWNERS} GROUP BY minute, key
`);
const SELECT_LATENCIES = selectEach("latencies");
const SELECT_CAUSES = selectEach("causes");

/** The call `stats`. */
export function createStats(database: Database) {
	return async ({ scope, webhookId, width, from, to }: StatsQuery): Promise<StatsBucket[]> => {
		if (from >= to) return [];
		const widthMs = STATS_WIDTHS_MS[width];
		return database.snapshot(async (session) => {
			const found = await readOwners(session, scope, webhookId === null ? null : [webhookId]);
			if (found === null) return [];
			const { project, owners, webhooks } = found;
			const [rows, recent, latencies, causes] = await Promise.all([
				session.run(SELECT_TABLE, [owners, widthMs, from, to]),
				session.run(SELECT_JOURNAL, [project, webhooks, from, to]),
				session.run(SELECT_LATENCIES, [project, webhooks, from, to]),
				session.run(SELECT_CAUSES, [project, webhooks, from, to]),
			]);
			const buckets = new Buckets(widthMs);
			for (const row of rows) {
				const { latency, causes } = buckets.add(row);
				for (const [bucket, count] of countPairs(row["latency"])) addLatencyCount(latency, bucket, count);
				causes.push(...countPairs(row["causes"]));
			}
			for (const row of recent) buckets.add(row);
			for (const row of latencies) {
				addLatencyCount(buckets.at(number(row["start"])).latency, number(row["key"]), number(row["count"]));
			}
			for (const row of causes)
				buckets.at(number(row["start"])).causes.push([number(row["key"]), number(row["count"])]);
			return buckets.sorted();
		});
	};
}

interface Sum {
	accepted: number;
	attemptsSucceeded: number;
	attemptsFailed: number;
	succeeded: number;
	exhausted: number;
	readonly latency: LatencyCounts;
	/** Parts of the counts by the numbers of causes. */
	readonly causes: (readonly [code: number, count: number])[];
}

class Buckets {
	readonly #widthMs: number;
	readonly #sums = new Map<number, Sum>();

	constructor(widthMs: number) {
		this.#widthMs = widthMs;
	}

	/** The bucket of a time, which is added if it is missing. */
	at(time: number): Sum {
		const start = time - (time % this.#widthMs);
		let sum = this.#sums.get(start);
		if (sum === undefined) {
			const latency = emptyLatencyCounts();
			sum = { accepted: 0, attemptsSucceeded: 0, attemptsFailed: 0, succeeded: 0, exhausted: 0, latency, causes: [] };
			this.#sums.set(start, sum);
		}
		return sum;
	}

	/** Adds the counters of a row. Returns the bucket. */
	add(row: Row): Sum {
		const sum = this.at(number(row["start"]));
		sum.accepted += number(row["accepted"]);
		sum.attemptsSucceeded += number(row["attempts_succeeded"]);
		sum.attemptsFailed += number(row["attempts_failed"]);
		sum.succeeded += number(row["succeeded"]);
		sum.exhausted += number(row["exhausted"]);
		return sum;
	}

	sorted(): StatsBucket[] {
		return [...this.#sums]
			.sort(([a], [b]) => a - b)
			.map(([start, { causes, ...sum }]) => ({ start, ...sum, failures: causeCounts(causes) }));
	}
}
