// Pages of lists, newest row first, and cursors that stay correct while rows are added and deleted.
import { FanfareError } from "./errors.ts";
import { isId } from "./ids.ts";

/** Where a page starts: next to a row, on its older or its newer side. The row itself may be deleted by now. */
export interface Cursor {
	readonly direction: "older" | "newer";
	/** The id of the row; for event types, its name; for customers, their own id; for attempts, its number; in the order of changes, its position. */
	readonly id: string;
}

/** Asks for up to `limit` rows on one side of a cursor, or for the newest rows if the cursor is null. */
export interface PageRequest {
	readonly limit: number;
	readonly cursor: Cursor | null;
}

/** Rows, newest first, and whether the list has newer and older rows that match. */
export interface Page<T> {
	readonly rows: readonly T[];
	readonly hasNewer: boolean;
	readonly hasOlder: boolean;
	/**
	 * Where the search ended before the page was full, because few rows match and looking at all others would take too long. The
	 * page after this one (or before it, if the request asked for newer rows) goes on from this id.
	 */
	readonly stoppedAt?: string;
	/** With `stoppedAt`: the date in the order of the list up to which everything was looked at. */
	readonly scannedTo?: number;
}

export const PAGE_LIMIT = { min: 1, max: 1_000, default: 1_000 } as const;

const DIRECTION_LETTERS = { older: "o", newer: "n" } as const;
/** A letter for the direction, then an id, the name of an event type or the number of an attempt. */
const CURSOR_PATTERN = /^([on])([A-Za-z0-9_.:-]{1,256})$/;

/**
 * Encodes a cursor as text: a letter for the direction and the id, in base64url, so that it needs no escaping in a URL.
 *
 * @example
 * decodeCursor(encodeCursor({ direction: "older", id: "evt_…" }), isEventId); // the same cursor
 */
export function encodeCursor(cursor: Cursor): string {
	return Buffer.from(DIRECTION_LETTERS[cursor.direction] + cursor.id).toString("base64url");
}

/** Decodes a cursor. Throws `invalid_cursor` if `encodeCursor` did not make it for this kind of list. */
export function decodeCursor(text: string, isKindOfId: (id: string) => boolean): Cursor {
	const plain = Buffer.from(text, "base64url").toString("latin1");
	const [, letter, id] = CURSOR_PATTERN.exec(plain) ?? [];
	const canonical = Buffer.from(plain, "latin1").toString("base64url") === text;
	if (letter === undefined || id === undefined || !canonical || !isKindOfId(id)) {
		throw new FanfareError(
			"invalid_cursor",
			"page is not a cursor of this list. Use nextPage or prevPage of an earlier response unchanged, or omit page.",
			{ issues: [{ path: "page", message: "not a cursor of this list" }] },
		);
	}
	return { direction: letter === "o" ? "older" : "newer", id };
}

/** The cursors of the next (older) and the previous (newer) page; null if there is no such page. */
export function pageCursors(
	page: Page<{ readonly id: string }>,
	request: PageRequest,
): { nextPage: string | null; prevPage: string | null } {
	const isNewer = request.cursor?.direction === "newer";
	const first = (isNewer ? page.stoppedAt : undefined) ?? page.rows[0]?.id ?? request.cursor?.id;
	const last = (isNewer ? undefined : page.stoppedAt) ?? page.rows.at(-1)?.id ?? request.cursor?.id;
	return {
		nextPage: page.hasOlder && last !== undefined ? encodeCursor({ direction: "older", id: last }) : null,
		prevPage: page.hasNewer && first !== undefined ? encodeCursor({ direction: "newer", id: first }) : null,
	};
}

/** A range of time; null means no limit. */
export interface TimeRange {
	/** Inclusive. */
	readonly after: number | null;
	/** Exclusive. */
	readonly before: number | null;
}

/** The place of a delivery in the order of changes: the number of its last change. The delivery decides between equal numbers. */
export interface ChangePosition {
	readonly change: number;
	readonly deliveryId: string;
}

const POSITION_PATTERN = /^([0-9]{1,15})\.(dlv_[0-9a-f-]+)$/;

/**
 * A position as text, for cursors.
 *
 * @example
 * changePosition({ change: 114_000, deliveryId: "dlv_…" }); // "114000.dlv_…"
 */
export function changePosition({ change, deliveryId }: ChangePosition): string {
	return `${change}.${deliveryId}`;
}

/** The position in a text; null if `changePosition` did not make it. */
export function parseChangePosition(position: string): ChangePosition | null {
	const [, change, deliveryId] = POSITION_PATTERN.exec(position) ?? [];
	if (change === undefined || deliveryId === undefined || !isId("dlv", deliveryId)) return null;
	return { change: Number(change), deliveryId };
}
