// The idempotency keys of the former table, by their events.
import type { DatabaseSync } from "node:sqlite";

import { bytes, number, text } from "../../codec/rows.ts";

/**
 * Finds the key that an event was sent with. The former table has an index by date only, and a key has the date of its event: so the
 * keys of one date are read together, and kept until another date is asked for.
 */
export class FormerKeys {
	readonly #read: (date: number) => Map<string, string>;
	/** Keys are deleted after about a day, so most events have none. */
	readonly #firstDate: number;
	#date = -1;
	#keys = new Map<string, string>();

	constructor(db: DatabaseSync) {
		const select = db.prepare("SELECT event_id, key FROM former_idempotency_keys WHERE create_date = ?");
		this.#read = (date) => new Map(select.all(date).map((row) => [nameOf(bytes(row["event_id"])), text(row["key"])]));
		const first = db.prepare("SELECT min(create_date) AS first FROM former_idempotency_keys").get()?.["first"] ?? null;
		this.#firstDate = first === null ? Infinity : number(first);
	}

	/** Null if there is no key, or no more. */
	keyOf(eventId: Uint8Array, eventDate: number): string | null {
		if (eventDate < this.#firstDate) return null;
		if (eventDate !== this.#date) {
			this.#keys = this.#read(eventDate);
			this.#date = eventDate;
		}
		return this.#keys.get(nameOf(eventId)) ?? null;
	}
}

function nameOf(id: Uint8Array): string {
	return Buffer.from(id).toString("latin1");
}
