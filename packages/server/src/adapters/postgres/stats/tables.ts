// The tables that the journal is rolled up into: `stats` by minute, hour and day, `status_counts` and `stored_bytes`.
import { STATS_WIDTHS_MS } from "../../../core/stats/stats.ts";
import { binaryArray } from "../codec/arrays.ts";
import { number, numbers, text } from "../codec/rows.ts";
import { list, statement } from "../codec/statements.ts";
import type { Session } from "../connection/session.ts";

/** The columns of the counters, in the table and in the journal. */
export const COUNTERS = ["accepted", "attempts_succeeded", "attempts_failed", "succeeded", "exhausted"] as const;
/** The columns of the counts by status in `status_counts`. */
const COUNTS_BY_STATUS = ["pending", "succeeded", "failed", "held", "cancelled"] as const;

/** What a webhook or a project (the owner) has counted in a minute. */
export interface MinuteSum {
	readonly owner: string;
	readonly minute: number;
	/** By the index of `COUNTERS`. */
	readonly counters: readonly number[];
	/** Counts by bucket of the histogram. */
	readonly latency: ReadonlyMap<number, number>;
	/** Failed attempts by the number of their cause. */
	readonly causes: ReadonlyMap<number, number>;
}

/** How the counts by status of an owner have changed. */
export interface CountChange {
	readonly owner: string;
	/** By the index of `COUNTS_BY_STATUS`. */
	readonly counts: readonly number[];
	/** The delivery whose attempt was recorded last; null if there was none. */
	readonly lastAttempt: string | null;
}

/** The columns `latency` and `causes`: a bucket or a cause, its count, the next one, and so on. */
export function* countPairs(column: unknown): Iterable<readonly [key: number, count: number]> {
	const flat = numbers(column);
	for (let index = 0; index < flat.length; index += 2) yield [flat[index] ?? 0, flat[index + 1] ?? 0];
}

const added = (table: string, columns: readonly string[]) =>
	list(columns.map((name) => `${name} = ${table}.${name} + excluded.${name}`));
const SELECT_MAPS = statement(`
	SELECT owner, width_ms, start, latency, causes FROM stats
	JOIN unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS given(owner, width_ms, start) USING (owner, width_ms, start)
`);
const counterParameters = COUNTERS.map((_, index) => `$${index + 4}::bigint[]`);
const ADD_STATS = statement(`
	INSERT INTO stats (owner, width_ms, start, ${list(COUNTERS)}, latency, causes)
	SELECT owner, width_ms, start, ${list(COUNTERS)}, latency::integer[], causes::integer[]
	FROM unnest(
		$1::uuid[], $2::bigint[], $3::bigint[], ${list(counterParameters)}, $${COUNTERS.length + 4}::text[],
		$${COUNTERS.length + 5}::text[]
	) AS given(owner, width_ms, start, ${list(COUNTERS)}, latency, causes)
	ON CONFLICT (owner, width_ms, start) DO UPDATE SET ${added("stats", COUNTERS)},
		latency = CASE excluded.latency WHEN '{}' THEN stats.latency ELSE excluded.latency END,
		causes = CASE excluded.causes WHEN '{}' THEN stats.causes ELSE excluded.causes END
`);
const statusParameters = COUNTS_BY_STATUS.map((_, index) => `$${index + 2}::bigint[]`);
const ADD_COUNTS = statement(`
	INSERT INTO status_counts (owner, ${list(COUNTS_BY_STATUS)}, last_attempt)
	SELECT * FROM unnest($1::uuid[], ${list(statusParameters)}, $${COUNTS_BY_STATUS.length + 2}::uuid[])
	ON CONFLICT (owner) DO UPDATE SET ${added("status_counts", COUNTS_BY_STATUS)},
		last_attempt = coalesce(excluded.last_attempt, status_counts.last_attempt)
`);
const ADD_STORED = statement(`
	INSERT INTO stored_bytes (project_id, bytes) SELECT * FROM unnest($1::uuid[], $2::bigint[])
	ON CONFLICT (project_id) DO UPDATE SET bytes = stored_bytes.bytes + excluded.bytes
`);

