// API keys.
import type { DatabaseSync } from "node:sqlite";

import type { AuditEntry } from "../../../../core/access/audit.ts";
import type { ApiKey } from "../../../../core/access/key.ts";
import { FIRST_VERSION } from "../../../../core/workspace.ts";
import type { KeyUse, UpdateOptions } from "../../../../ports/store/directory.ts";
import { idBytes } from "../../codec/ids.ts";
import { idText } from "../../codec/ids.ts";
import { ADMIN_SCOPE_CODE, isLastingAdmin, KEY, REVOKED_KEY } from "../../codec/key-rows.ts";
import { bytes, countOf, number } from "../../codec/rows.ts";
import { prepareInsert, prepareUpdate } from "../../codec/statements.ts";
import { inBackground, type Transact } from "../../connection.ts";
import { createIsKeyInAudit } from "../audit.ts";
import { noProject, type Change } from "./change.ts";

/** Prepares the calls about keys. */
export function createKeyCalls(db: DatabaseSync, { transact, versions, writeEntry }: Change) {
	const selectAll = db.prepare("SELECT * FROM keys ORDER BY id DESC");
	const select = db.prepare("SELECT * FROM keys WHERE id = ?");
	const countAdmins = db.prepare(
		"SELECT count(*) AS count FROM keys WHERE scope = ? AND project_id IS NULL AND expire_date IS NULL",
	);
	const countAll = db.prepare("SELECT count(*) AS count FROM keys");
	const insert = createInsertKey(db);
	const update = prepareUpdate(db, "keys", KEY.columns, ["id"]);
	const revoke = createRevokeKey(db);

	/** Raises the version of the key's project, or of the workspace; null if its project is deleted or unknown. */
	const raise = ({ projectId }: ApiKey): number | null =>
		projectId === null ? versions.raiseWorkspace() : versions.raiseProject(idBytes("proj", projectId));

	return {
		keys: (): ApiKey[] => selectAll.all().map(KEY.read),
		insertKey: (key: ApiKey, entry: AuditEntry | null, limit = Infinity): number | "full" =>
			transact(() => {
				if (limit < Infinity && countOf(countAll.get()) >= limit) return "full";
				const revision = raise(key) ?? noProject(key.projectId);
				insert({ ...key, revision });
				writeEntry(entry);
				return revision;
			}),
		updateKey: (key: ApiKey, { expected, entry }: UpdateOptions): number | null =>
			transact(() => {
				if (select.get(idBytes("key", key.id))?.["revision"] !== expected) return null;
				const revision = raise(key) ?? noProject(key.projectId);
				update.run(...KEY.write({ ...key, revision }));
				writeEntry(entry);
				return revision;
			}),
		deleteKey: (keyId: string, entry: AuditEntry | null): number | "not_found" | "last_admin" =>
			transact(() => {
				const id = idBytes("key", keyId);
				const row = select.get(id);
				if (row === undefined) return "not_found";
				if (isLastingAdmin(row) && countOf(countAdmins.get(ADMIN_SCOPE_CODE)) === 1) return "last_admin";
				const key = KEY.read(row);
				writeEntry(entry);
				revoke(key);
				return raise(key) ?? noProject(key.projectId);
			}),
		...createKeyUseCalls(db, transact),
	};
}

/** Prepares the insertion of a key. Its revision is that of a new store, unless it has one. */
export function createInsertKey(db: DatabaseSync): (key: ApiKey) => void {
	const insert = prepareInsert(db, "keys", KEY.columns);
	return (key) => {
		insert.run(...KEY.write({ ...key, revision: Math.max(FIRST_VERSION, key.revision) }));
	};
}

/**
 * Prepares the removal of a key, whose name is kept if there are audit entries about it. Call it in the transaction of the change, after its
 * entry is written.
 */
function createRevokeKey(db: DatabaseSync): (key: Pick<ApiKey, "id" | "projectId" | "name">) => void {
	const remove = db.prepare("DELETE FROM keys WHERE id = ?");
	const insert = prepareInsert(db, "revoked_keys", REVOKED_KEY.columns);
	const isNamed = createIsKeyInAudit(db);
	return (key) => {
		remove.run(idBytes("key", key.id));
		if (isNamed(key.id)) insert.run(...REVOKED_KEY.write(key));
	};
}

/** The id of a key, as it is an object of audit entries. */
const KEY_ID = `'key_' || lower(${[
	[1, 8],
	[9, 4],
	[13, 4],
	[17, 4],
	[21, 12],
]
	.map(([from, length]) => `substr(hex(keys.id), ${from}, ${length})`)
	.join(" || '-' || ")})`;

/** Prepares the same for all keys of a project: one statement, since there may be thousands. */
export function createRevokeKeys(db: DatabaseSync): (projectId: Uint8Array) => void {
	const keep = db.prepare(`
		INSERT INTO revoked_keys (id, project_id, name) SELECT id, project_id, name FROM keys WHERE project_id = ? AND (
			EXISTS (SELECT 1 FROM audit_entries INDEXED BY audit_entries_by_key WHERE key_id = keys.id)
			OR EXISTS (SELECT 1 FROM audit_entries INDEXED BY audit_entries_by_object WHERE object_id = ${KEY_ID})
		)
	`);
	const remove = db.prepare("DELETE FROM keys WHERE project_id = ?");
	return (projectId) => {
		keep.run(projectId);
		remove.run(projectId);
	};
}

function createKeyUseCalls(db: DatabaseSync, transact: Transact) {
	const selectAll = db.prepare("SELECT key_id, use_date FROM key_uses");
	const note = db.prepare(`
		INSERT INTO key_uses (key_id, use_date) SELECT id, ?2 FROM keys WHERE id = ?1
		ON CONFLICT DO UPDATE SET use_date = excluded.use_date WHERE use_date < excluded.use_date
	`);
	return {
		keyUses: (): KeyUse[] =>
			selectAll.all().map((row) => ({ keyId: idText("key", bytes(row["key_id"])), at: number(row["use_date"]) })),
		noteKeyUses: (uses: readonly KeyUse[]): void =>
			inBackground(db, () =>
				transact(() => {
					for (const { keyId, at } of uses) note.run(idBytes("key", keyId), at);
				}),
			),
	};
}
