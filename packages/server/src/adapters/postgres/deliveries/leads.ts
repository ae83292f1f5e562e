// How far ids were ever ahead of dates, and numbers of changes ahead of the times of changes, as after a clock was set back. A search by a
// range of dates reads a range of keys that is wider by that much, and then checks the dates.
import { number, type Row } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Database } from "../connection/database.ts";
import type { Session } from "../connection/session.ts";

/** In milliseconds, and in numbers of changes. */
export interface Lead {
	readonly idMs: number;
	readonly changes: number;
}

const NONE: Lead = { idMs: 0, changes: 0 };
/** It is noted in steps, so that a clock that was set back far is seldom written: a minute, in both units. */
const STEP: Lead = { idMs: 60_000, changes: 60_000 * 64 };

const SELECT = statement("SELECT id_ms, changes FROM leads");
/** Changes nothing if more is stored. */
const RAISE = statement(`
	INSERT INTO leads (one, id_ms, changes) VALUES (1, $1, $2)
	ON CONFLICT (one) DO UPDATE SET id_ms = greatest(leads.id_ms, $1), changes = greatest(leads.changes, $2)
	WHERE leads.id_ms < $1 OR leads.changes < $2
`);

/** What is stored. */
export async function readLead(session: Session): Promise<Lead> {
	const [row] = await session.run(SELECT);
	return toLead(row);
}

function toLead(row: Row | undefined): Lead {
	return row === undefined ? NONE : { idMs: number(row["id_ms"]), changes: number(row["changes"]) };
}

/** What this process knows to be stored. */
export class Leads {
	#stored: Lead;

	private constructor(stored: Lead) {
		this.#stored = stored;
	}

	static async open(database: Database): Promise<Leads> {
		return new Leads(await database.read(readLead));
	}

	/** Sends the statement that stores a lead of this transaction, unless it is known to be stored. Its failure is that of the transaction. */
	note(session: Session, lead: Lead): void {
		if (lead.idMs <= this.#stored.idMs && lead.changes <= this.#stored.changes) return;
		this.#raise(session, lead).catch(() => {});
	}

	/** If this raises what is stored, the transaction may still be undone: the next one that has such a lead finds out. */
	async #raise(session: Session, { idMs, changes }: Lead): Promise<void> {
		const wanted = [idMs === 0 ? 0 : idMs + STEP.idMs, changes === 0 ? 0 : changes + STEP.changes];
		if ((await session.change(RAISE, wanted)) > 0) return;
		this.#stored = { idMs: Math.max(this.#stored.idMs, idMs), changes: Math.max(this.#stored.changes, changes) };
	}
}
