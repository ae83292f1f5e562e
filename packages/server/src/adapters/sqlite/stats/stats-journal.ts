// The journal of the stats. Begin here; the room works like this:
//
//   - A call of the store runs in `transact` and reports what it changes to `StatsChanges` (stats-changes.ts).
//   - The changes are written in the same transaction as one entry of the journal (stats-bytes.ts). After the commit they are added to
//     sums in memory (stats-sums.ts).
//   - A round of rolling up adds these sums to the tables of minutes, hours, days and counts by status (stats-tables.ts), in steps:
//       1. add some webhooks and projects, and note in the same transaction that they are done; repeat until all are done
//       2. with the last of them, declare the journal up to the round's beginning void, and the notes as well
//       3. delete the void part of the journal
//       4. delete rows of the tables that are too old
//   - The bytes that each project has stored (stored-totals.ts) take the same way, and so does the last attempt of each webhook.
//   - Reading (calls/stats.ts) adds the sums in memory to the tables.
//
// At each moment, the sums in memory equal the entries after `through`, without those parts that are in the tables already
// (`stats_done`); opening reads them back. After a crash, the next round covers the rest: nothing is added twice.
//
// A webhook is therefore written to the tables only a few times a minute, however many commits changed its stats: in batches of 64 over
// 100 webhooks, an upsert in each commit took 3 of 44 µs a cycle more, and in commits of one event 20 µs more. The journal costs 0.7 µs
// of CPU a cycle in such batches, and 0.2 µs a webhook of an event to 3,000.
//
// The health of webhooks (health-table.ts) is kept beside it.
import type { DatabaseSync } from "node:sqlite";

import type { RollUpStep } from "../../../ports/store/stats.ts";
import { STATUS_CODES } from "../codec/delivery-rows.ts";
import { bytes, number } from "../codec/rows.ts";
import type { Transact } from "../connection.ts";
import type { Numbers } from "../deliveries/numbers.ts";
import { decodeEntry, encodeEntry } from "./stats-bytes.ts";
import { StatsChanges } from "./stats-changes.ts";
import { addStats, COUNTER_COUNT, statsOf, StatsSums, type PeriodStats, type ProjectOf } from "./stats-sums.ts";
import { createAddToTables, createDeleteOld } from "./stats-tables.ts";
import { StoredTotals } from "./stored-totals.ts";

/** Writing one minute takes about as long as deleting this many rows of the journal. */
const MINUTE_COST = 50;

/** The stats of one webhook or project by minute that are in the journal and not in the tables yet. */
export interface RecentStats {
	webhook(number: number): ReadonlyMap<number, PeriodStats>;
	project(number: number): ReadonlyMap<number, PeriodStats>;
}

/** Correct as long as this process alone writes to the database, which the lock of the data directory ensures. */
export class StatsJournal implements RecentStats {
	/** The bytes that each project has stored. */
	readonly stored: StoredTotals;
	readonly #transact: Transact;
	readonly #projectOf: ProjectOf;
	readonly #tables: ReturnType<typeof prepareTables>;
	readonly #open: { Pending: number; Held: number };
	/** The number of the last entry. */
	#lastSeq: number;
	/** The last entry of the round under way; null between rounds. */
	#roundEnd: number | null = null;
	/** The sums that the round still has to add to the tables. */
	#closing = new StatsSums();
	/** The sums of changes since the round began. */
	#current = new StatsSums();

