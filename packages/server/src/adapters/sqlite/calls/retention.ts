// Retention: deletes old data in small steps, and erases payloads on demand.
import type { DatabaseSync } from "node:sqlite";

import type { Transact } from "../connection.ts";
import type { StatsJournal } from "../stats/stats-journal.ts";
import { createErasePayload } from "./retention/erase.ts";
import { createReleaseSpace } from "./retention/free-space.ts";
import { createPurgeDeletedProjects, createPurgeDeletedWebhooks } from "./retention/purge-deleted.ts";
import { createPurgeEvents, createPurgePayloads } from "./retention/purge.ts";

/** Prepares the calls of `RetentionStore`. */
export function createRetentionCalls(db: DatabaseSync, transact: Transact, journal: StatsJournal) {
	return {
		forgetIdempotencyKeys: createForgetIdempotencyKeys(db, transact),
		purgeEvents: createPurgeEvents(db, journal),
		purgePayloads: createPurgePayloads(db, journal),
		purgeDeletedProjects: createPurgeDeletedProjects(db, journal),
		purgeDeletedWebhooks: createPurgeDeletedWebhooks(db, journal),
		erasePayload: createErasePayload(db, journal),
		releaseSpace: createReleaseSpace(db),
	};
}

function createForgetIdempotencyKeys(db: DatabaseSync, transact: Transact) {
	const forget = db.prepare(`
		DELETE FROM idempotency_keys WHERE (project_id, key) IN (
			SELECT project_id, key FROM idempotency_keys WHERE create_date < ? ORDER BY create_date LIMIT ?
		)
	`);
	return (before: number, limit: number): number => transact(() => Number(forget.run(before, limit).changes));
}
