// Moves idempotency keys, when all events are moved. A key whose event is gone counts as unknown, so it is dropped.
import type { DatabaseSync } from "node:sqlite";

import { rowId, text } from "../../codec/rows.ts";

/** Prepares a step of `limit` rows, which is made in a transaction of the caller. It returns false if no keys were left. */
export function createMoveKeys(db: DatabaseSync, limit: number): () => boolean {
	const selectStep = db.prepare(`
		SELECT project_id AS id, key FROM former_idempotency_keys ORDER BY project_id, key LIMIT ${Math.trunc(limit)}
	`);
	const move = db.prepare(`
		INSERT OR ROLLBACK INTO idempotency_keys (project, key, fingerprint, event, create_date)
		SELECT event.project, former.key, former.fingerprint, event.seq, former.create_date
		FROM former_idempotency_keys former JOIN events event ON event.id = former.event_id
		WHERE (former.project_id, former.key) <= (?, ?)
	`);
	const remove = db.prepare("DELETE FROM former_idempotency_keys WHERE (project_id, key) <= (?, ?)");

	return () => {
		const last = selectStep.all().at(-1);
		if (last === undefined) return false;
		const to = [rowId(last), text(last["key"])] as const;
		move.run(...to);
		remove.run(...to);
		return true;
	};
}
