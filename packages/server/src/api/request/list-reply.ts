// Lists as answers.
import type { IdPrefix } from "../../core/ids.ts";
import { isId } from "../../core/ids.ts";
import { decodeCursor, PAGE_LIMIT, pageCursors, type Page, type PageRequest } from "../../core/page.ts";
import { json, type Reply } from "./route.ts";

/** What a query asks for; throws `invalid_cursor` if `page` is not a cursor to ids of this kind. */
export function pageRequest(
	query: { readonly limit?: number | undefined; readonly page?: string | undefined },
	prefix: IdPrefix,
): PageRequest {
	return {
		limit: query.limit ?? PAGE_LIMIT.default,
		cursor: query.page === undefined ? null : decodeCursor(query.page, (id) => isId(prefix, id)),
	};
}

export function listReply<T extends { readonly id: string }>(
	page: Page<T>,
	request: PageRequest,
	present: (row: T) => unknown,
): Reply {
	return json({ ...pageCursors(page, request), data: page.rows.map((row) => present(row)) });
}
