// The figures: statistics, and how many deliveries are in each status. Every transaction that changes them writes one row into a
// journal; from there `stats-roll-up.ts` adds them to tables, a round at a time. Reading adds what is in memory to the tables.
//
// The journal since `through`, less what of it is in the tables already (`figures_done`), is what memory has, at each moment. It
// costs 3 of 44 µs a cycle, in batches of 64 over 100 webhooks; an upsert for each webhook instead took 3 µs more, and 20 µs more
// in commits of one.
import type { DatabaseSync } from "node:sqlite";

import { STATUS_CODES } from "../codec/rows.ts";
import type { Transact } from "../connection.ts";
import { COUNTER_COUNT, FigureChanges, type MinuteChanges } from "./stats-changes.ts";
import { hexOf, toFigureState, toMinuteChanges, toOpenCounts } from "./stats-rows.ts";
import { addFigure, emptyFigure, Tally, type Figure } from "./stats-sums.ts";

/** Right as long as every write of the database goes through this process, which the lock of the data directory ensures. */
export class Figures {
	readonly #transact: Transact;
	readonly #projectOf: (webhook: string) => string | null;
	readonly #write: (seq: number, changes: readonly MinuteChanges[]) => void;
	readonly #open: { Pending: number; Held: number };
	#lastSeq: number;
	/** What the round under way has still to add to the tables. */
	#closing: Tally;
	/** What came after it had begun. */
	#current: Tally;

	constructor(db: DatabaseSync, transact: Transact) {
		this.#transact = transact;
		this.#projectOf = createProjectOf(db);
		this.#write = createWrite(db);
		this.#closing = new Tally(this.#projectOf);
		this.#current = new Tally(this.#projectOf);
		this.#open = toOpenCounts(db.prepare(SUM_OPEN).get());
		const { through, lastSeq } = toFigureState(db.prepare(SELECT_STATE).get());
		this.#lastSeq = lastSeq;
		const journal = db.prepare("SELECT changes FROM figures_journal WHERE seq > ? ORDER BY seq");
		for (const row of journal.iterate(through)) this.#current.add(toMinuteChanges(row));
		const done = new Tally(this.#projectOf);
		for (const row of db.prepare("SELECT changes FROM figures_done").iterate()) done.add(toMinuteChanges(row));
		this.#current.subtract(done);
		this.#countOpen(this.#current.list());
	}

	/** How many deliveries are in each status that is not an end, in all. */
	readOpen(): Record<"Pending" | "Held", number> {
		return { ...this.#open };
	}

	/** What is in no table yet, of a webhook by minutes. */
	webhook(id: string): ReadonlyMap<number, Figure> {
		return merged(this.#closing.webhook(id), this.#current.webhook(id));
	}

	/** The same of a project. */
	project(id: string): ReadonlyMap<number, Figure> {
		return merged(this.#closing.project(id), this.#current.project(id));
	}

	/** Runs `work` in a transaction, of the given kind if one is given, and with it writes what it says about the figures. */
	transact<T>(work: (changes: FigureChanges) => T, transact = this.#transact): T {
		const changes = new FigureChanges();
		const seq = this.#lastSeq + 1;
		const result = transact(() => {
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

	/** Begins a round over all that has come so far; gives what it is about. */
	beginRound(): { readonly closing: Tally; readonly through: number } {
		this.#closing = this.#current;
		this.#current = new Tally(this.#projectOf);
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

/** A webhook never changes its project, so each is looked up once. */
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

function merged(some: ReadonlyMap<number, Figure>, more: ReadonlyMap<number, Figure>): ReadonlyMap<number, Figure> {
	if (some.size === 0) return more;
	const sums = new Map<number, Figure>();
	for (const [minute, figure] of [...some, ...more]) {
		const sum = sums.get(minute) ?? emptyFigure();
		addFigure(sum, figure);
		sums.set(minute, sum);
	}
	return sums;
}
