// Pages of lists: reads what the query asks for, and builds the response.
import type { IdPrefix } from "../../../core/ids.ts";
import { isId } from "../../../core/ids.ts";
import { decodeCursor, PAGE_LIMIT, type Page, type PageRequest } from "../../../core/page.ts";
import { json, type Reply } from "../../request/route.ts";
import { listBody, textListBody, type RowText } from "./list-body.ts";

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

/** A page of rows as a response: see `listBody`. */
export function listReply<T extends { readonly id: string }>(
	page: Page<T>,
	request: PageRequest,
	present: (row: T) => unknown,
): Reply {
	return bodyReply(listBody(page, request, present));
}

/** The same for rows that are presented as JSON text: see `textListBody`. */
export function textListReply<T>(page: Page<T>, request: PageRequest, row: RowText<T>, more: object = {}): Reply {
	return bodyReply(textListBody(page, request, row, more));
}

/** A response whose body is JSON already. */
export function bodyReply(body: Reply["body"]): Reply {
	return { ...json(null), body };
}
