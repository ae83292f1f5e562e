// Marks the webhooks of deleted projects in their own rows, in steps, for versions that look at nothing else.
import type { MarkPlace, MarkStep } from "../../../../ports/store/queue.ts";
import { FIRST_UUID, idOf, uuidOf } from "../../codec/ids.ts";
import { boolean, textOrNull } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import { webhookId } from "../../codec/webhook-rows.ts";
import type { Database } from "../../connection/database.ts";

/**
 * Looks for a webhook of each deleted project, in the index that has no marked ones. As a join or with EXISTS, the planner may go through the
 * webhooks of all projects.
 */
const SELECT_PROJECT = statement(`
	SELECT projects.id FROM projects, LATERAL (
		SELECT 1 FROM webhooks WHERE webhooks.project_id = projects.id AND webhooks.delete_date IS NULL ORDER BY webhooks.id LIMIT 1
	) unmarked
	WHERE projects.delete_date IS NOT NULL LIMIT 1
`);
/**
 * Begins after the last webhook of the step before: the index has those that are marked until no snapshot sees them without their mark, and each
 * step would look at all of them again.
 */
const MARK = statement(`
	UPDATE webhooks SET delete_date = projects.delete_date, update_date = projects.delete_date
	FROM projects WHERE projects.id = $1 AND projects.delete_date IS NOT NULL AND webhooks.id IN (
		SELECT id FROM webhooks WHERE project_id = $1 AND delete_date IS NULL AND id > $2 ORDER BY id LIMIT $3
	)
	RETURNING webhooks.id,
		EXISTS (SELECT 1 FROM open_deliveries WHERE open_deliveries.webhook_id = webhooks.id) AS is_waiting
`);

const NOTHING: MarkStep = { waiting: [], next: null };

/** The call `markWebhooksDeleted`. It waits for the commits of outcomes that have read a webhook without its mark: their deliveries are seen here. */
export function createMarkWebhooksDeleted(database: Database) {
	return async (place: MarkPlace, limit: number): Promise<MarkStep> => {
		const project = place.projectId === null ? await anyProject(database) : uuidOf("proj", place.projectId);
		const after = place.after === null ? FIRST_UUID : uuidOf("webhook", place.after);
		if (project === null || after === null) return NOTHING;
		return database.change(project, async (session) => {
			const rows = await session.run(MARK, [project, after, limit]);
			const waiting = rows.filter((row) => boolean(row["is_waiting"])).map(webhookId);
			// Fewer than `limit` does not mean that none is left: retention may have removed some of them meanwhile.
			if (rows.length === 0 && place.projectId !== null) return { waiting, next: null };
			const last = rows.map(webhookId).reduce((one, other) => (one > other ? one : other), place.after ?? "");
			return { waiting, next: { projectId: idOf("proj", project), after: last === "" ? null : last } };
		});
	};
}

/** A project that has webhooks to mark; null if there is none. */
async function anyProject(database: Database): Promise<string | null> {
	const [row] = await database.read((session) => session.run(SELECT_PROJECT));
	return textOrNull(row?.["id"] ?? null);
}
