// Retention: deletes old data in small steps, and erases payloads on demand.
import type { DatabaseSync } from "node:sqlite";

import { idBytes, idText } from "../codec/ids.ts";
import { bytes, text } from "../codec/rows.ts";
import { inBackground, type Transact } from "../connection.ts";
import type { DeliveryTable } from "../deliveries/delivery-table.ts";
import type { StatsJournal } from "../stats/stats-journal.ts";
import { createIsKeyInAudit } from "./audit.ts";
import { idRange } from "./keyset.ts";
import { createSeqIndex } from "./log/seq-page.ts";
import { createErasePayload } from "./retention/erase.ts";
import { createReleaseSpace } from "./retention/free-space.ts";
import { createPurgeDeletedProjects, createPurgeDeletedWebhooks } from "./retention/purge-deleted.ts";
import { createPurgeReplays } from "./retention/purge-replays.ts";
import { createPurgeEvents, createPurgePayloads } from "./retention/purge.ts";

/** Prepares the calls of `RetentionStore`. */
export function createRetentionCalls(
	db: DatabaseSync,
	table: DeliveryTable,
	transact: Transact,
	journal: StatsJournal,
) {
	const parts = { db, table, index: createSeqIndex(db, table), journal };
	return {
		forgetIdempotencyKeys: createForgetIdempotencyKeys(db, transact),
		purgeEvents: createPurgeEvents(parts),
		purgePayloads: createPurgePayloads(parts),
		purgeReplays: createPurgeReplays(db, transact),
		purgeAuditEntries: createPurgeAuditEntries(db, transact),
		purgeDeletedProjects: createPurgeDeletedProjects(parts),
		purgeDeletedWebhooks: createPurgeDeletedWebhooks(parts),
		...createErasePayload(db, table, journal),
		releaseSpace: createReleaseSpace(db),
	};
}

function createForgetIdempotencyKeys(db: DatabaseSync, transact: Transact) {
	const forget = db.prepare(`
		UPDATE idempotency_keys SET fingerprint = x'' WHERE (project, key, event) IN (
			SELECT project, key, event FROM idempotency_keys INDEXED BY idempotency_keys_known
			WHERE create_date < ? AND fingerprint <> x'' ORDER BY create_date LIMIT ?
		)
	`);
	return (before: number, limit: number): number => transact(() => Number(forget.run(before, limit).changes));
}

/** The time of an entry is the time in its id. With the last one that names a revoked key, the name goes. */
function createPurgeAuditEntries(db: DatabaseSync, transact: Transact) {
	const remove = db.prepare(`
		DELETE FROM audit_entries WHERE id IN (SELECT id FROM audit_entries WHERE id < ? ORDER BY id LIMIT ?)
		RETURNING key_id, object_id
	`);
	const selectRevoked = db.prepare("SELECT id FROM revoked_keys WHERE id = ?");
	const forget = db.prepare("DELETE FROM revoked_keys WHERE id = ?");
	const isNamed = createIsKeyInAudit(db);
	const forgetUnnamed = (keyId: string): void => {
		const id = idBytes("key", keyId);
		// An object's id may be written without hyphens; it stands for the same key.
		if (selectRevoked.get(id) !== undefined && !isNamed(idText("key", id))) forget.run(id);
	};
	const purge = (before: number, limit: number): number => {
		const rows = remove.all(idRange({ after: null, before }).high, limit);
		const keyIds = rows.flatMap(({ key_id: keyId, object_id: objectId }) => [
			...(keyId === null ? [] : [idText("key", bytes(keyId))]),
			...(text(objectId).startsWith("key_") ? [text(objectId)] : []),
		]);
		for (const keyId of new Set(keyIds)) forgetUnnamed(keyId);
		return rows.length;
	};
	return (before: number, limit: number): number => inBackground(db, () => transact(() => purge(before, limit)));
}
