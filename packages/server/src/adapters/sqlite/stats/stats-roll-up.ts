// Rolls up the journal: adds it to the tables of minutes, hours, days and counts by status.
//
// A round covers all of the journal when it begins. Its steps:
//   1. add some minutes of webhooks to the tables, and note in the same transaction that they are done; repeat until all are done
//   2. declare the journal up to there void, and the notes as well
//   3. delete the void part of the journal
//   4. delete rows of the tables that are too old
// After a crash, the next round covers the rest: nothing is added twice. A webhook is therefore written only a few times a minute
// (30 µs each), however many commits changed its stats.
import type { DatabaseSync } from "node:sqlite";

import { STATS_WIDTHS_MS } from "../../../core/stats/stats.ts";
import type { RollUpStep } from "../../../ports/store/stats.ts";
import { list, placeholders, prepareReplace } from "../codec/statements.ts";
import { inBackground, type Transact } from "../connection.ts";
import { encodeLatency } from "./latency-blob.ts";
import { COUNTER_COLUMNS, COUNTER_COUNT } from "./stats-changes.ts";
import type { StatsJournal } from "./stats-journal.ts";
import { addStatsRow, STATUS_COUNT_COLUMNS } from "./stats-rows.ts";
import { addStats, emptyStats, type PeriodStats, type StatsSums } from "./stats-sums.ts";

/** Writing one minute takes about as long as deleting this many rows of the journal. */
const MINUTE_COST = 50;

/** Prepares `rollUpStats`. */
export function createRollUpStats(db: DatabaseSync, transact: Transact, journal: StatsJournal) {
	const addToTables = createAddToTables(db);
	const finish = createFinish(db);
	const deleteJournal = db.prepare(`
		DELETE FROM figures_journal WHERE seq IN (
			SELECT seq FROM figures_journal WHERE seq <= (SELECT through FROM figures_state) LIMIT ?
		)
	`);
	const deleteOld = createDeleteOld(db);
	let round: ReturnType<StatsJournal["beginRound"]> | null = null;

	const step = ({ keepMinutesFrom, keepHoursFrom, limit }: RollUpStep): number => {
		round ??= journal.beginRound();
		const { closing, through } = round;
		if (closing.size > 0) {
			const some = closing.some(Math.ceil(limit / MINUTE_COST));
			transact(() => {
				addToTables(some);
				finish(some, closing.size === some.size ? through : null);
			});
			closing.subtract(some);
			return some.size;
		}
		const deleted =
			transact(() => Number(deleteJournal.run(limit).changes)) ||
			transact(() => deleteOld(keepMinutesFrom, keepHoursFrom, limit));
		if (deleted === 0) round = null;
		return deleted;
	};
	return (request: RollUpStep): number => inBackground(db, () => step(request));
}

/** Notes which sums are in the tables. With the last sums of a round, declares the journal up to `through` void instead. */
function createFinish(db: DatabaseSync): (some: StatsSums, through: number | null) => void {
	const note = db.prepare("INSERT INTO figures_done (changes) VALUES (?)");
	const deleteNotes = db.prepare("DELETE FROM figures_done");
	const setThrough = db.prepare("UPDATE figures_state SET through = ?");
	return (some, through) => {
		if (through === null) {
			note.run(JSON.stringify(some.list()));
		} else {
			deleteNotes.run();
			setThrough.run(through);
		}
	};
}

function createAddToTables(db: DatabaseSync): (sums: StatsSums) => void {
	const addToStats = createAddToStats(db);
	const addCounts = db.prepare(`
		INSERT INTO status_counts (owner, ${list(STATUS_COUNT_COLUMNS)}) VALUES (?, ${placeholders(STATUS_COUNT_COLUMNS)})
		ON CONFLICT (owner) DO UPDATE SET ${list(STATUS_COUNT_COLUMNS.map((name) => `${name} = ${name} + excluded.${name}`))}
	`);
	return (sums) => {
		for (const [id, minutes] of sums.owners()) {
			const owner = Buffer.from(id, "hex");
			const sum = emptyStats();
			for (const [minute, stats] of minutes) {
				addStats(sum, stats);
				addToStats(minute, owner, stats);
			}
			const changes = sum.counts.slice(COUNTER_COUNT);
			if (changes.some((count) => count !== 0)) addCounts.run(owner, ...changes);
		}
	};
}

function createAddToStats(db: DatabaseSync) {
	const select = db.prepare(
		`SELECT ${list(COUNTER_COLUMNS)}, latency FROM stats WHERE width_ms = ? AND start = ? AND owner = ?`,
	);
	const columns: readonly string[] = ["width_ms", "start", "owner", "latency", ...COUNTER_COLUMNS];
	const put = prepareReplace(db, "stats", columns);
	return (minute: number, owner: Uint8Array, { counts, latency }: PeriodStats): void => {
		const counters = counts.slice(0, COUNTER_COUNT);
		// Changes of status alone (by a sweep, for example) make no bucket.
		if (counters.every((count) => count === 0)) return;
		for (const widthMs of Object.values(STATS_WIDTHS_MS)) {
			const start = minute - (minute % widthMs);
			const sum = { counts: [...counters], latency: new Map(latency) };
			const row = select.get(widthMs, start, owner);
			if (row !== undefined) addStatsRow(sum, row);
			put.run(widthMs, start, owner, encodeLatency(sum.latency), ...sum.counts);
		}
	};
}

function createDeleteOld(db: DatabaseSync) {
	const deleteBefore = db.prepare(`
		DELETE FROM stats WHERE (width_ms, start, owner) IN (
			SELECT width_ms, start, owner FROM stats WHERE width_ms = ? AND start < ? LIMIT ?
		)
	`);
	return (keepMinutesFrom: number, keepHoursFrom: number, limit: number): number => {
		const minutes = Number(deleteBefore.run(STATS_WIDTHS_MS.minute, keepMinutesFrom, limit).changes);
		if (minutes > 0) return minutes;
		return Number(deleteBefore.run(STATS_WIDTHS_MS.hour, keepHoursFrom, limit).changes);
	};
}
