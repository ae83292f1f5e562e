// The audit log: writing an entry in the transaction of its change, and adding one of its own.
import type { AuditEntry } from "../../../core/access/audit.ts";
import { AUDIT_ENTRY } from "../codec/audit-rows.ts";
import { insertInto } from "../codec/statements.ts";
import type { Database } from "../connection/database.ts";
import type { Session } from "../connection/session.ts";
import { hasRow } from "./log/source.ts";

const INSERT = insertInto("audit_entries", AUDIT_ENTRY.columns);
const INSERT_ONCE = insertInto("audit_entries", AUDIT_ENTRY.columns, "ON CONFLICT (id) DO NOTHING");

/** The calls of `AuditStore` that write. */
export function createAuditCalls(database: Database) {
	return {
		insertAuditEntry: (entry: AuditEntry): Promise<void> => database.transact((session) => writeEntry(session, entry)),
	};
}

/** Writes an entry, in the transaction of its change. Null is no entry. */
export async function writeEntry(session: Session, entry: AuditEntry | null): Promise<void> {
	if (entry !== null) await session.run(INSERT, AUDIT_ENTRY.write(entry));
}

/** A condition: an entry names the key, as the one that has made a call, or as the object. `id` is the SQL of its UUID. */
export function isKeyInAudit(id: string): string {
	return `(
		${hasRow(`audit_entries WHERE key_id = ${id}`)}
		OR ${hasRow(`audit_entries WHERE object_id = 'key_' || ${id}::text`)}
	)`;
}

/** The same as `writeEntry` for an entry that several changes of a transaction share. */
export async function writeEntryOnce(session: Session, entry: AuditEntry): Promise<void> {
	await session.run(INSERT_ONCE, AUDIT_ENTRY.write(entry));
}
