// The audit log.
import type { DatabaseSync } from "node:sqlite";

import type { AuditEntry } from "../../../core/access/audit.ts";
import type { Page, PageRequest } from "../../../core/page.ts";
import type { AuditFilter } from "../../../ports/store/audit.ts";
import { AUDIT_ENTRY } from "../codec/audit-rows.ts";
import { idBytes } from "../codec/ids.ts";
import { prepareInsert } from "../codec/statements.ts";
import type { Transact } from "../connection.ts";
import { idRange, mapPage, readPage } from "./keyset.ts";
import { createStatementCache } from "./statement-cache.ts";

/** Prepares the calls of `AuditStore`. */
export function createAuditCalls(db: DatabaseSync, transact: Transact) {
	const write = createWriteEntry(db);

	return {
		auditEntries: createAuditPage(db),
		insertAuditEntry: (entry: AuditEntry): void => transact(() => write(entry)),
	};
}

/** Prepares the writing of an entry, in the transaction of its change. Null is no entry. */
export function createWriteEntry(db: DatabaseSync, onConflict = ""): (entry: AuditEntry | null) => void {
	const insert = prepareInsert(db, "audit_entries", AUDIT_ENTRY.columns, onConflict);
	return (entry) => {
		if (entry !== null) insert.run(...AUDIT_ENTRY.write(entry));
	};
}

/** One `column = ?` of a filter. */
interface Condition {
	readonly column: string;
	readonly value: string | Uint8Array;
	readonly index: string;
}

function createAuditPage(db: DatabaseSync) {
	/** 32 statements at most: each combination of four conditions, in two orders. */
	const prepare = createStatementCache(db);

	return (filter: AuditFilter, request: PageRequest): Page<AuditEntry> => {
		const conditions = conditionsOf(filter);
		// The first condition usually leads to the fewest entries; the others are compared with each of those.
		const index = conditions[0] === undefined ? "" : `INDEXED BY ${conditions[0].index}`;
		const where = conditions.map(({ column }) => `${column} = ? AND `).join("");
		const values = conditions.map(({ value }) => value);
		const page = readPage("aud", request, idRange(filter), ({ low, high }, order, limit) =>
			prepare(`
				SELECT * FROM audit_entries ${index} WHERE ${where} id >= ? AND id < ? ORDER BY id ${order} LIMIT ?
			`).all(...values, low, high, limit),
		);
		return mapPage(page, AUDIT_ENTRY.read);
	};
}

/** The conditions of a filter, the most selective one first. */
function conditionsOf({ objectId, keyId, projectId, action }: AuditFilter): Condition[] {
	const conditions: Condition[] = [];
	const add = (column: string, value: string | Uint8Array | null, index: string): void => {
		if (value !== null) conditions.push({ column, value, index });
	};
	add("object_id", objectId, "audit_entries_by_object");
	add("key_id", keyId === null ? null : idBytes("key", keyId), "audit_entries_by_key");
	add("action", action, "audit_entries_by_action");
	add("project_id", projectId === null ? null : idBytes("proj", projectId), "audit_entries_by_project");
	return conditions;
}
