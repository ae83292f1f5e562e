// Waits until the other members have read what was changed. However many wait, one question asks for all of them.
import type { Clock } from "../../../core/clock.ts";
import { SharedRuns } from "../../../core/concurrency/shared-runs.ts";
import type { Signals } from "../../../ports/signals.ts";
import type { Database } from "../connection/database.ts";
import type { Answers } from "./answers.ts";
import { readByOthers, takeNumber } from "./changes.ts";

/** How often it is looked whether others have confirmed. */
const ANSWER_MS = 50;
/** A member that has not read a change or a note by then has lost its tenure, or answers no calls and begins no attempts: see `isCurrent` of the wire. */
export const CHANGE_MS = 5_000;

interface ConfirmationParts {
	readonly database: Database;
	readonly clock: Pick<Clock, "monotonicMs">;
	/** The id of this process among the members; null if it has no tenure. */
	readonly member: () => string | null;
	/** See `WireParts`. */
	readonly isSilent: (member: string) => boolean;
	readonly signals: Signals;
	readonly answers: Answers;
}

export class Confirmations {
	readonly #parts: ConfirmationParts;
	/** What is asked of the database. It has one connection for this, which the looks need too. */
	readonly #asked = new SharedRuns<number>();

	constructor(parts: ConfirmationParts) {
		this.#parts = parts;
	}

	/**
	 * Resolves when `own` has, which is tried again if it rejects, and when all others have read what was committed before the call; or
	 * when `CHANGE_MS` are over. Never rejects.
	 */
	async haveRead(own = (): Promise<void> => Promise.resolve()): Promise<void> {
		const { clock, answers } = this.#parts;
		const endAt = clock.monotonicMs() + CHANGE_MS;
		let number: number | null = null;
		for (;;) {
			try {
				if (number === null) await own();
				number ??= await this.#asked.run("number", () => this.#takeNumber());
				if ((await this.#asked.run("read", () => this.#readByOthers())) >= number) return;
			} catch {
				// Others can't read the change either while the database can't be reached.
			}
			if (clock.monotonicMs() >= endAt) return;
			await answers.next(ANSWER_MS);
		}
	}

	async #takeNumber(): Promise<number> {
		const number = await takeNumber(this.#parts.database);
		this.#parts.signals.send("look");
		return number;
	}

	#readByOthers(): Promise<number> {
		const { database, member, isSilent } = this.#parts;
		return readByOthers(database, member(), isSilent);
	}
}
