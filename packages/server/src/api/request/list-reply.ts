// Pages of lists: reads what the query asks for, and builds the response.
import type { IdPrefix } from "../../core/ids.ts";
import { isId } from "../../core/ids.ts";
import { decodeCursor, PAGE_LIMIT, pageCursors, type Page, type PageRequest } from "../../core/page.ts";
import { json, type Reply } from "./route.ts";

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
	return json({ ...pageCursors(page, request), data: page.rows.map((row) => present(row)) });
}
