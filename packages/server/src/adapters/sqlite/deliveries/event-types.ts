// The types of events, as their deliveries have them in their rows.
import type { DatabaseSync } from "node:sqlite";

import { typeHash } from "../codec/delivery-rows.ts";
import { text, type Row } from "../codec/rows.ts";
import type { TransactionMemory } from "../connection.ts";

/** Remembers one event, since the deliveries of an event come one after the other. */
export class EventTypes implements TransactionMemory {
	readonly #select: (event: number) => Row | undefined;
	#event: number | null = null;
	/** Null: it is not computed yet. */
	#hash: number | null = null;
	#type = "";

	constructor(db: DatabaseSync) {
		const select = db.prepare("SELECT type FROM events WHERE seq = ?");
		this.#select = (event) => select.get(event);
	}

	/** An event of this type is being stored: its row need not be there yet. */
	stored(event: number, type: string): void {
		this.#event = event;
		this.#type = type;
		this.#hash = null;
	}

	/** What stands for the type of a stored event: see `typeHash`. */
	hashOf(event: number): number {
		if (event !== this.#event) this.stored(event, text(this.#select(event)?.["type"]));
		return (this.#hash ??= typeHash(this.#type));
	}

	commit(): void {}

	/** The number may be given to another event. */
	rollback(): void {
		this.#event = null;
	}
}
