// Reads of webhooks: summaries for the directory in memory, and records with their secrets. The list is in webhook-list.ts.
import type { DatabaseSync } from "node:sqlite";

import type { ChangesPosition, WebhookRecord, WebhookSummary } from "../../../../ports/store/directory.ts";
import { BEFORE_ALL_IDS, idBytes, justAfter } from "../../codec/ids.ts";
import { rowId } from "../../codec/rows.ts";
import { DELETE_DATE, SECRET, WEBHOOK_ROW, WEBHOOK_SUMMARY, webhookColumns } from "../../codec/webhook-rows.ts";
import type { DeliveryTable } from "../../deliveries/delivery-table.ts";
import { hasHeld, hasPending } from "../queue/sweep.ts";

const SUMMARY_COLUMNS = webhookColumns(WEBHOOK_SUMMARY);

/** Prepares `webhookSummaries`. */
export function createWebhookSummaries(db: DatabaseSync, table: DeliveryTable) {
	const select = db.prepare(`
		SELECT ${SUMMARY_COLUMNS} FROM webhooks
		WHERE id >= :first AND (${DELETE_DATE} IS NULL OR ${hasPending("webhooks.number")} OR ${hasHeld("webhooks.number")})
		ORDER BY id LIMIT :limit
	`);
	return (after: string | null, limit: number): WebhookSummary[] => {
		const first = after === null ? BEFORE_ALL_IDS : justAfter(idBytes("webhook", after));
		return select.all({ first, limit, mark: table.open.mark }).map(WEBHOOK_SUMMARY.read);
	};
}

/** Prepares `webhookRecords`. */
export function createWebhookRecords(db: DatabaseSync) {
	const select = db.prepare(`SELECT ${webhookColumns(WEBHOOK_ROW)} FROM webhooks WHERE id = ?`);
	const selectSecrets = db.prepare("SELECT * FROM webhook_secrets WHERE webhook_id = ? ORDER BY number DESC");
	return (webhookIds: readonly string[]): WebhookRecord[] =>
		webhookIds.flatMap((webhookId) => {
			const row = select.get(idBytes("webhook", webhookId));
			if (row === undefined) return [];
			return { ...WEBHOOK_ROW.read(row), secrets: selectSecrets.all(rowId(row)).map(SECRET.read) };
		});
}

/** Prepares the reading of a page of the webhooks of a project that have changed. */
export function createChangedWebhooks(db: DatabaseSync) {
	const select = db.prepare(`
		SELECT ${SUMMARY_COLUMNS} FROM webhooks INDEXED BY webhooks_by_revision
		WHERE project_id = ? AND (revision, id) >= (?, ?) ORDER BY revision, id LIMIT ?
	`);
	return (project: Uint8Array, { revision, webhookId }: ChangesPosition, limit: number): WebhookSummary[] => {
		const first: [number, Uint8Array] =
			webhookId === null ? [revision + 1, BEFORE_ALL_IDS] : [revision, justAfter(idBytes("webhook", webhookId))];
		return select.all(project, ...first, limit).map(WEBHOOK_SUMMARY.read);
	};
}
