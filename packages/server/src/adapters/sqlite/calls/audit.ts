// The audit log.
import type { DatabaseSync, StatementSync } from "node:sqlite";

import type { AuditEntry } from "../../../core/audit.ts";
import type { Page, PageRequest } from "../../../core/page.ts";
import type { AuditFilter } from "../../../ports/store/audit.ts";
import { toAuditEntry } from "../codec/audit-rows.ts";
import { idBytes } from "../codec/ids.ts";
import type { Transact } from "../connection.ts";
import { idRange, mapPage, readPage } from "./keyset.ts";

interface Condition {
	readonly column: string;
	readonly value: string | Uint8Array;
	readonly index: string;
}

/** Prepares the calls about the audit log. */
export function createAuditCalls(db: DatabaseSync, transact: Transact) {
	const insert = db.prepare(`
		INSERT INTO audit_entries (id, key_id, project_id, action, object_id, fields, request_id) VALUES (?, ?, ?, ?, ?, ?, ?)
	`);
	const amend = db.prepare("UPDATE audit_entries SET object_id = ?, project_id = ? WHERE id = ?");
	const remove = db.prepare("DELETE FROM audit_entries WHERE id = ?");
	return {
		auditEntries: createAuditPage(db),
		amendAuditEntry: (entryId: string, object: Pick<AuditEntry, "objectId" | "projectId">): void => {
			const project = object.projectId === null ? null : idBytes("proj", object.projectId);
			transact(() => amend.run(object.objectId, project, idBytes("aud", entryId)));
		},
		deleteAuditEntry: (entryId: string): void => {
			transact(() => remove.run(idBytes("aud", entryId)));
		},
		insertAuditEntry: ({ id, keyId, projectId, action, objectId, fields, requestId }: AuditEntry): void => {
			const key = keyId === null ? null : idBytes("key", keyId);
			const project = projectId === null ? null : idBytes("proj", projectId);
			const names = JSON.stringify(fields);
			transact(() => insert.run(idBytes("aud", id), key, project, action, objectId, names, requestId));
		},
	};
}

function createAuditPage(db: DatabaseSync) {
	/** By their conditions and order: 32 at most. */
	const statements = new Map<string, StatementSync>();
	const prepare = (sql: string): StatementSync => {
		const statement = statements.get(sql) ?? db.prepare(sql);
		statements.set(sql, statement);
		return statement;
	};

	return (filter: AuditFilter, request: PageRequest): Page<AuditEntry> => {
		const conditions = conditionsOf(filter);
		// The first leads to the fewest entries, as a rule; the others are compared with each of those.
		const index = conditions[0] === undefined ? "" : `INDEXED BY ${conditions[0].index}`;
		const where = conditions.map(({ column }) => `${column} = ? AND `).join("");
		const values = conditions.map(({ value }) => value);
		const page = readPage("aud", request, idRange(filter), ({ low, high }, order, limit) =>
			prepare(`
				SELECT * FROM audit_entries ${index} WHERE ${where} id >= ? AND id < ? ORDER BY id ${order} LIMIT ?
			`).all(...values, low, high, limit),
		);
		return mapPage(page, toAuditEntry);
	};
}

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
