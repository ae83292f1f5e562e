// API keys.
import type { ApiKey, KeyScope, OlderSecret } from "../../../core/access/key.ts";
import type { RevokedKey } from "../../../ports/store/transfer/rows.ts";
import { bytes, code, id, number, orNull, record, text, type Codec } from "./columns.ts";
import * as rows from "./rows.ts";
import type { Row } from "./rows.ts";

/** Permanent, on disk: a number never changes its meaning. */
const SCOPE_CODES = { read: 0, write: 1, admin: 2 } as const satisfies Record<KeyScope, number>;
export const ADMIN_SCOPE_CODE = SCOPE_CODES.admin;

/** A JSON array of digests in hex, each with its time. */
const OLDER_SECRETS: Codec<readonly OlderSecret[]> = {
	columns: ["older_secrets"],
	write: (secrets) => [
		JSON.stringify(secrets.map(({ digest, expireDate }) => [Buffer.from(digest).toString("hex"), expireDate])),
	],
	read: (row) =>
		rows.json<readonly (readonly [string, number])[]>(row["older_secrets"]).map(([digest, expireDate]) => ({
			digest: Uint8Array.from(Buffer.from(digest, "hex")),
			expireDate,
		})),
};

/** A row of `keys`. */
export const KEY = record<ApiKey>({
	id: id("id", "key"),
	name: text("name"),
	scope: code("scope", SCOPE_CODES),
	projectId: orNull(id("project_id", "proj")),
	hint: text("hint"),
	digest: bytes("digest"),
	olderSecrets: OLDER_SECRETS,
	createDate: number("create_date"),
	expireDate: orNull(number("expire_date")),
	revision: number("revision"),
});

/** A row of `revoked_keys`. */
export const REVOKED_KEY = record<RevokedKey>({
	id: id("id", "key"),
	projectId: orNull(id("project_id", "proj")),
	name: text("name"),
});

/** Whether the key administers the whole workspace, for as long as nobody deletes it. */
export function isLastingAdmin(row: Row): boolean {
	return row["scope"] === ADMIN_SCOPE_CODE && row["project_id"] === null && row["expire_date"] === null;
}
