// What is left of deleted projects and webhooks: goes when nothing of it waits any more.
import type { DatabaseSync } from "node:sqlite";

import type { Purged } from "../../../../ports/store/retention.ts";
import { BEFORE_ALL_IDS, idBytes, idText } from "../../codec/ids.ts";
import { rowId, STATUS_CODES, type Row } from "../../codec/rows.ts";
import { inBackground } from "../../connection.ts";
import type { Figures } from "../../stats/stats-journal.ts";
import { hexOf } from "../../stats/stats-rows.ts";
import { createRemoveEvents, PurgeTally } from "./purge.ts";

/** Prepares `purgeDeletedProjects`. */
export function createPurgeDeletedProjects(db: DatabaseSync, figures: Figures) {
	const select = db.prepare("SELECT id FROM projects WHERE delete_date IS NOT NULL ORDER BY id");
	const removeEvents = createRemoveEvents(db);
	const removeRest = createRemoveRest(db, figures);

	const step = (limit: number, tally: PurgeTally): { purged: Purged; done: boolean } => {
		for (const project of select.all()) {
			removeEvents(rowId(project), limit, tally);
			const moved = tally.rows > 0 || removeRest(project, limit);
			if (moved) return { purged: tally.result(), done: false };
		}
		return { purged: tally.result(), done: true };
	};
	return (limit: number) => inBackground(db, () => figures.transact((changes) => step(limit, new PurgeTally(changes))));
}

/** What a project without events has still, and at last itself. True if something was deleted. */
function createRemoveRest(db: DatabaseSync, figures: Figures): (project: Row, limit: number) => boolean {
	const selectEvent = db.prepare("SELECT 1 FROM events WHERE project_id = ? LIMIT 1");
	const removeKeys = db.prepare(`
		DELETE FROM idempotency_keys WHERE (project_id, key) IN (
			SELECT project_id, key FROM idempotency_keys WHERE project_id = ? LIMIT ?
		)
	`);
	const removeReplays = db.prepare(`
		DELETE FROM replays WHERE id IN (SELECT id FROM replays INDEXED BY replays_by_project WHERE project_id = ? LIMIT ?)
	`);
	const selectWebhooks = db.prepare("SELECT id, lower(hex(id)) AS hex FROM webhooks WHERE project_id = ? LIMIT ?");
	const removeWebhook = createRemoveWebhook(db, figures);
	const removeTypes = db.prepare("DELETE FROM event_types WHERE project_id = ?");
	const removeCounts = db.prepare("DELETE FROM status_counts WHERE owner = ?");
	const removeProject = db.prepare("DELETE FROM projects WHERE id = ?");

	return (project, limit) => {
		const id = rowId(project);
		if (selectEvent.get(id) !== undefined) return false;
		if (Number(removeKeys.run(id, limit).changes) + Number(removeReplays.run(id, limit).changes) > 0) return true;
		const webhooks = selectWebhooks.all(id, limit);
		if (webhooks.length > 0) return webhooks.filter(removeWebhook).length > 0;
		removeTypes.run(id);
		removeCounts.run(id);
		removeProject.run(id);
		return true;
	};
}

/** Removes a webhook without deliveries; true if it did. */
function createRemoveWebhook(db: DatabaseSync, figures: Figures): (webhook: Row) => boolean {
	const selectDelivery = db.prepare(
		"SELECT 1 FROM deliveries INDEXED BY deliveries_by_webhook WHERE webhook_id = ? LIMIT 1",
	);
	const removals = [
		"DELETE FROM webhook_secrets WHERE webhook_id = ?",
		"DELETE FROM webhook_health WHERE webhook_id = ?",
		"DELETE FROM status_counts WHERE owner = ?",
		"DELETE FROM webhooks WHERE id = ?",
	].map((sql) => db.prepare(sql));
	return (webhook) => {
		const id = rowId(webhook);
		// What is still to be added to its counts would bring them back.
		if (figures.webhook(hexOf(webhook)).size > 0 || selectDelivery.get(id) !== undefined) return false;
		for (const removal of removals) removal.run(id);
		return true;
	};
}

/** Prepares `purgeDeletedWebhooks`. */
export function createPurgeDeletedWebhooks(db: DatabaseSync, figures: Figures) {
	const select = db.prepare(`
		SELECT id, lower(hex(id)) AS hex, delete_date FROM webhooks WHERE id > ? ORDER BY id LIMIT ?
	`);
	const removeWebhook = createRemoveWebhook(db, figures);
	const disarm = createDisarm(db);

	return (after: string | null, limit: number): string | null =>
		inBackground(db, () =>
			figures.transact(() => {
				const webhooks = select.all(after === null ? BEFORE_ALL_IDS : idBytes("webhook", after), limit);
				for (const webhook of webhooks) {
					if (webhook["delete_date"] !== null && !removeWebhook(webhook)) disarm(webhook);
				}
				const last = webhooks.at(-1);
				return webhooks.length < limit || last === undefined ? null : idText("webhook", rowId(last));
			}),
		);
}

/** Takes away what a deleted webhook would sign and send with, when nothing waits for it. */
function createDisarm(db: DatabaseSync): (webhook: Row) => void {
	const selectWaiting = db.prepare(`
		SELECT 1 WHERE EXISTS (
			SELECT 1 FROM deliveries INDEXED BY deliveries_due WHERE webhook_id = ?1 AND due_at IS NOT NULL
		) OR EXISTS (
			SELECT 1 FROM deliveries INDEXED BY deliveries_by_webhook_status
			WHERE webhook_id = ?1 AND status = ${STATUS_CODES.Held} AND status > 1
		)
	`);
	const removeSecrets = db.prepare("DELETE FROM webhook_secrets WHERE webhook_id = ?");
	const removeHeaders = db.prepare(
		"UPDATE webhooks SET sealed_headers = NULL WHERE id = ? AND sealed_headers IS NOT NULL",
	);
	return (webhook) => {
		const id = rowId(webhook);
		if (selectWaiting.get(id) !== undefined) return;
		removeSecrets.run(id);
		removeHeaders.run(id);
	};
}
