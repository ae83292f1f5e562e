// Sends notes to other members: those that come at about the same time go in one row.
import type { Clock } from "../../../core/clock.ts";
import type { Signals } from "../../../ports/signals.ts";
import type { Database } from "../connection/database.ts";
import type { Answers } from "./answers.ts";
import { CHANGE_MS } from "./confirmations.ts";
import { areClosed, deleteDone, takeBack, writeNotes, writeNotesForOthers, type Note } from "./notes.ts";

/** Notes wait this long for others. */
const GATHER_MS = 5;
/** Notes in one row. */
const MAX_NOTES = 1_000;
/** How often it is looked whether they were acted upon. */
const ANSWER_MS = 50;
/** How long a note to one member may take, unless something else is said. */
export const TELL_MS = 1_000;

interface NoteSenderParts {
	readonly database: Database;
	readonly clock: Pick<Clock, "monotonicMs" | "after">;
	/** The id of this process among the members; null if it has no tenure. */
	readonly member: () => string | null;
	readonly signals: Pick<Signals, "send">;
	readonly answers: Answers;
	/** How long a note to one member may take. */
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
	 * Tells a member something. Resolves with true when it has acted upon it, and with false if it has not within the time for it. Never
	 * rejects.
	 */
	tell(to: string, note: Note): Promise<boolean> {
		return this.#gather(to, note);
	}

	/**
	 * Tells all others. Resolves when each of them has acted upon it or has lost its tenure; or `CHANGE_MS` after it was written: whoever has
	 * not read it by then begins no attempt before it has. Or if it could not be written for `CHANGE_MS`. Never rejects.
	 */
	async tellAll(note: Note): Promise<void> {
		await this.#gather(null, note);
	}

	#gather(to: string | null, note: Note): Promise<boolean> {
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
		await this.#pause(GATHER_MS);
		if (this.#gathering.get(to)?.notes === notes) this.#gathering.delete(to);
		return to === null ? this.#sendToOthers(notes) : this.#sendTo(to, notes);
	}

	async #sendTo(to: string, notes: readonly Note[]): Promise<boolean> {
		const { clock, database, signals, answers, tellMs } = this.#parts;
		const endAt = clock.monotonicMs() + tellMs;
		try {
			const ids = await writeNotes(database, to, notes);
			signals.send("look");
			while (clock.monotonicMs() < endAt && !(await areClosed(database, ids))) await answers.next(ANSWER_MS);
			return await takeBack(database, ids);
		} catch {
			return false;
		}
	}

	async #sendToOthers(notes: readonly Note[]): Promise<boolean> {
		const { clock, database, member, signals, answers } = this.#parts;
		let endAt = clock.monotonicMs() + CHANGE_MS;
		let ids: readonly number[] | null = null;
		for (;;) {
			try {
				if (ids === null) {
					ids = await writeNotesForOthers(database, member(), notes);
					if (ids.length === 0) return true;
					signals.send("look");
					endAt = clock.monotonicMs() + CHANGE_MS;
				}
				if (await areClosed(database, ids)) break;
			} catch {
				// It is tried again: until then, others can't read the note either.
			}
			if (clock.monotonicMs() >= endAt) break;
			await answers.next(ANSWER_MS);
		}
		// Who can't read it now must find it later, before it begins the next attempt. So only what has been acted upon is deleted.
		if (ids !== null) await deleteDone(database, ids).catch(() => {});
		return true;
	}

	#pause(ms: number): Promise<void> {
		return new Promise((resolve) => void this.#parts.clock.after(ms, resolve));
	}
}
