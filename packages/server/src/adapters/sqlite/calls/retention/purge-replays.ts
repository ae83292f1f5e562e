// Deletes replays that have ended, by their age and by their number in a project.
import type { DatabaseSync } from "node:sqlite";

import type { PurgeReplays } from "../../../../ports/store/retention.ts";
import { BEFORE_ALL_IDS, idBytes, idText } from "../../codec/ids.ts";
import { rowId } from "../../codec/rows.ts";
import { inBackground, type Transact } from "../../connection.ts";
import { idRange } from "../keyset.ts";

/** Prepares `purgeReplays`. A replay has not ended before the time in its id, so only the older end of the index is read. */
export function createPurgeReplays(db: DatabaseSync, transact: Transact): (step: PurgeReplays) => string | null {
	const selectEdge = db.prepare(`
		SELECT id FROM replays INDEXED BY replays_by_project WHERE project_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?
	`);
	const select = db.prepare(`
		SELECT id, status <> 0 AND (id <= ?3 OR end_date < ?5) AS is_over FROM replays INDEXED BY replays_by_project
		WHERE project_id = ?1 AND id > ?2 AND (id <= ?3 OR id < ?4) ORDER BY id LIMIT ?6
	`);
	const remove = db.prepare("DELETE FROM replays WHERE id = ?");

	return ({ projectId, before, keep, after, limit }) =>
		inBackground(db, () =>
			transact(() => {
				const project = idBytes("proj", projectId);
				const edge = selectEdge.get(project, keep);
				const rows = select.all(
					project,
					after === null ? BEFORE_ALL_IDS : idBytes("replay", after),
					edge === undefined ? BEFORE_ALL_IDS : rowId(edge),
					before === null ? BEFORE_ALL_IDS : idRange({ after: null, before }).high,
					before,
					limit,
				);
				for (const row of rows) if (row["is_over"] === 1) remove.run(rowId(row));
				const last = rows.at(-1);
				return rows.length < limit || last === undefined ? null : idText("replay", rowId(last));
			}),
		);
}
