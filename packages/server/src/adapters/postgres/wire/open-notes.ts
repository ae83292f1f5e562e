// Waits until other members have acted upon notes. However many wait, one question asks for all of them.
import type { Clock } from "../../../core/clock.ts";
import type { Database } from "../connection/database.ts";
import type { Answers } from "./answers.ts";
import { selectOpen } from "./notes.ts";

/** How often it is looked whether they were acted upon. */
const ANSWER_MS = 50;
/** Between the begins of two questions, however many signals and notes come: they share a connection with the looks of this process. */
const LEAST_MS = 10;

interface OpenNotesParts {
	readonly database: Database;
	readonly clock: Pick<Clock, "monotonicMs" | "after">;
	readonly answers: Answers;
	/** See `WireParts`. */
	readonly isSilent: (member: string) => boolean;
}

/** Somebody who waits for rows. */
interface Wait {
	/** Those that were still open when it was asked last. */
	ids: readonly number[];
	/** In monotonic time. */
	readonly endAt: number;
	readonly end: () => void;
}

/** States: idle ──closed──▶ asking ──nobody waits any more──▶ idle. */
export class OpenNotes {
	readonly #parts: OpenNotesParts;
	readonly #waits = new Set<Wait>();
	#isAsking = false;
	/** When the last question has begun, in monotonic time. */
	#askedAt = -Infinity;

	constructor(parts: OpenNotesParts) {
		this.#parts = parts;
	}

	/** Resolves when no member with a tenure is still to act upon these rows, or soon after `endAt`. Never rejects. */
	closed(ids: readonly number[], endAt: number): Promise<void> {
		return new Promise((end) => {
			this.#waits.add({ ids, endAt, end });
			if (!this.#isAsking) void this.#ask();
		});
	}

	async #ask(): Promise<void> {
		this.#isAsking = true;
		for (;;) {
			const restMs = this.#askedAt + LEAST_MS - this.#parts.clock.monotonicMs();
			if (restMs > 0) await this.#pause(restMs);
			await this.#askOnce();
			if (this.#waits.size === 0) break;
			await this.#parts.answers.next(ANSWER_MS);
		}
		this.#isAsking = false;
	}

	async #askOnce(): Promise<void> {
		const { clock, database, isSilent } = this.#parts;
		this.#askedAt = clock.monotonicMs();
		// Whoever comes while the question is under way is part of the next one.
		const waits = [...this.#waits];
		let open: ReadonlySet<number> | null;
		try {
			open = await selectOpen(
				database,
				waits.flatMap(({ ids }) => ids),
				isSilent,
			);
		} catch {
			// It is asked again: while the database can't be reached, others can't read the notes either.
			open = null;
		}
		const now = clock.monotonicMs();
		for (const wait of waits) {
			if (open !== null) wait.ids = wait.ids.filter((id) => open.has(id));
			if (wait.ids.length > 0 && now < wait.endAt) continue;
			this.#waits.delete(wait);
			wait.end();
		}
	}

	#pause(ms: number): Promise<void> {
		return new Promise((resolve) => void this.#parts.clock.after(ms, resolve));
	}
}
