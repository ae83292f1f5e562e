// Sends notes to other members: those that come at about the same time go in one row.
import type { Clock } from "../../../core/clock.ts";
import { SharedRuns } from "../../../core/concurrency/shared-runs.ts";
import type { Signals } from "../../../ports/signals.ts";
import type { Database } from "../connection/database.ts";
import type { Answers } from "./answers.ts";
import { CHANGE_MS } from "./confirmations.ts";
import { deleteDone, takeBack, writeNotes, writeNotesForOthers, type Note } from "./notes.ts";
import { OpenNotes } from "./open-notes.ts";

/** Notes wait this long for others. */
const GATHER_MS = 5;
/** Notes in one row. */
const MAX_NOTES = 1_000;
/** After this time, it is tried again to write what could not be written. */
const WRITE_AGAIN_MS = 50;
/** How long a note to one member may take, unless something else is said. */
export const TELL_MS = 1_000;

interface NoteSenderParts {
	readonly database: Database;
	readonly clock: Pick<Clock, "monotonicMs" | "after">;
	/** The id of this process among the members; null if it has no tenure. */
	readonly member: () => string | null;
	/** See `WireParts`. */
	readonly isSilent: (member: string) => boolean;
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
	readonly #open: OpenNotes;
	/** Rows for others for which nobody waits any more. */
	#over: number[] = [];
	readonly #deletions = new SharedRuns();

	constructor(parts: NoteSenderParts) {
		this.#parts = parts;
		this.#open = new OpenNotes(parts);
	}

	/**
	 * Tells a member something. Resolves with true when it has acted upon it, and with false if it has not within the time for it. Never
	 * rejects.
	 */
	tell(to: string, note: Note): Promise<boolean> {
		return this.#gather(to, note);
	}

	/**
	 * Tells all others. Resolves with true when each of them has acted upon it or has lost its tenure; or `CHANGE_MS` after it was written:
	 * whoever has not read it by then begins no attempt before it has. Resolves with false if it could not be written for `CHANGE_MS`. Never
	 * rejects.
	 */
	tellAll(note: Note): Promise<boolean> {
		return this.#gather(null, note);
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
		const { clock, database, signals, tellMs } = this.#parts;
		const endAt = clock.monotonicMs() + tellMs;
		try {
			const ids = await writeNotes(database, to, notes);
			signals.send("look");
			await this.#open.closed(ids, endAt);
			return await takeBack(database, ids);
		} catch {
			return false;
		}
	}

	async #sendToOthers(notes: readonly Note[]): Promise<boolean> {
		const ids = await this.#writeForOthers(notes);
		if (ids === null) return false;
		if (ids.length === 0) return true;
		const { clock, signals } = this.#parts;
		signals.send("look");
		await this.#open.closed(ids, clock.monotonicMs() + CHANGE_MS);
		// Who can't read it now must find it later, before it begins the next attempt. So only what has been acted upon is deleted.
		this.#over.push(...ids);
		await this.#deletions.run("done", () => this.#deleteDone()).catch(() => {});
		return true;
	}

	/** The numbers of the rows; null if they could not be written for `CHANGE_MS`. */
	async #writeForOthers(notes: readonly Note[]): Promise<readonly number[] | null> {
		const { clock, database, member } = this.#parts;
		const endAt = clock.monotonicMs() + CHANGE_MS;
		for (;;) {
			try {
				return await writeNotesForOthers(database, member(), notes);
			} catch {
				// Until then, others can't read the note either.
			}
			if (clock.monotonicMs() >= endAt) return null;
			await this.#pause(WRITE_AGAIN_MS);
		}
	}

	async #deleteDone(): Promise<void> {
		await deleteDone(this.#parts.database, this.#over.splice(0));
	}

	#pause(ms: number): Promise<void> {
		return new Promise((resolve) => void this.#parts.clock.after(ms, resolve));
	}
}
