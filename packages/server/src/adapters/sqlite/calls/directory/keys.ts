// API keys.
import type { DatabaseSync } from "node:sqlite";

import type { AuditEntry } from "../../../../core/access/audit.ts";
import type { ApiKey } from "../../../../core/access/key.ts";
import { FIRST_VERSION } from "../../../../core/workspace.ts";
import type { KeyUse, UpdateOptions } from "../../../../ports/store/directory.ts";
import { idBytes } from "../../codec/ids.ts";
import { idText } from "../../codec/ids.ts";
import { ADMIN_SCOPE_CODE, isLastingAdmin, KEY } from "../../codec/key-rows.ts";
import { bytes, countOf, number } from "../../codec/rows.ts";
import { prepareInsert, prepareUpdate } from "../../codec/statements.ts";
import { inBackground, type Transact } from "../../connection.ts";
import { noProject, type Change } from "./change.ts";
import { createRemoveKeysOfDeleted, createRevokeKey, IS_OF_DELETED } from "./revoked-keys.ts";

/** Prepares the calls about keys. */
export function createKeyCalls(db: DatabaseSync, { transact, versions, writeEntry }: Change) {
	const selectAll = db.prepare(`SELECT * FROM keys WHERE NOT ${IS_OF_DELETED} ORDER BY id DESC`);
	const select = db.prepare(`SELECT * FROM keys WHERE id = ? AND NOT ${IS_OF_DELETED}`);
	const selectGone = db.prepare(`SELECT * FROM keys WHERE digest = ? AND ${IS_OF_DELETED}`);
	const countAdmins = db.prepare(
		"SELECT count(*) AS count FROM keys WHERE scope = ? AND project_id IS NULL AND expire_date IS NULL",
	);
	const countRows = db.prepare("SELECT count(*) AS count FROM keys");
	const countAll = db.prepare(`SELECT count(*) AS count FROM keys WHERE NOT ${IS_OF_DELETED}`);
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
				// Those of deleted projects are counted only if they matter, which takes ten times as long.
				if (countOf(countRows.get()) >= limit && countOf(countAll.get()) >= limit) return "full";
				const revision = raise(key) ?? noProject(key.projectId);
				// A key that is gone keeps nobody from setting it again.
				const gone = selectGone.get(key.digest);
				if (gone !== undefined) revoke(KEY.read(gone));
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
		removeKeysOfDeleted: createRemoveKeysOfDeleted(db, transact),
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

function createKeyUseCalls(db: DatabaseSync, transact: Transact) {
	const selectAll = db.prepare(`
		SELECT key_id, use_date FROM key_uses JOIN keys ON keys.id = key_id WHERE NOT ${IS_OF_DELETED}
	`);
	const note = db.prepare(`
		INSERT INTO key_uses (key_id, use_date) SELECT id, ?2 FROM keys WHERE id = ?1 AND NOT ${IS_OF_DELETED}
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
