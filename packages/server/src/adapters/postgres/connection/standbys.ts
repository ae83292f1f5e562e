// Whether what is acknowledged survives the loss of the database's machine: that takes a standby that each commit waits for.
import type { Clock } from "../../../core/clock.ts";
import { text } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Database } from "./database.ts";

/** A setting that anybody may read. With names in it, each commit waits for a standby, also if none is there. */
const SELECT_SETTINGS = statement(`
	SELECT current_setting('synchronous_standby_names') AS names, current_setting('synchronous_commit') AS waits_for
`);
const READ_AGAIN_MS = 60_000;

/** What the database waits for before it acknowledges a commit. */
export type Durability = "standby" | "own disk";

/** Knows what commits wait for: read once at the start, and then every minute. */
export class StandbyWatch {
	readonly #database: Pick<Database, "read">;
	readonly #clock: Pick<Clock, "after">;
	readonly #changed: (durability: Durability) => void;
	#durability: Durability | null = null;
	#cancel = () => {};
	#isClosed = false;

	/** `changed` is told the first answer, and each one that differs from the one before. */
	constructor(
		database: Pick<Database, "read">,
		clock: Pick<Clock, "after">,
		changed: (durability: Durability) => void,
	) {
		this.#database = database;
		this.#clock = clock;
		this.#changed = changed;
	}

	/** The last answer; null before the first. */
	get durability(): Durability | null {
		return this.#durability;
	}

	/** Reads, and goes on reading until `close`. Rejects if the first read fails; later ones that fail change nothing. */
	async start(): Promise<void> {
		await this.#read();
		this.#schedule();
	}

	close(): void {
		this.#isClosed = true;
		this.#cancel();
	}

	#schedule(): void {
		if (this.#isClosed) return;
		const again = () => {
			this.#read()
				.catch(() => {})
				.finally(() => this.#schedule());
		};
		this.#cancel = this.#clock.after(READ_AGAIN_MS, again);
	}

	async #read(): Promise<void> {
		const [row] = await this.#database.read((session) => session.run(SELECT_SETTINGS));
		const waits = text(row?.["waits_for"]);
		const durability = text(row?.["names"]).trim() === "" || waits === "local" ? "own disk" : "standby";
		if (durability === this.#durability || this.#isClosed) return;
		this.#durability = durability;
		this.#changed(durability);
	}
}
