// Deletes replays that have ended, by their age and by their number in a project.
import type { PurgeReplays } from "../../../../ports/store/retention.ts";
import { FIRST_UUID, firstUuidAt, idOf, uuidOf } from "../../codec/ids.ts";
import { boolean, text } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";

const SELECT_EDGE = statement("SELECT id FROM replays WHERE project_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2");
const SELECT = statement(`
	SELECT id, status <> 0 AND (id <= $3 OR coalesce(end_date < $5, false)) AS is_over FROM replays
	WHERE project_id = $1 AND id > $2 AND (id <= $3 OR id < $4) ORDER BY id LIMIT $6
`);
const REMOVE = statement("DELETE FROM replays WHERE id = ANY($1::uuid[])");

/** The call `purgeReplays`. A replay has not ended before the time in its id, so only the older end of the index is read. */
export function createPurgeReplays(database: Database) {
	return ({ projectId, before, keep, after, limit }: PurgeReplays): Promise<string | null> =>
		database.inBackground(async (session) => {
			const project = uuidOf("proj", projectId);
			const [edge] = await session.run(SELECT_EDGE, [project, keep]);
			const rows = await session.run(SELECT, [
				project,
				after === null ? FIRST_UUID : uuidOf("replay", after),
				edge === undefined ? FIRST_UUID : text(edge["id"]),
				before === null ? FIRST_UUID : firstUuidAt(before),
				before,
				limit,
			]);
			const over = rows.filter((row) => boolean(row["is_over"])).map((row) => text(row["id"]));
			if (over.length > 0) await session.run(REMOVE, [over]);
			const last = rows.at(-1);
			return rows.length < limit || last === undefined ? null : idOf("replay", text(last["id"]));
		});
}
