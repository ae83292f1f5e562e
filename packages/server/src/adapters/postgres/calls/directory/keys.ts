// API keys.
import type { AuditEntry } from "../../../../core/access/audit.ts";
import type { ApiKey } from "../../../../core/access/key.ts";
import { FIRST_VERSION } from "../../../../core/workspace.ts";
import type { KeyUse, UpdateOptions } from "../../../../ports/store/directory.ts";
import { idOf, uuidOf } from "../../codec/ids.ts";
import { ADMIN_SCOPE_CODE, isLastingAdmin, KEY } from "../../codec/key-rows.ts";
import { number, text } from "../../codec/rows.ts";
import { insertInto, statement, updateOf } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";
import { writeEntry } from "../audit.ts";
import { noProject, raiseProject, raiseWorkspace } from "./change.ts";
import { createRemoveKeysOfDeleted, IS_OF_DELETED, revokeKeys } from "./revoked-keys.ts";

const SELECT_ALL = statement(`SELECT * FROM keys WHERE NOT ${IS_OF_DELETED} ORDER BY id DESC`);
const SELECT = statement(`SELECT * FROM keys WHERE id = $1 AND NOT ${IS_OF_DELETED} FOR UPDATE`);
const COUNT_ADMINS = statement(
	"SELECT count(*) AS count FROM keys WHERE scope = $1 AND project_id IS NULL AND expire_date IS NULL",
);
const COUNT_ALL = statement(`SELECT count(*) AS count FROM keys WHERE NOT ${IS_OF_DELETED}`);
const INSERT = insertInto("keys", KEY.columns);
const UPDATE = updateOf("keys", KEY.columns, ["id"]);
const REVOKE = statement(revokeKeys("id = $1"));
/** A key that is gone keeps nobody from setting it again. */
const REVOKE_GONE = statement(revokeKeys(`digest = $1 AND ${IS_OF_DELETED}`));
const SELECT_USES = statement(`
	SELECT key_id, use_date FROM key_uses JOIN keys ON keys.id = key_id WHERE NOT ${IS_OF_DELETED}
`);
/** Keys in order, so that two calls never wait for each other in a circle. */
const NOTE_USES = statement(`
	INSERT INTO key_uses (key_id, use_date)
	SELECT keys.id, max(given.at) FROM unnest($1::uuid[], $2::bigint[]) AS given(id, at) JOIN keys ON keys.id = given.id
	WHERE NOT ${IS_OF_DELETED} GROUP BY keys.id ORDER BY keys.id
	ON CONFLICT (key_id) DO UPDATE SET use_date = excluded.use_date WHERE key_uses.use_date < excluded.use_date
`);

/** The calls about keys. All changes of keys lock the workspace: the limit and the last admin key are about all of them. */
export function createKeyCalls(database: Database) {
	return {
		keys: (): Promise<ApiKey[]> => database.read(async (session) => (await session.run(SELECT_ALL)).map(KEY.read)),
		insertKey: (key: ApiKey, entry: AuditEntry | null, limit = Infinity): Promise<number | "full"> =>
			database.change(null, async (session) => {
				if (limit < Infinity && (await countOf(session, COUNT_ALL)) >= limit) return "full";
				const revision = (await raise(session, key)) ?? noProject(key.projectId);
				await session.run(REVOKE_GONE, [key.digest]);
				await insertKey(session, { ...key, revision });
				await writeEntry(session, entry);
				return revision;
			}),
		updateKey: (key: ApiKey, { expected, entry }: UpdateOptions): Promise<number | null> =>
			database.change(null, async (session) => {
				const [row] = await session.run(SELECT, [uuidOf("key", key.id)]);
				if (row?.["revision"] !== expected) return null;
				const revision = await raise(session, key);
				// Its project was deleted just now.
				if (revision === null) return null;
				await session.run(UPDATE, KEY.write({ ...key, revision }));
				await writeEntry(session, entry);
				return revision;
			}),
		deleteKey: (keyId: string, entry: AuditEntry | null): Promise<number | "not_found" | "last_admin"> =>
			database.change(null, async (session) => {
				const [row] = await session.run(SELECT, [uuidOf("key", keyId)]);
				if (row === undefined) return "not_found";
				const isLast = isLastingAdmin(row) && (await countOf(session, COUNT_ADMINS, [ADMIN_SCOPE_CODE])) === 1;
				if (isLast) return "last_admin";
				const revision = await raise(session, KEY.read(row));
				// Its project was deleted just now.
				if (revision === null) return "not_found";
				await writeEntry(session, entry);
				await session.run(REVOKE, [uuidOf("key", keyId)]);
				return revision;
			}),
		removeKeysOfDeleted: createRemoveKeysOfDeleted(database),
		keyUses: (): Promise<KeyUse[]> =>
			database.read(async (session) =>
				(await session.run(SELECT_USES)).map((row) => ({
					keyId: idOf("key", text(row["key_id"])),
					at: number(row["use_date"]),
				})),
			),
		noteKeyUses: (uses: readonly KeyUse[]): Promise<void> =>
			database.inBackground(async (session) => {
				await session.run(NOTE_USES, [uses.map(({ keyId }) => uuidOf("key", keyId)), uses.map(({ at }) => at)]);
			}),
	};
}

/** Inserts a key. Its revision is that of a new store, unless it has one. */
export async function insertKey(session: Session, key: ApiKey): Promise<void> {
	await session.run(INSERT, KEY.write({ ...key, revision: Math.max(FIRST_VERSION, key.revision) }));
}

/** Raises the version of the key's project, or of the workspace; null if its project is deleted or unknown. */
function raise(session: Session, { projectId }: ApiKey): Promise<number | null> {
	return projectId === null ? raiseWorkspace(session) : raiseProject(session, uuidOf("proj", projectId));
}

async function countOf(session: Session, ...query: Parameters<Session["run"]>): Promise<number> {
	const [row] = await session.run(...query);
	return number(row?.["count"]);
}
