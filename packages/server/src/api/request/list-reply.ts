// Pages of lists: reads what the query asks for, and builds the response.
import type { IdPrefix } from "../../core/ids.ts";
import { isId } from "../../core/ids.ts";
import { decodeCursor, PAGE_LIMIT, pageCursors, type Page, type PageRequest } from "../../core/page.ts";
import { json, type Reply } from "./route.ts";

/** About how long the text of a page may become: a client that asks for 1,000 large rows gets fewer. */
const PAGE_BYTES = 4 * 1_024 * 1_024;

/** The page that a query asks for. Throws `invalid_cursor` if `page` is not a cursor of a list of such ids. */
export function pageRequest(
	query: { readonly limit?: number | undefined; readonly page?: string | undefined },
	prefix: IdPrefix,
): PageRequest {
	return {
		limit: query.limit ?? PAGE_LIMIT.default,
		cursor: query.page === undefined ? null : decodeCursor(query.page, (id) => isId(prefix, id)),
	};
}

/** A page of rows as a response, with the cursors to the pages before and after it. */
export function listReply<T extends { readonly id: string }>(
	page: Page<T>,
	request: PageRequest,
	present: (row: T) => unknown,
): Reply {
	const text = (row: T) => JSON.stringify(present(row));
	return textListReply(page, request, { id: ({ id }) => id, text });
}

/**
 * The same for rows that are presented as JSON text, and whose cursors have an id of their own. A page ends at about
 * `PAGE_BYTES`, and the cursor goes on from there. `more` are fields that stand before the cursors.
 */
export function textListReply<T>(
	page: Page<T>,
	request: PageRequest,
	row: { readonly id: (row: T) => string; readonly text: (row: T) => string },
	more: object = {},
): Reply {
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
	return { ...json(null), body: `${JSON.stringify({ ...more, ...edges }).slice(0, -1)},"data":[${data}]}` };
}