/** Adds what happened in minutes to the buckets of all widths. Call it under `lockStats`. */
export async function addToStats(session: Session, sums: readonly MinuteSum[]): Promise<void> {
	const buckets = new Map<string, Bucket>();
	for (const { owner, minute, counters, latency, causes } of sums) {
		for (const widthMs of Object.values(STATS_WIDTHS_MS)) {
			const bucket = bucketOf(buckets, { owner, widthMs, start: minute - (minute % widthMs) });
			for (const [index, count] of counters.entries()) bucket.counters[index] = (bucket.counters[index] ?? 0) + count;
			addPairs(bucket.latency, latency);
			addPairs(bucket.causes, causes);
		}
	}
	const all = [...buckets.values()];
	if (all.length === 0) return;
	const withMaps = all.filter(({ latency, causes }) => latency.size + causes.size > 0);
	for (const row of await session.run(SELECT_MAPS, keysOf(withMaps))) {
		const [owner, widthMs, start] = [text(row["owner"]), number(row["width_ms"]), number(row["start"])];
		const bucket = bucketOf(buckets, { owner, widthMs, start });
		// What the minutes have none of stays as it is in the row.
		if (bucket.latency.size > 0) addPairs(bucket.latency, countPairs(row["latency"]));
		if (bucket.causes.size > 0) addPairs(bucket.causes, countPairs(row["causes"]));
	}
	await session.run(ADD_STATS, [
		...keysOf(all),
		...COUNTERS.map((_, index) =>
			binaryArray(
				"int8",
				all.map(({ counters }) => counters[index] ?? 0),
			),
		),
		binaryArray(
			"text",
			all.map(({ latency }) => pairsText(latency)),
		),
		binaryArray(
			"text",
			all.map(({ causes }) => pairsText(causes)),
		),
	]);
}

/** Adds changes of the counts by status. Call it under `lockStats`. */
export async function addToCounts(session: Session, changes: readonly CountChange[]): Promise<void> {
	if (changes.length === 0) return;
	await session.run(ADD_COUNTS, [
		binaryArray(
			"uuid",
			changes.map(({ owner }) => owner),
		),
		...COUNTS_BY_STATUS.map((_, index) =>
			binaryArray(
				"int8",
				changes.map(({ counts }) => counts[index] ?? 0),
			),
		),
		binaryArray(
			"uuid",
			changes.map(({ lastAttempt }) => lastAttempt),
		),
	]);
}

/** Adds to the bytes that projects have stored. Call it under `lockStats`. */
export async function addToStored(session: Session, stored: ReadonlyMap<string, number>): Promise<void> {
	if (stored.size > 0) {
		await session.run(ADD_STORED, [binaryArray("uuid", [...stored.keys()]), binaryArray("int8", [...stored.values()])]);
	}
}

interface BucketKey {
	readonly owner: string;
	readonly widthMs: number;
	readonly start: number;
}

interface Bucket extends BucketKey {
	readonly counters: number[];
	readonly latency: Map<number, number>;
	readonly causes: Map<number, number>;
}

function bucketOf(buckets: Map<string, Bucket>, of: BucketKey): Bucket {
	const key = `${of.owner} ${of.widthMs} ${of.start}`;
	let bucket = buckets.get(key);
	if (bucket === undefined) buckets.set(key, (bucket = { ...of, counters: [], latency: new Map(), causes: new Map() }));
	return bucket;
}

function addPairs(counts: Map<number, number>, more: Iterable<readonly [key: number, count: number]>): void {
	for (const [key, count] of more) counts.set(key, (counts.get(key) ?? 0) + count);
}

function pairsText(counts: ReadonlyMap<number, number>): string {
	return `{${[...counts].flat().join(",")}}`;
}

function keysOf(buckets: readonly BucketKey[]): Buffer[] {
	return [
		binaryArray(
			"uuid",
			buckets.map(({ owner }) => owner),
		),
		binaryArray(
			"int8",
			buckets.map(({ widthMs }) => widthMs),
		),
		binaryArray(
			"int8",
			buckets.map(({ start }) => start),
		),
	];
}