	constructor(db: DatabaseSync, transact: Transact, numbers: Numbers) {
		this.#transact = transact;
		this.#projectOf = (webhook) => numbers.webhooks.atOrNull(webhook)?.project ?? null;
		this.#tables = prepareTables(db, numbers, this.#projectOf);
		this.#open = readOpenCounts(db);
		const { through, lastSeq } = readState(db);
		this.#lastSeq = lastSeq;
		for (const row of db.prepare("SELECT changes FROM stats_journal WHERE seq > ? ORDER BY seq").iterate(through)) {
			this.#current.absorb(decodeEntry(bytes(row["changes"])));
		}
		for (const row of db.prepare("SELECT changes FROM stats_done").iterate()) {
			this.#current.subtract(decodeEntry(bytes(row["changes"])));
		}
		this.stored = new StoredTotals(db, this.#current.stored);
		this.#countOpen(this.#current);
	}

	/** Runs `work` in a transaction, and writes the changes that it reports to the journal in the same transaction. */
	transact<T>(work: (changes: StatsChanges) => T): T {
		const changes = new StatsChanges();
		const seq = this.#lastSeq + 1;
		const result = this.#transact(() => {
			const result = work(changes);
			if (changes.sums.size > 0) this.#tables.insertEntry.run(seq, encodeEntry(changes.sums));
			return result;
		});
		this.#lastSeq = seq;
		this.#countOpen(changes.sums);
		this.stored.add(changes.sums.stored);
		this.#current.absorb(changes.sums);
		return result;
	}

	/** The number of deliveries in each status that is not final, over all projects. */
	readOpen(): Record<"Pending" | "Held", number> {
		return { ...this.#open };
	}

	webhook(number: number): ReadonlyMap<number, PeriodStats> {
		return byMinute([...this.#closing.webhook(number), ...this.#current.webhook(number)]);
	}

	project(number: number): ReadonlyMap<number, PeriodStats> {
		const projectOf = this.#projectOf;
		return byMinute([...this.#closing.projects(projectOf, number), ...this.#current.projects(projectOf, number)]);
	}

	/** One step of a round; see `rollUpStats` of the store. */
	rollUp({ keepMinutesFrom, keepHoursFrom, limit }: RollUpStep): number {
		if (this.#roundEnd === null) {
			this.#roundEnd = this.#lastSeq;
			this.#closing = this.#current;
			this.#current = new StatsSums();
		}
		if (this.#closing.size > 0) return this.#close(Math.ceil(limit / MINUTE_COST), this.#roundEnd);
		const { deleteEntries, deleteOld } = this.#tables;
		const deleted =
			this.#transact(() => Number(deleteEntries.run(limit).changes)) ||
			this.#transact(() => deleteOld(keepMinutesFrom, keepHoursFrom, limit));
		if (deleted === 0) this.#roundEnd = null;
		return deleted;
	}

	/** Adds up to `limit` webhooks and projects of the round to the tables. */
	#close(limit: number, roundEnd: number): number {
		const some = this.#closing.some(limit);
		const { add, note, deleteNotes, setThrough } = this.#tables;
		this.#transact(() => {
			add(some);
			if (some.size < this.#closing.size) {
				note.run(encodeEntry(some));
			} else {
				deleteNotes.run();
				setThrough.run(roundEnd);
			}
		});
		this.#closing.subtract(some);
		return some.size;
	}

	#countOpen(changes: StatsSums): void {
		for (const { webhooks } of changes.minutes.values()) {
			for (const { counts } of webhooks.values()) {
				this.#open.Pending += counts[COUNTER_COUNT + STATUS_CODES.Pending] ?? 0;
				this.#open.Held += counts[COUNTER_COUNT + STATUS_CODES.Held] ?? 0;
			}
		}
	}
}

function prepareTables(db: DatabaseSync, numbers: Numbers, projectOf: ProjectOf) {
	return {
		insertEntry: db.prepare("INSERT INTO stats_journal (seq, changes) VALUES (?, ?)"),
		deleteEntries: db.prepare(`
			DELETE FROM stats_journal WHERE seq IN (
				SELECT seq FROM stats_journal WHERE seq <= (SELECT through FROM stats_state) LIMIT ?
			)
		`),
		note: db.prepare("INSERT INTO stats_done (changes) VALUES (?)"),
		deleteNotes: db.prepare("DELETE FROM stats_done"),
		setThrough: db.prepare("UPDATE stats_state SET through = ?"),
		add: createAddToTables(db, numbers, projectOf),
		deleteOld: createDeleteOld(db),
	};
}

function readOpenCounts(db: DatabaseSync): { Pending: number; Held: number } {
	const row = db
		.prepare(`
			SELECT coalesce(sum(pending), 0) AS pending, coalesce(sum(held), 0) AS held
			FROM status_counts JOIN projects ON projects.id = status_counts.owner
		`)
		.get();
	return { Pending: number(row?.["pending"]), Held: number(row?.["held"]) };
}

function readState(db: DatabaseSync): { through: number; lastSeq: number } {
	const row = db
		.prepare(`
			SELECT through, max(through, (SELECT coalesce(max(seq), 0) FROM stats_journal)) AS last_seq FROM stats_state
		`)
		.get();
	return { through: number(row?.["through"]), lastSeq: number(row?.["last_seq"]) };
}

/** Adds up the stats of each minute. */
export function byMinute(
	list: Iterable<readonly [minute: number, stats: PeriodStats, ...unknown[]]>,
): ReadonlyMap<number, PeriodStats> {
	const sums = new Map<number, PeriodStats>();
	for (const [minute, stats] of list) addStats(statsOf(sums, minute), stats);
	return sums;
}
