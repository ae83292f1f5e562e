// The removal of keys: of one, and in steps of those of deleted projects, which the mark of their project has deleted: whatever reads keys
// looks at it.
import type { DatabaseSync } from "node:sqlite";

import type { ApiKey } from "../../../../core/access/key.ts";
import { idBytes } from "../../codec/ids.ts";
import { KEY, REVOKED_KEY } from "../../codec/key-rows.ts";
import { rowId } from "../../codec/rows.ts";
import { prepareInsert } from "../../codec/statements.ts";
import { inBackground, type Transact } from "../../connection.ts";
import { createIsKeyInAudit } from "../audit.ts";

/** A condition on a row of `keys`: its project is deleted. */
export const IS_OF_DELETED =
	"EXISTS (SELECT 1 FROM projects WHERE projects.id = keys.project_id AND projects.delete_date IS NOT NULL)";

/** Prepares `removeKeysOfDeleted`. */
export function createRemoveKeysOfDeleted(db: DatabaseSync, transact: Transact) {
	const selectProject = db.prepare(`
		SELECT id FROM projects WHERE delete_date IS NOT NULL AND (:id IS NULL OR id = :id) AND EXISTS (
			SELECT 1 FROM keys WHERE keys.project_id = projects.id
		) LIMIT 1
	`);
	const remove = createRemoveKeys(db);
	return (projectId: string | null, limit: number): boolean => {
		const step = () => {
			const project = selectProject.get({ id: projectId === null ? null : idBytes("proj", projectId) });
			return project !== undefined && remove(rowId(project), limit);
		};
		return inBackground(db, () => transact(step));
	};
}

/** Prepares a step that removes keys of a project, or sessions and sign-in links of the next ones. Returns whether it has removed anything. */
export function createRemoveKeys(db: DatabaseSync): (projectId: Uint8Array, limit: number) => boolean {
	const select = db.prepare("SELECT * FROM keys INDEXED BY keys_by_project WHERE project_id = ? ORDER BY id LIMIT ?");
	// They would go with their keys, of which each can have a thousand.
	const removals = (["sessions", "sign_in_links"] as const).map((table) =>
		db.prepare(`
			DELETE FROM ${table} WHERE id IN (
				SELECT t.id FROM keys CROSS JOIN ${table} t INDEXED BY ${table}_by_key ON t.key_id = keys.id
				WHERE keys.project_id = ? AND keys.id <= ? LIMIT ?
			)
		`),
	);
	const revoke = createRevokeKey(db);
	return (projectId, limit) => {
		const rows = select.all(projectId, limit);
		const last = rows.at(-1);
		if (last === undefined) return false;
		for (const removal of removals) if (removal.run(projectId, rowId(last), limit).changes > 0) return true;
		for (const row of rows) revoke(KEY.read(row));
		return true;
	};
}

/**
 * Prepares the removal of a key, whose name is kept if there are audit entries about it. Call it in the transaction of the change, after its
 * entry is written.
 */
export function createRevokeKey(db: DatabaseSync): (key: Pick<ApiKey, "id" | "projectId" | "name">) => void {
	const remove = db.prepare("DELETE FROM keys WHERE id = ?");
	const insert = prepareInsert(db, "revoked_keys", REVOKED_KEY.columns);
	const isNamed = createIsKeyInAudit(db);
	return (key) => {
		remove.run(idBytes("key", key.id));
		if (isNamed(key.id)) insert.run(...REVOKED_KEY.write(key));
	};
}
