// Blocks: an event takes a number, and its deliveries take the numbers after it. Their ids follow the event's in the same way,
// so that a delivery is found by the id of its event.
import type { DatabaseSync } from "node:sqlite";

import { idBytes } from "../codec/ids.ts";
import { number, rowId, type Row } from "../codec/rows.ts";
import type { TransactionMemory } from "../connection.ts";

/** The event of a delivery, with its number, and the delivery's number. */
export interface Place {
	readonly seq: number;
	readonly event: number;
	/** The `createDate` of the event. */
	readonly eventDate: number;
}

const TIME_BYTES = 6;
const RANDOM_AT = 12;

/** An event that was found or stored lately. */
interface Block {
	readonly id: Uint8Array;
	readonly event: number;
	readonly eventDate: number;
	readonly count: number;
}

/** Events that are remembered, by random bits of their ids: about 150 bytes each. */
const REMEMBERED = 4_096;

/**
 * Finds the deliveries of blocks by their ids. Events that were stored lately are remembered, since the outcomes of their deliveries
 * come soon: that takes a tenth of a look into the index. A number never changes its meaning while the process lives, so what is
 * remembered of an event that is deleted, or was not committed, leads to a number without a row.
 */
export class Blocks {
	readonly #lately = Array.from<Block | undefined>({ length: REMEMBERED });
	readonly #select: (id: Uint8Array) => Row | undefined;

	constructor(db: DatabaseSync) {
		const select = db.prepare(`
			SELECT seq, id, create_date, delivery_count FROM events INDEXED BY events_by_id WHERE id <= ? ORDER BY id DESC LIMIT 1
		`);
		this.#select = (id) => select.get(id);
	}

	/** The event is being stored. */
	stored(id: Uint8Array, event: number, eventDate: number, count: number): void {
		this.#lately[slotOf(id)] = { id, event, eventDate, count };
	}

	/** The place of a delivery; null if no block has the id. The delivery itself may be deleted. */
	find(deliveryId: Uint8Array): Place | null {
		const known = this.#lately[slotOf(deliveryId)];
		const found = known === undefined ? null : placeIn(known, deliveryId);
		if (found !== null) return found;
		const row = this.#select(deliveryId);
		if (row === undefined) return null;
		const [id, count] = [rowId(row), number(row["delivery_count"])];
		return placeIn({ id, event: number(row["seq"]), eventDate: number(row["create_date"]), count }, deliveryId);
	}
}

/** The ids of an event and of its deliveries end in the same random bits. */
function slotOf(id: Uint8Array): number {
	return (((id[14] ?? 0) << 8) | (id[15] ?? 0)) % REMEMBERED;
}

function placeIn({ id, event, eventDate, count }: Block, deliveryId: Uint8Array): Place | null {
	const offset = placeInBlock(deliveryId, id);
	return offset === null || offset < 1 || offset > count ? null : { seq: event + offset, event, eventDate };
}

/** How far an id is from the id of an event, if it may be in its block: 0 for the event, 1 for its first delivery. */
export function placeInBlock(id: Uint8Array, eventId: Uint8Array): number | null {
	if (!isSame(id, eventId, 0, TIME_BYTES) || !isSame(id, eventId, RANDOM_AT, eventId.length)) return null;
	return counterOf(id) - counterOf(eventId);
}

function isSame(a: Uint8Array, b: Uint8Array, from: number, to: number): boolean {
	for (let at = from; at < to; at++) if (a[at] !== b[at]) return false;
	return a.length === b.length;
}

/** The counter of a UUIDv7: 12 bits after the version, and 30 after the variant. */
function counterOf(id: Uint8Array): number {
	const byte = (at: number) => id[at] ?? 0;
	const high = ((byte(6) & 0x0f) << 8) | byte(7);
	return high * 2 ** 30 + (byte(8) & 0x3f) * 2 ** 24 + ((byte(9) << 16) | (byte(10) << 8) | byte(11));
}

/** Prepares the exact search for a delivery by its id, in blocks and among those with ids of their own; null if there is none. */
export function createFindDelivery(db: DatabaseSync, blocks: Blocks): (deliveryId: string) => Place | null {
	const selectOwn = db.prepare(`
		SELECT delivery.seq, event, event.create_date AS event_date
		FROM deliveries delivery INDEXED BY deliveries_by_own_id JOIN events event ON event.seq = delivery.event
		WHERE own_id = ?
	`);
	return (deliveryId) => {
		const id = idBytes("dlv", deliveryId);
		const found = blocks.find(id);
		if (found !== null) return found;
		const row = selectOwn.get(id);
		if (row === undefined) return null;
		return { seq: number(row["seq"]), event: number(row["event"]), eventDate: number(row["event_date"]) };
	};
}

/**
 * Gives numbers to events and deliveries, always above all that were ever stored: an idempotency key, a replay's place and a cursor
 * outlive what they name. Those of a transaction that fails are lost.
 */
export class Sequence {
	readonly #keep: (last: number) => void;
	#last: number;

	constructor(db: DatabaseSync) {
		const keep = db.prepare("UPDATE given_numbers SET log = ?");
		this.#keep = (last) => void keep.run(last);
		const row = db
			.prepare(`
				SELECT max(
					coalesce((SELECT seq + delivery_count FROM events ORDER BY seq DESC LIMIT 1), 0),
					coalesce((SELECT seq FROM deliveries ORDER BY seq DESC LIMIT 1), 0),
					(SELECT log FROM given_numbers)
				) AS last
			`)
			.get();
		this.#last = number(row?.["last"]);
	}

	/** The highest number so far; 0 at the beginning. */
	get last(): number {
		return this.#last;
	}

	/** The first of `count` new numbers in a row. */
	take(count: number): number {
		const first = this.#last + 1;
		this.#last += count;
		return first;
	}

	/** Writes down the highest number. Every transaction that deletes events or deliveries must, since no row may tell it any more. */
	keep(): void {
		this.#keep(this.#last);
	}
}

/**
 * By how much ids have ever been ahead of the dates beside them, which happens when an earlier process had a clock that was
 * ahead. Ids are in order all the same; so a range of dates is a range of ids that is longer by this much.
 */
export class IdLead implements TransactionMemory {
	readonly #write: (ms: number) => void;
	#ms: number;
	#staged: number | null = null;

	constructor(db: DatabaseSync) {
		const write = db.prepare("UPDATE id_lead SET ms = ?");
		this.#write = (ms) => void write.run(ms);
		this.#ms = number(db.prepare("SELECT ms FROM id_lead").get()?.["ms"]);
	}

	get ms(): number {
		return this.#staged ?? this.#ms;
	}

	/** Call it for each row with an id, in the transaction that inserts it. */
	note(idTime: number, date: number): void {
		if (idTime - date <= this.ms) return;
		this.#staged = idTime - date;
		this.#write(this.#staged);
	}

	commit(): void {
		this.#ms = this.ms;
		this.#staged = null;
	}

	rollback(): void {
		this.#staged = null;
	}
}
