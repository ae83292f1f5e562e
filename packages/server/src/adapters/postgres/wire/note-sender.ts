// Sends notes to other members: those that come at about the same time go in one row.
import type { Clock } from "../../../core/clock.ts";
import type { Signals } from "../../../ports/signals.ts";
import type { Database } from "../connection/database.ts";
import type { Answers } from "./answers.ts";
import { areClosed, takeBack, writeNotes, writeNotesForOthers, type Note } from "./notes.ts";

/** Notes wait this long for others. */
const GATHER_MS = 5;
/** Notes in one row. */
const MAX_NOTES = 1_000;
/** How often it is looked whether they were acted upon. */
const ANSWER_MS = 50;
/** How long a note may take, unless something else is said. */
export const TELL_MS = 1_000;

interface NoteSenderParts {
	readonly database: Database;
	readonly clock: Pick<Clock, "monotonicMs" | "after">;
	/** The id of this process among the members; null if it has no tenure. */
	readonly member: () => string | null;
	readonly signals: Pick<Signals, "send">;
	readonly answers: Answers;
	/** How long a note may take. */
	readonly tellMs: number;
}

/** A row that is not written yet. */
interface Batch {
	readonly notes: Note[];
	readonly isDone: Promise<boolean>;
}

export class NoteSender {
	readonly #parts: NoteSenderParts;
	/** By member; null: all others. */
	readonly #gathering = new Map<string | null, Batch>();

	constructor(parts: NoteSenderParts) {
		this.#parts = parts;
	}

	/**
	 * Tells a member something, or all others. Resolves with true when they have acted upon it, and with false if they have not within
	 * the time for it. Never rejects.
	 */
	tell(to: string | null, note: Note): Promise<boolean> {
		const known = this.#gathering.get(to);
		if (known !== undefined && known.notes.length < MAX_NOTES) {
			known.notes.push(note);
			return known.isDone;
		}
		const notes = [note];
		const isDone = this.#send(to, notes);
		this.#gathering.set(to, { notes, isDone });
		return isDone;
	}

	async #send(to: string | null, notes: readonly Note[]): Promise<boolean> {
		const { clock, database, member, signals, answers, tellMs } = this.#parts;
		await this.#pause(GATHER_MS);
		if (this.#gathering.get(to)?.notes === notes) this.#gathering.delete(to);
		const endAt = clock.monotonicMs() + tellMs;
		try {
			const ids = await (to === null
				? writeNotesForOthers(database, member(), notes)
				: writeNotes(database, to, notes));
			if (ids.length === 0) return true;
			signals.send("look");
			while (clock.monotonicMs() < endAt && !(await areClosed(database, ids))) await answers.next(ANSWER_MS);
			return await takeBack(database, ids);
		} catch {
			return false;
		}
	}

	#pause(ms: number): Promise<void> {
		return new Promise((resolve) => void this.#parts.clock.after(ms, resolve));
	}
}
