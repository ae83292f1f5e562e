// API keys.
import type { DatabaseSync } from "node:sqlite";

import type { ApiKey } from "../../../../core/crypto/key.ts";
import { idBytes } from "../../codec/ids.ts";
import { ADMIN_SCOPE_CODE, isWorkspaceAdmin, KEY } from "../../codec/key-rows.ts";
import { countOf } from "../../codec/rows.ts";
import { prepareInsert } from "../../codec/statements.ts";
import type { Transact } from "../../connection.ts";

/** Prepares the calls about keys. */
export function createKeyCalls(db: DatabaseSync, transact: Transact) {
	const selectAll = db.prepare("SELECT * FROM keys ORDER BY id DESC");
	const select = db.prepare("SELECT * FROM keys WHERE id = ?");
	const countAdmins = db.prepare("SELECT count(*) AS count FROM keys WHERE scope = ? AND project_id IS NULL");
	const insert = createInsertKey(db);
	const remove = db.prepare("DELETE FROM keys WHERE id = ?");

	return {
		keys: (): ApiKey[] => selectAll.all().map(KEY.read),
		insertKey: (key: ApiKey): void => transact(() => insert(key)),
		deleteKey: (keyId: string): "deleted" | "not_found" | "last_admin" =>
			transact(() => {
				const id = idBytes("key", keyId);
				const row = select.get(id);
				if (row === undefined) return "not_found";
				if (isWorkspaceAdmin(row) && countOf(countAdmins.get(ADMIN_SCOPE_CODE)) === 1) return "last_admin";
				remove.run(id);
				return "deleted";
			}),
	};
}

/** Prepares the insertion of a key. */
export function createInsertKey(db: DatabaseSync): (key: ApiKey) => void {
	const insert = prepareInsert(db, "keys", KEY.columns);
	return (key) => {
		insert.run(...KEY.write(key));
	};
}
