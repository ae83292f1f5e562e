// The body of a response with a page of a list. Threads that read the log load this file, too.
import { pageCursors, type Page, type PageRequest } from "../../../core/page.ts";

/** About how long the text of a page may become: a client that asks for 1,000 large rows gets fewer. */
const PAGE_BYTES = 4 * 1_024 * 1_024;

/** How a row becomes text. */
export interface RowText<T> {
	/** The id by which a cursor finds the row. */
	readonly id: (row: T) => string;
	/** The row as JSON. */
	readonly text: (row: T) => string;
}

/** A page of rows as JSON, with the cursors to the pages before and after it: see `textListBody`. */
export function listBody<T extends { readonly id: string }>(
	page: Page<T>,
	request: PageRequest,
	present: (row: T) => unknown,
): string {
	return textListBody(page, request, { id: ({ id }) => id, text: (row) => JSON.stringify(present(row)) });
}

/**
 * The same for rows that are presented as JSON text, and whose cursors have an id of their own. A page ends at about
 * `PAGE_BYTES`, and the cursor goes on from there. `more` are fields that stand before the cursors.
 */
export function textListBody<T>(page: Page<T>, request: PageRequest, row: RowText<T>, more: object = {}): string {
	const isNewer = request.cursor?.direction === "newer";
	const texts: string[] = [];
	let bytes = 0;
	// The rows next to the cursor come first, so that a page that ends early leaves no gap.
	for (const one of isNewer ? page.rows.toReversed() : page.rows) {
		const text = row.text(one);
		bytes += Buffer.byteLength(text);
		if (bytes > PAGE_BYTES && texts.length > 0) break;
		texts.push(text);
	}
	const isCut = texts.length < page.rows.length;
	const rows = isNewer ? page.rows.slice(page.rows.length - texts.length) : page.rows.slice(0, texts.length);
	const cursors = pageCursors(
		{
			rows: rows.map((one) => ({ id: row.id(one) })),
			hasNewer: page.hasNewer || (isCut && isNewer),
			hasOlder: page.hasOlder || (isCut && !isNewer),
			...(!isCut && page.stoppedAt !== undefined && { stoppedAt: page.stoppedAt }),
		},
		request,
	);
	const data = (isNewer ? texts.toReversed() : texts).join(",");
	const edges = isCut || page.scannedTo === undefined ? cursors : { ...cursors, scannedTo: page.scannedTo };
	return `${JSON.stringify({ ...more, ...edges }).slice(0, -1)},"data":[${data}]}`;
}
