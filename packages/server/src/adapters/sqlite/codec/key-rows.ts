// API keys.
import type { ApiKey, KeyScope } from "../../../core/access/key.ts";
import { bytes, code, id, number, orNull, record, text } from "./columns.ts";
import type { Row } from "./rows.ts";

/** Permanent, on disk: a number never changes its meaning. */
const SCOPE_CODES = { read: 0, write: 1, admin: 2 } as const satisfies Record<KeyScope, number>;
export const ADMIN_SCOPE_CODE = SCOPE_CODES.admin;

/** A row of `keys`. */
export const KEY = record<ApiKey>({
	id: id("id", "key"),
	name: text("name"),
	scope: code("scope", SCOPE_CODES),
	projectId: orNull(id("project_id", "proj")),
	hint: text("hint"),
	digest: bytes("digest"),
	createDate: number("create_date"),
});

/** Whether the key administers the whole workspace. */
export function isWorkspaceAdmin(row: Row): boolean {
	return row["scope"] === ADMIN_SCOPE_CODE && row["project_id"] === null;
}
