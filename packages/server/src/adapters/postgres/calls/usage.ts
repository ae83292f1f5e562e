// Usage: the bytes of projects, as they were rolled up and as they are in the journal.
import type { StoreUsage } from "../../../ports/store/usage.ts";
import { idOf, uuidOf } from "../codec/ids.ts";
import { number, text } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Database } from "../connection/database.ts";

const SELECT = statement(`
	SELECT project_id, sum(bytes)::bigint AS bytes FROM (
		SELECT project_id, bytes FROM stored_bytes
		UNION ALL
		SELECT project_id, stored_bytes FROM stats_journal WHERE stored_bytes <> 0
	) stored GROUP BY project_id HAVING sum(bytes) <> 0 ORDER BY bytes DESC, project_id
`);
const SELECT_SIZE = statement("SELECT pg_database_size(current_database()) AS bytes");

/** The call `usage`. What is free on the volume of the database, nobody but its server knows. */
export function createUsage(database: Database) {
	return (projectIds: readonly string[]): Promise<StoreUsage> =>
		database.snapshot(async (session) => {
			const [rows, [size]] = await Promise.all([session.run(SELECT), session.run(SELECT_SIZE)]);
			const stored = rows.map((row) => ({ project: text(row["project_id"]), bytes: number(row["bytes"]) }));
			const bytesOf = new Map(stored.map(({ project, bytes }) => [project, bytes]));
			const [largest] = stored;
			return {
				projects: projectIds.map((id) => bytesOf.get(uuidOf("proj", id) ?? "") ?? 0),
				total: stored.reduce((sum, { bytes }) => sum + bytes, 0),
				largest: largest === undefined ? null : { projectId: idOf("proj", largest.project), bytes: largest.bytes },
				fileBytes: number(size?.["bytes"]),
				heldBytes: null,
				walBytes: null,
				volume: null,
			};
		});
}
