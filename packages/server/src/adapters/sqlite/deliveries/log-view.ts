// What the log's calls must know beside the rows that they read: in the store's thread from memory, in a reader from its snapshot.
import type { DatabaseSync } from "node:sqlite";

import type { DeliveryState } from "../../../core/delivery.ts";
import { toOpenState } from "../codec/delivery-rows.ts";
import { idBytes } from "../codec/ids.ts";
import { number } from "../codec/rows.ts";
import { Blocks, createFindDelivery } from "./blocks.ts";
import { Numbers } from "./numbers.ts";
import { PulledIn } from "./pulled-in.ts";

/** Rows above these numbers are not in the indexes of open rows, and in that of full rows by webhook. */
export interface Marks {
	readonly open: number;
	readonly full: number;
}

/** The numbers of a delivery, its project and its webhook. */
export interface Located {
	readonly seq: number;
	readonly project: number;
	readonly webhook: number;
}

/** What belongs to the rows of one snapshot. */
export interface LogView {
	readonly numbers: Numbers;
	readonly marks: Marks;
	/** By how much ids have ever been ahead of dates, in milliseconds: see `IdLead`. */
	readonly leadMs: number;
	/** The state of a delivery in `open`. `eventDate` is the date of its event. A reader knows of no lease. */
	openState(webhook: number, seq: number, eventDate: number): DeliveryState;
	/** The delivery with this id; null if there is none. */
	locate(deliveryId: string): Located | null;
}

/** Webhooks and projects that a reader remembers: it reads them again when there are more. */
const MAX_REMEMBERED = 10_000;

/**
 * The view of a connection that only reads. The marks and the lead are read when a call of a snapshot first needs them, so that they
 * belong to it. `begin` must be called first in each snapshot.
 */
export class SnapshotView implements LogView {
	readonly numbers: Numbers;
	/** Told by the store's thread, which alone knows it. */
	readonly pulledIn = new PulledIn();
	readonly locate: (deliveryId: string) => Located | null;
	readonly #readMarks: () => Marks;
	readonly #readLead: () => number;
	#marks: Marks | null = null;
	#leadMs: number | null = null;

	constructor(db: DatabaseSync) {
		this.numbers = new Numbers(db, MAX_REMEMBERED);
		this.locate = createLocate(db);
		this.#readMarks = createReadMarks(db);
		const selectLead = db.prepare("SELECT ms FROM id_lead");
		this.#readLead = () => number(selectLead.get()?.["ms"]);
	}

	/** A snapshot begins. */
	begin(): void {
		this.#marks = null;
		this.#leadMs = null;
	}

	get marks(): Marks {
		return (this.#marks ??= this.#readMarks());
	}

	get leadMs(): number {
		return (this.#leadMs ??= this.#readLead());
	}

	openState(webhook: number, seq: number, eventDate: number): DeliveryState {
		return toOpenState(this.pulledIn.dueAt(webhook, seq, eventDate), null);
	}
}

/**
 * Prepares the reading of the marks: the last rows that are listed. They are not far from the ends of their tables, since the rows
 * after them are few (see `Listing`).
 */
function createReadMarks(db: DatabaseSync): () => Marks {
	const last = (table: "open" | "deliveries") =>
		db.prepare(`SELECT seq FROM ${table} NOT INDEXED WHERE listed = 1 ORDER BY seq DESC LIMIT 1`);
	const [open, full] = [last("open"), last("deliveries")];
	const markOf = (select: typeof open): number => {
		const row = select.get();
		return row === undefined ? 0 : number(row["seq"]);
	};
	return () => ({ open: markOf(open), full: markOf(full) });
}

function createLocate(db: DatabaseSync): (deliveryId: string) => Located | null {
	const find = createFindDelivery(db, new Blocks(db));
	const selectOpen = db.prepare("SELECT project, webhook FROM open WHERE seq = ?");
	// A row with an id of its own has no other id, although the place in a block may suggest one.
	const selectFull = db.prepare(
		"SELECT project, webhook FROM deliveries WHERE seq = ? AND (own_id IS NULL OR own_id = ?)",
	);
	return (deliveryId) => {
		const place = find(deliveryId);
		if (place === null) return null;
		const row = selectOpen.get(place.seq) ?? selectFull.get(place.seq, idBytes("dlv", deliveryId));
		if (row === undefined) return null;
		return { seq: place.seq, project: number(row["project"]), webhook: number(row["webhook"]) };
	};
}
