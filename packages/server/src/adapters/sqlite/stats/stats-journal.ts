// The stats: counts by minute, and the number of deliveries in each status. Every transaction that changes them writes one row into
// a journal; from there, `stats-roll-up.ts` adds them to tables, one round at a time. Reading adds the sums in memory to the tables.
//
// At each moment, the sums in memory equal the rows of the journal after `through`, without those parts that are in the tables
// already (`figures_done`). The journal costs 3 of 44 µs a cycle, in batches of 64 over 100 webhooks; an upsert for each webhook
// took 3 µs more, and 20 µs more in commits of one event.
import type { DatabaseSync } from "node:sqlite";

import { STATUS_CODES } from "../codec/delivery-rows.ts";
import { hexOf } from "../codec/rows.ts";
import type { Transact } from "../connection.ts";
import { COUNTER_COUNT, StatsChanges, type MinuteChanges } from "./stats-changes.ts";
import { toJournalState, toMinuteChanges, toOpenCounts } from "./stats-rows.ts";
import { addStats, emptyStats, StatsSums, type PeriodStats } from "./stats-sums.ts";

/**
 * The journal and the sums of it that are not in the tables yet. Correct as long as this process alone writes to the database, which
 * the lock of the data directory ensures.
 */
export class StatsJournal {
	readonly #transact: Transact;
	readonly #projectOf: (webhook: string) => string | null;
	readonly #write: (seq: number, changes: readonly MinuteChanges[]) => void;
	readonly #open: { Pending: number; Held: number };
	#lastSeq: number;
	/** The sums that the current round still has to add to the tables. */
	#closing: StatsSums;
	/** The sums of changes since the round began. */
	#current: StatsSums;

	constructor(db: DatabaseSync, transact: Transact) {
		this.#transact = transact;
		this.#projectOf = createProjectOf(db);
		this.#write = createWrite(db);
		this.#closing = new StatsSums(this.#projectOf);
		this.#current = new StatsSums(this.#projectOf);
		this.#open = toOpenCounts(db.prepare(SUM_OPEN).get());
		const { through, lastSeq } = toJournalState(db.prepare(SELECT_STATE).get());
		this.#lastSeq = lastSeq;
		const journal = db.prepare("SELECT changes FROM figures_journal WHERE seq > ? ORDER BY seq");
		for (const row of journal.iterate(through)) this.#current.add(toMinuteChanges(row));
		const done = new StatsSums(this.#projectOf);
		for (const row of db.prepare("SELECT changes FROM figures_done").iterate()) done.add(toMinuteChanges(row));
		this.#current.subtract(done);
		this.#countOpen(this.#current.list());
	}

	/** The number of deliveries in each status that is not final, over all projects. */
	readOpen(): Record<"Pending" | "Held", number> {
		return { ...this.#open };
	}

	/** The stats of a webhook by minute that are not in the tables yet. */
	webhook(id: string): ReadonlyMap<number, PeriodStats> {
		return merged(this.#closing.webhook(id), this.#current.webhook(id));
	}

	/** The stats of a project by minute that are not in the tables yet. */
	project(id: string): ReadonlyMap<number, PeriodStats> {
		return merged(this.#closing.project(id), this.#current.project(id));
	}

	/** Runs `work` in a transaction, and writes the changes that it reports to the journal in the same transaction. */
	transact<T>(work: (changes: StatsChanges) => T): T {
		const changes = new StatsChanges();
		const seq = this.#lastSeq + 1;
		const result = this.#transact(() => {
			const result = work(changes);
			const list = changes.list();
			if (list.length > 0) this.#write(seq, list);
			return result;
		});
		this.#lastSeq = seq;
		const list = changes.list();
		this.#current.add(list);
		this.#countOpen(list);
		return result;
	}

	/** Begins a round over all changes so far: returns their sums, and the last row of the journal that is in them. */
	beginRound(): { readonly closing: StatsSums; readonly through: number } {
		this.#closing = this.#current;
		this.#current = new StatsSums(this.#projectOf);
		return { closing: this.#closing, through: this.#lastSeq };
	}

	#countOpen(changes: readonly MinuteChanges[]): void {
		for (const { webhooks } of changes) {
			for (const [, counts] of webhooks) {
				this.#open.Pending += counts[COUNTER_COUNT + STATUS_CODES.Pending] ?? 0;
				this.#open.Held += counts[COUNTER_COUNT + STATUS_CODES.Held] ?? 0;
			}
		}
	}
}

const SUM_OPEN = `
	SELECT coalesce(sum(pending), 0) AS pending, coalesce(sum(held), 0) AS held
	FROM status_counts JOIN projects ON projects.id = status_counts.owner
`;
const SELECT_STATE = `
	SELECT through, max(through, (SELECT coalesce(max(seq), 0) FROM figures_journal)) AS last_seq FROM figures_state
`;

function createWrite(db: DatabaseSync): (seq: number, changes: readonly MinuteChanges[]) => void {
	const insert = db.prepare("INSERT INTO figures_journal (seq, changes) VALUES (?, ?)");
	return (seq, changes) => {
		insert.run(seq, JSON.stringify(changes));
	};
}

/** Finds the project of a webhook. A webhook never changes its project, so each is read once. */
function createProjectOf(db: DatabaseSync): (webhook: string) => string | null {
	const select = db.prepare("SELECT lower(hex(project_id)) AS hex FROM webhooks WHERE id = ?");
	const known = new Map<string, string>();
	return (webhook) => {
		const project = known.get(webhook);
		if (project !== undefined) return project;
		const row = select.get(Buffer.from(webhook, "hex"));
		if (row === undefined) return null;
		const found = hexOf(row);
		known.set(webhook, found);
		return found;
	};
}

function merged(
	some: ReadonlyMap<number, PeriodStats>,
	more: ReadonlyMap<number, PeriodStats>,
): ReadonlyMap<number, PeriodStats> {
	if (some.size === 0) return more;
	const sums = new Map<number, PeriodStats>();
	for (const [minute, stats] of [...some, ...more]) {
		const sum = sums.get(minute) ?? emptyStats();
		addStats(sum, stats);
		sums.set(minute, sum);
	}
	return sums;
}
