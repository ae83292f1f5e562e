// Knows what the database says of itself, without asking it often: above all, whether what is acknowledged survives the loss of its machine,
// which takes a standby that each commit waits for.
import type { Clock } from "../../../core/clock.ts";
import { UNREACHABLE, type DatabaseFacts } from "../../../ports/database.ts";
import { StoreError } from "../../../ports/store/errors.ts";
import { readFacts } from "./database-facts.ts";
import type { Database } from "./database.ts";
import { isBusy } from "./errors.ts";

const READ_AGAIN_MS = 60_000;
/** Whoever asks gets what is at most as old as this. */
const FRESH_MS = 4_000;

/** What the database waits for before it acknowledges a commit. */
export type Durability = NonNullable<DatabaseFacts["commitsWaitFor"]>;

/** Reads at the start, then every minute, and when somebody asks; never twice within `FRESH_MS`, however many ask. */
export class DatabaseWatch {
	readonly #database: Pick<Database, "read">;
	readonly #clock: Pick<Clock, "after" | "monotonicMs">;
	readonly #changed: (durability: Durability) => void;
	#durability: Durability | null = null;
	#last: DatabaseFacts = UNREACHABLE;
	/** When `#last` was read, in monotonic time. */
	#readAt = -Infinity;
	#reading: Promise<DatabaseFacts> | null = null;
	#cancel = () => {};
	#isClosed = false;

	/** `changed` is told the first answer of what commits wait for, and each one that differs from the one before. */
	constructor(
		database: Pick<Database, "read">,
		clock: Pick<Clock, "after" | "monotonicMs">,
		changed: (durability: Durability) => void,
	) {
		this.#database = database;
		this.#clock = clock;
		this.#changed = changed;
	}

	/** What commits wait for, as the database has said last; null before the first answer. */
	get durability(): Durability | null {
		return this.#durability;
	}

	/** What was read last, at most a minute ago. */
	get last(): DatabaseFacts {
		return this.#last;
	}

	/** Reads, and goes on reading until `close`. Rejects if the first read fails. */
	async start(): Promise<void> {
		await this.#read();
		this.#schedule();
	}

	/** What the database says now, or has said in the last seconds. `UNREACHABLE` if it does not answer. */
	facts(): Promise<DatabaseFacts> {
		if (this.#clock.monotonicMs() - this.#readAt < FRESH_MS) return Promise.resolve(this.#last);
		this.#reading ??= this.#tryToRead().finally(() => (this.#reading = null));
		return this.#reading;
	}

	close(): void {
		this.#isClosed = true;
		this.#cancel();
	}

	#schedule(): void {
		if (this.#isClosed) return;
		const again = () => {
			this.#tryToRead()
				.catch(() => {})
				.finally(() => this.#schedule());
		};
		this.#cancel = this.#clock.after(READ_AGAIN_MS, again);
	}

	async #tryToRead(): Promise<DatabaseFacts> {
		try {
			await this.#read();
		} catch (error) {
			if (!(error instanceof StoreError)) throw error;
			// It is not away if others use all of its connections: what it has said last holds a moment longer.
			if (!isBusy(error.cause) || this.#last === UNREACHABLE) this.#know(UNREACHABLE);
		}
		return this.#last;
	}

	async #read(): Promise<void> {
		const facts = await readFacts(this.#database);
		this.#know(facts);
		const { commitsWaitFor } = facts;
		if (commitsWaitFor === null || commitsWaitFor === this.#durability || this.#isClosed) return;
		this.#durability = commitsWaitFor;
		this.#changed(commitsWaitFor);
	}

	#know(facts: DatabaseFacts): void {
		this.#last = facts;
		this.#readAt = this.#clock.monotonicMs();
	}
}
