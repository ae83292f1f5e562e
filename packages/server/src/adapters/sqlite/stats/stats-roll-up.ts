// Adds the figures to tables: minutes, hours, days and the counts by status.
//
// A round is about all that is in the journal when it begins. It ──▶ adds some minutes of webhooks to the tables, and notes in the
// same transaction that they are done, until all are ──▶ declares the journal up to there, and the notes, void ──▶ deletes it
// ──▶ deletes what is too old ──▶ is over. After a crash the next round is about what is left: nothing is added twice.
// So a webhook is written some times a minute at most (30 µs each), in however many commits it was.
import type { DatabaseSync } from "node:sqlite";

import { STATS_WIDTHS_MS } from "../../../core/stats/stats.ts";
import type { RollUpStep } from "../../../ports/store/stats.ts";
import { inBackground, type Transact } from "../connection.ts";
import { encodeLatency } from "./latency-blob.ts";
import { COUNTER_COLUMNS, COUNTER_COUNT } from "./stats-changes.ts";
import type { Figures } from "./stats-journal.ts";
import { addStatsRow, STATUS_COUNT_COLUMNS } from "./stats-rows.ts";
import { emptyFigure, addFigure, type Figure, type Tally } from "./stats-sums.ts";

/** Writing a minute takes about as long as deleting so many rows of the journal. */
const MINUTE_COST = 50;

/** Prepares `rollUpStats`. */
export function createRollUpStats(db: DatabaseSync, transact: Transact, figures: Figures) {
	const addToTables = createAddToTables(db);
	const finish = createFinish(db);
	const deleteJournal = db.prepare(`
		DELETE FROM figures_journal WHERE seq IN (
			SELECT seq FROM figures_journal WHERE seq <= (SELECT through FROM figures_state) LIMIT ?
		)
	`);
	const deleteOld = createDeleteOld(db);
	let round: ReturnType<Figures["beginRound"]> | null = null;

	const step = ({ keepMinutesFrom, keepHoursFrom, limit }: RollUpStep): number => {
		round ??= figures.beginRound();
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

/** Notes what is in the tables now; with the last of a round, the journal through there is void. */
function createFinish(db: DatabaseSync): (some: Tally, through: number | null) => void {
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

function createAddToTables(db: DatabaseSync): (tally: Tally) => void {
	const addToStats = createAddToStats(db);
	const addCounts = db.prepare(`
		INSERT INTO status_counts (owner, ${STATUS_COUNT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (owner) DO UPDATE SET pending = pending + excluded.pending, succeeded = succeeded + excluded.succeeded,
			failed = failed + excluded.failed, held = held + excluded.held, cancelled = cancelled + excluded.cancelled
	`);
	return (tally) => {
		for (const [name, minutes] of tally.owners()) {
			const owner = Buffer.from(name, "hex");
			const sum = emptyFigure();
			for (const [minute, figure] of minutes) {
				addFigure(sum, figure);
				addToStats(minute, owner, figure);
			}
			const moves = sum.counts.slice(COUNTER_COUNT);
			if (moves.some((count) => count !== 0)) addCounts.run(owner, ...moves);
		}
	};
}

function createAddToStats(db: DatabaseSync) {
	const select = db.prepare(
		`SELECT ${COUNTER_COLUMNS}, latency FROM stats WHERE width_ms = ? AND start = ? AND owner = ?`,
	);
	const put = db.prepare(`
		INSERT OR REPLACE INTO stats (width_ms, start, owner, ${COUNTER_COLUMNS}, latency) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
	`);
	return (minute: number, owner: Uint8Array, { counts, latency }: Figure): void => {
		const counters = counts.slice(0, COUNTER_COUNT);
		// Moves alone, of a sweep say, make no bucket.
		if (counters.every((count) => count === 0)) return;
		for (const widthMs of Object.values(STATS_WIDTHS_MS)) {
			const start = minute - (minute % widthMs);
			const sum = { counts: [...counters], latency: new Map(latency) };
			const row = select.get(widthMs, start, owner);
			if (row !== undefined) addStatsRow(sum, row);
			put.run(widthMs, start, owner, ...sum.counts, encodeLatency(sum.latency));
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
