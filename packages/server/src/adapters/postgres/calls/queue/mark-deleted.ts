// Marks the webhooks of deleted projects in their own rows, in steps, for versions that look at nothing else.
import type { MarkStep } from "../../../../ports/store/queue.ts";
import { uuidOf } from "../../codec/ids.ts";
import { boolean, textOrNull } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import { webhookId } from "../../codec/webhook-rows.ts";
import type { Database } from "../../connection/database.ts";

const SELECT_PROJECT = statement(`
	SELECT id FROM projects WHERE delete_date IS NOT NULL AND ($1::uuid IS NULL OR id = $1) AND EXISTS (
		SELECT 1 FROM webhooks WHERE webhooks.project_id = projects.id AND webhooks.delete_date IS NULL
	) LIMIT 1
`);
const MARK = statement(`
	UPDATE webhooks SET delete_date = projects.delete_date, update_date = projects.delete_date
	FROM projects WHERE projects.id = $1 AND projects.delete_date IS NOT NULL AND webhooks.id IN (
		SELECT id FROM webhooks WHERE project_id = $1 AND delete_date IS NULL ORDER BY id LIMIT $2
	)
	RETURNING webhooks.id,
		EXISTS (SELECT 1 FROM open_deliveries WHERE open_deliveries.webhook_id = webhooks.id) AS is_waiting
`);

/** The call `markWebhooksDeleted`. It waits for the commits of outcomes that have read a webhook without its mark: their deliveries are seen here. */
export function createMarkWebhooksDeleted(database: Database) {
	return async (projectId: string | null, limit: number): Promise<MarkStep> => {
		const named = projectId === null ? null : uuidOf("proj", projectId);
		const found = await database.read((session) => session.run(SELECT_PROJECT, [named]));
		const project = textOrNull(found[0]?.["id"] ?? null);
		if (project === null) return { waiting: [], done: true };
		return database.change(project, async (session) => {
			const rows = await session.run(MARK, [project, limit]);
			const waiting = rows.filter((row) => boolean(row["is_waiting"])).map(webhookId);
			// Fewer than `limit` does not mean that none is left: retention may have removed some of them meanwhile.
			return { waiting, done: projectId !== null && rows.length === 0 };
		});
	};
}
