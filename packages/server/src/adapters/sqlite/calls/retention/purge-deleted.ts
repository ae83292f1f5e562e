// Deletes the remains of deleted projects and webhooks, once none of their deliveries wait any more.
import type { DatabaseSync } from "node:sqlite";

import type { Purged } from "../../../../ports/store/retention.ts";
import { STATUS_CODES } from "../../codec/delivery-rows.ts";
import { BEFORE_ALL_IDS, idBytes, idText } from "../../codec/ids.ts";
import { hexOf, rowId, type Row } from "../../codec/rows.ts";
import { inBackground } from "../../connection.ts";
import type { StatsJournal } from "../../stats/stats-journal.ts";
import { createRemoveEvents, PurgeCounter } from "./purge.ts";

/** Prepares `purgeDeletedProjects`. */
export function createPurgeDeletedProjects(db: DatabaseSync, journal: StatsJournal) {
	const select = db.prepare("SELECT id FROM projects WHERE delete_date IS NOT NULL ORDER BY id");
	const removeEvents = createRemoveEvents(db);
	const removeRest = createRemoveRest(db, journal);

	const step = (limit: number, counter: PurgeCounter): { purged: Purged; done: boolean } => {
		for (const project of select.all()) {
			removeEvents(rowId(project), limit, counter);
			const hasDeleted = counter.rows > 0 || removeRest(project, limit);
			if (hasDeleted) return { purged: counter.result(), done: false };
		}
		return { purged: counter.result(), done: true };
	};
	return (limit: number) =>
		inBackground(db, () => journal.transact((changes) => step(limit, new PurgeCounter(changes))));
}

/** Deletes the other rows of a project without events, and finally the project. Returns whether it deleted anything. */
function createRemoveRest(db: DatabaseSync, journal: StatsJournal): (project: Row, limit: number) => boolean {
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
	const removeWebhook = createRemoveWebhook(db, journal);
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

/** Deletes a webhook that has no deliveries. Returns whether it did. */
function createRemoveWebhook(db: DatabaseSync, journal: StatsJournal): (webhook: Row) => boolean {
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
		// Changes that are not rolled up yet would insert its counts again.
		if (journal.webhook(hexOf(webhook)).size > 0 || selectDelivery.get(id) !== undefined) return false;
		for (const removal of removals) removal.run(id);
		return true;
	};
}

/** Prepares `purgeDeletedWebhooks`. */
export function createPurgeDeletedWebhooks(db: DatabaseSync, journal: StatsJournal) {
	const select = db.prepare(`
		SELECT id, lower(hex(id)) AS hex, delete_date FROM webhooks WHERE id > ? ORDER BY id LIMIT ?
	`);
	const removeWebhook = createRemoveWebhook(db, journal);
	const disarm = createDisarm(db);

	return (after: string | null, limit: number): string | null =>
		inBackground(db, () =>
			journal.transact(() => {
				const webhooks = select.all(after === null ? BEFORE_ALL_IDS : idBytes("webhook", after), limit);
				for (const webhook of webhooks) {
					if (webhook["delete_date"] !== null && !removeWebhook(webhook)) disarm(webhook);
				}
				const last = webhooks.at(-1);
				return webhooks.length < limit || last === undefined ? null : idText("webhook", rowId(last));
			}),
		);
}

/** Deletes the secrets and header values of a deleted webhook, if none of its deliveries wait. */
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
