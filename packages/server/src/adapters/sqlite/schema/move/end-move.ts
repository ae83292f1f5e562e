// The last step of the move: the positions of replays become numbers, and the former tables go.
import type { DatabaseSync } from "node:sqlite";

import { idTime } from "../../codec/ids.ts";
import { bytesOrNull, number, rowId } from "../../codec/rows.ts";

/** Call it in a transaction, when the former tables are empty. */
export function endMove(db: DatabaseSync): void {
	const lastUpTo = createLastUpTo(db);
	const update = db.prepare("UPDATE replays SET position_seq = ?, position_date = ?, made_after = ? WHERE id = ?");
	for (const row of db.prepare("SELECT id, position FROM replays").all()) {
		const position = bytesOrNull(row["position"]);
		const [seq, date] = position === null ? [null, null] : [lastUpTo(position), idTime(position)];
		update.run(seq, date, lastUpTo(rowId(row)), rowId(row));
	}
	db.exec("ALTER TABLE replays DROP COLUMN position");
	db.exec(RESERVE_CHANGES);
	for (const table of FORMER_TABLES) db.exec(`DROP TABLE ${table}`);
}

/** Later changes get higher numbers than those of the rows that were moved. */
const RESERVE_CHANGES = `
	UPDATE given_numbers SET changes = coalesce((
		SELECT max((
			SELECT change FROM deliveries INDEXED BY deliveries_by_change
			WHERE project = projects.number AND status = other.column1 AND status <> 1 ORDER BY change DESC LIMIT 1
		))
		FROM projects, (VALUES (0), (2), (3), (4)) other
	), 0)
`;

const FORMER_TABLES = ["former_attempts", "former_deliveries", "former_events", "former_idempotency_keys"];

/** Whether a move is unfinished. */
export function isMoving(db: DatabaseSync): boolean {
	return db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'former_events'").get() !== undefined;
}

/** Prepares the search for the highest number whose id is not above an id; 0 if there is none. */
function createLastUpTo(db: DatabaseSync): (id: Uint8Array) => number {
	const select = db.prepare(`
		SELECT max(
			coalesce((SELECT seq FROM events WHERE id <= ?1 ORDER BY id DESC LIMIT 1), 0),
			coalesce((SELECT seq FROM deliveries WHERE own_id IS NOT NULL AND own_id <= ?1 ORDER BY own_id DESC LIMIT 1), 0)
		) AS last
	`);
	return (id) => number(select.get(id)?.["last"]);
}
