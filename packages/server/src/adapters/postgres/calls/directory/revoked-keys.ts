// The removal of keys: of one, and in steps of those of deleted projects, which the mark of their project has deleted: whatever reads keys
// looks at it.
import { binaryArray } from "../../codec/arrays.ts";
import { uuidOf } from "../../codec/ids.ts";
import { text } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";
import { isKeyInAudit } from "../audit.ts";

/** A condition on a row of `keys`: its project is deleted. */
export const IS_OF_DELETED = `EXISTS (SELECT 1 FROM projects WHERE projects.id = keys.project_id AND projects.delete_date IS NOT NULL)`;

/** Removes keys in the transaction of the change, after its audit entry is written. Their names are kept if there are audit entries about them. */
export function revokeKeys(condition: string): string {
	return `
		WITH revoked AS (DELETE FROM keys WHERE ${condition} RETURNING id, project_id, name)
		INSERT INTO revoked_keys (id, project_id, name) SELECT id, project_id, name FROM revoked WHERE ${isKeyInAudit("revoked.id")}
	`;
}

/** Looks for a key of each deleted project, in the index: see mark-deleted.ts. */
const SELECT_PROJECT = statement(`
	SELECT projects.id FROM projects, LATERAL (
		SELECT 1 FROM keys WHERE keys.project_id = projects.id ORDER BY keys.id LIMIT 1
	) left_over
	WHERE projects.delete_date IS NOT NULL AND ($1::uuid IS NULL OR projects.id = $1) LIMIT 1
`);
/** Several processes may do this at once: one after the other, and in the order in which uses of keys are noted. */
const SELECT_KEYS = statement("SELECT id FROM keys WHERE project_id = $1 ORDER BY id LIMIT $2 FOR UPDATE");
/** They would go with their keys, of which each can have a thousand. */
const REMOVE_SESSIONS = statement(removeOf("sessions"));
const REMOVE_LINKS = statement(removeOf("sign_in_links"));
const REVOKE = statement(revokeKeys("id = ANY($1::uuid[])"));

function removeOf(table: "sessions" | "sign_in_links"): string {
	return `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE key_id = ANY($1::uuid[]) LIMIT $2)`;
}

/** The call `removeKeysOfDeleted`. */
export function createRemoveKeysOfDeleted(database: Database) {
	return (projectId: string | null, limit: number): Promise<boolean> =>
		database.inBackground(async (session) => {
			const wanted = projectId === null ? null : uuidOf("proj", projectId);
			if (projectId !== null && wanted === null) return false;
			const [project] = await session.run(SELECT_PROJECT, [wanted]);
			return project !== undefined && removeKeys(session, text(project["id"]), limit);
		});
}

/** A step that removes keys of a project, or sessions and sign-in links of the next ones. Returns whether it has removed anything. */
export async function removeKeys(session: Session, project: string, limit: number): Promise<boolean> {
	const rows = await session.run(SELECT_KEYS, [project, limit]);
	if (rows.length === 0) return false;
	const ids = binaryArray(
		"uuid",
		rows.map((row) => text(row["id"])),
	);
	for (const remove of [REMOVE_SESSIONS, REMOVE_LINKS])
		if ((await session.change(remove, [ids, limit])) > 0) return true;
	await session.run(REVOKE, [ids]);
	return true;
}
