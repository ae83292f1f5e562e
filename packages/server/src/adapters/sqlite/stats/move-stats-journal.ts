// Moves the journal of version 0.1, which is JSON with ids, to the tables of migrations/0010-narrow-rows.sql.
import type { DatabaseSync } from "node:sqlite";

import { json, number, rowId, text } from "../codec/rows.ts";
import { damaged, encodeEntry } from "./stats-bytes.ts";
import { addLatency, addStats, COUNT_COUNT, emptyStats, statsOf, StatsSums } from "./stats-sums.ts";

/**
 * Replaces the former journal by one entry, which has all that is not in the tables of the stats yet. Webhooks and projects that were
 * deleted completely are dropped. Call it once, in a transaction. Throws a `StoreError` if the journal is damaged.
 */
export function moveStatsJournal(db: DatabaseSync): void {
	const through = number(db.prepare("SELECT through FROM stats_state").get()?.["through"]);
	const numbers = { projects: readNumbers(db, "projects"), webhooks: readNumbers(db, "webhooks") };
	const sums = new StatsSums();
	for (const row of db
		.prepare("SELECT changes FROM former_stats_journal WHERE seq > ? ORDER BY seq")
		.iterate(through)) {
		sums.absorb(decodeFormer(text(row["changes"]), numbers));
	}
	for (const row of db.prepare("SELECT changes FROM former_stats_done").iterate()) {
		sums.subtract(decodeFormer(text(row["changes"]), numbers));
	}
	if (sums.size > 0) {
		db.prepare("INSERT INTO stats_journal (seq, changes) VALUES (?, ?)").run(through + 1, encodeEntry(sums));
	}
	db.exec("DROP TABLE former_stats_journal; DROP TABLE former_stats_done");
}

/** By the bytes of their ids in hex, as the former journal names them. */
type NumberByHex = ReadonlyMap<string, number>;

interface NumbersByHex {
	readonly projects: NumberByHex;
	readonly webhooks: NumberByHex;
}

function readNumbers(db: DatabaseSync, table: "projects" | "webhooks"): NumberByHex {
	const numbers = new Map<string, number>();
	for (const row of db.prepare(`SELECT id, number FROM ${table}`).iterate()) {
		numbers.set(Buffer.from(rowId(row)).toString("hex"), number(row["number"]));
	}
	return numbers;
}

/** For each webhook its id, its counts, and pairs of a bucket and its count, one after the other. */
interface FormerMinute {
	readonly minute: number;
	readonly webhooks: readonly (readonly [id: string, counts: number[], latencies: number[]])[];
	readonly projects: readonly (readonly [id: string, accepted: number])[];
}

function decodeFormer(entry: string, numbers: NumbersByHex): StatsSums {
	const sums = new StatsSums();
	try {
		for (const minute of json<FormerMinute[]>(entry)) addMinute(sums, minute, numbers);
	} catch (cause) {
		throw damaged("an entry of the journal is not what version 0.1 wrote", cause);
	}
	return sums;
}

function addMinute(sums: StatsSums, { minute, webhooks, projects }: FormerMinute, numbers: NumbersByHex): void {
	const minuteSums = sums.at(requireInteger(minute));
	for (const [id, accepted] of projects) {
		const project = numbers.projects.get(id);
		if (project !== undefined) minuteSums.projects.set(project, requireInteger(accepted));
	}
	for (const [id, counts, latencies] of webhooks) {
		const webhook = numbers.webhooks.get(id);
		if (webhook === undefined) continue;
		const stats = statsOf(minuteSums.webhooks, webhook);
		if (counts.length !== COUNT_COUNT) throw new RangeError(`there are ${counts.length} counts`);
		addStats(stats, { ...emptyStats(), counts: counts.map(requireInteger) });
		for (let at = 0; at < latencies.length; at += 2) {
			addLatency(stats, requireInteger(latencies[at]), requireInteger(latencies[at + 1]));
		}
	}
}

function requireInteger(value: unknown): number {
	if (typeof value === "number" && Number.isSafeInteger(value)) return value;
	throw new RangeError(`${String(value)} is not an integer`);
}
