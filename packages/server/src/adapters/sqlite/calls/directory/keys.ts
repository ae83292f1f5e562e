// API keys.
import type { DatabaseSync } from "node:sqlite";

import type { AuditEntry } from "../../../../core/access/audit.ts";
import type { ApiKey } from "../../../../core/access/key.ts";
import { idBytes } from "../../codec/ids.ts";
import { ADMIN_SCOPE_CODE, isWorkspaceAdmin, KEY } from "../../codec/key-rows.ts";
import { countOf } from "../../codec/rows.ts";
import { prepareInsert } from "../../codec/statements.ts";
import { noProject, type Change } from "./change.ts";

/** Prepares the calls about keys. */
export function createKeyCalls(db: DatabaseSync, { transact, versions, writeEntry }: Change) {
	const selectAll = db.prepare("SELECT * FROM keys ORDER BY id DESC");
	const select = db.prepare("SELECT * FROM keys WHERE id = ?");
	const countAdmins = db.prepare("SELECT count(*) AS count FROM keys WHERE scope = ? AND project_id IS NULL");
	const insert = createInsertKey(db);
	const remove = db.prepare("DELETE FROM keys WHERE id = ?");

	/** Raises the version of the key's project, or of the workspace; null if its project is deleted or unknown. */
	const raise = ({ projectId }: ApiKey): number | null =>
		projectId === null ? versions.raiseWorkspace() : versions.raiseProject(idBytes("proj", projectId));

	return {
		keys: (): ApiKey[] => selectAll.all().map(KEY.read),
		insertKey: (key: ApiKey, entry: AuditEntry | null): number =>
			transact(() => {
				insert(key);
				writeEntry(entry);
				return raise(key) ?? noProject(key.projectId);
			}),
		deleteKey: (keyId: string, entry: AuditEntry | null): number | "not_found" | "last_admin" =>
			transact(() => {
				const id = idBytes("key", keyId);
				const row = select.get(id);
				if (row === undefined) return "not_found";
				if (isWorkspaceAdmin(row) && countOf(countAdmins.get(ADMIN_SCOPE_CODE)) === 1) return "last_admin";
				remove.run(id);
				writeEntry(entry);
				const key = KEY.read(row);
				return raise(key) ?? noProject(key.projectId);
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
