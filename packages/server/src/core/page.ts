// Lists: pages of newest-first rows, and cursors that stay right while rows come and go.
import { FanfareError } from "./errors.ts";

/** Where a page begins: after (older than) or before (newer than) a row; the row itself may be gone by now. */
export interface Cursor {
	readonly direction: "older" | "newer";
	/** The id of the row at the edge. */
	readonly id: string;
}

/** What to read: up to `limit` rows on one side of the cursor, or the newest. */
export interface PageRequest {
	readonly limit: number;
	readonly cursor: Cursor | null;
}

/** Rows, newest first, and whether there are more on either side. */
export interface Page<T> {
	readonly rows: readonly T[];
	readonly hasNewer: boolean;
	readonly hasOlder: boolean;
}

export const PAGE_LIMIT = { min: 1, max: 1_000, default: 1_000 } as const;

const DIRECTION_LETTERS = { older: "o", newer: "n" } as const;
/** An id, or the name of an event type. */
const CURSOR_PATTERN = /^([on])([A-Za-z0-9_.-]{1,256})$/;

/**
 * Writes a cursor: a letter for the direction and the id at the edge, in base64url, so that it needs no escaping in a URL.
 *
 * @example
 * decodeCursor(encodeCursor({ direction: "older", id: "evt_…" }), isEventId); // the same again
 */
export function encodeCursor(cursor: Cursor): string {
	return Buffer.from(DIRECTION_LETTERS[cursor.direction] + cursor.id).toString("base64url");
}

/** Reads a cursor; throws `invalid_cursor` if it is not one that `encodeCursor` made for this kind of list. */
export function decodeCursor(text: string, isKindOfId: (id: string) => boolean): Cursor {
	const plain = Buffer.from(text, "base64url").toString("latin1");
	const [, letter, id] = CURSOR_PATTERN.exec(plain) ?? [];
	const canonical = Buffer.from(plain, "latin1").toString("base64url") === text;
	if (letter === undefined || id === undefined || !canonical || !isKindOfId(id)) {
		throw new FanfareError(
			"invalid_cursor",
			"page is not a cursor of this list. Use nextPage or prevPage of an earlier answer as it is, or leave page out.",
			{ issues: [{ path: "page", message: "not a cursor of this list" }] },
		);
	}
	return { direction: letter === "o" ? "older" : "newer", id };
}

/** The cursors to the pages on both sides of this one; null where there is nothing. */
export function pageCursors(
	page: Page<{ readonly id: string }>,
	request: PageRequest,
): { nextPage: string | null; prevPage: string | null } {
	const first = page.rows[0]?.id ?? request.cursor?.id;
	const last = page.rows.at(-1)?.id ?? request.cursor?.id;
	return {
		nextPage: page.hasOlder && last !== undefined ? encodeCursor({ direction: "older", id: last }) : null,
		prevPage: page.hasNewer && first !== undefined ? encodeCursor({ direction: "newer", id: first }) : null,
	};
}

export interface TimeRange {
	/** Inclusive. */
	readonly after: number | null;
	/** Exclusive. */
	readonly before: number | null;
}
