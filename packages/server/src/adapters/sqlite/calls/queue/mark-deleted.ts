// Marks the webhooks of deleted projects in their own rows, in steps, for versions that look at nothing else.
import type { DatabaseSync } from "node:sqlite";

import type { MarkPlace, MarkStep } from "../../../../ports/store/queue.ts";
import { idBytes, idText } from "../../codec/ids.ts";
import { number, rowId } from "../../codec/rows.ts";
import { webhookId } from "../../codec/webhook-rows.ts";
import type { Transact } from "../../connection.ts";
import type { DeliveryTable } from "../../deliveries/delivery-table.ts";
import { hasHeld, hasPending } from "./sweep.ts";

/** Prepares `markWebhooksDeleted`. */
export function createMarkWebhooksDeleted(db: DatabaseSync, table: DeliveryTable, transact: Transact) {
	const selectProject = db.prepare(`
		SELECT id, delete_date FROM projects WHERE delete_date IS NOT NULL AND (:id IS NULL OR id = :id) AND EXISTS (
			SELECT 1 FROM webhooks WHERE webhooks.project_id = projects.id AND webhooks.delete_date IS NULL
		) LIMIT 1
	`);
	const select = db.prepare(`
		SELECT id, number, ${hasPending("webhooks.number")} OR ${hasHeld("webhooks.number")} AS is_waiting
		FROM webhooks WHERE project_id = :project AND delete_date IS NULL AND id > :after ORDER BY id LIMIT :limit
	`);
	const mark = db.prepare("UPDATE webhooks SET delete_date = :at, update_date = :at WHERE number = :number");

	return (place: MarkPlace, limit: number): MarkStep =>
		transact(() => {
			const project = selectProject.get({ id: place.projectId === null ? null : idBytes("proj", place.projectId) });
			if (project === undefined) return { waiting: [], next: null };
			const after = place.after === null ? new Uint8Array() : idBytes("webhook", place.after);
			const rows = select.all({ project: rowId(project), after, limit, mark: table.open.mark });
			const at = number(project["delete_date"]);
			for (const row of rows) mark.run({ at, number: number(row["number"]) });
			const waiting = rows.filter((row) => row["is_waiting"] === 1).map(webhookId);
			if (rows.length < limit && place.projectId !== null) return { waiting, next: null };
			const last = rows.at(-1);
			const projectId = idText("proj", rowId(project));
			return { waiting, next: { projectId, after: last === undefined ? place.after : webhookId(last) } };
		});
}
