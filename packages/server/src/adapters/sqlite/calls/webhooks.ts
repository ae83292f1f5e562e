// Webhooks with their sealed secrets.
import type { DatabaseSync } from "node:sqlite";

import type { Page, PageRequest } from "../../../core/page.ts";
import type { Webhook } from "../../../core/webhook.ts";
import type { SealedSecret, WebhookRecord } from "../../../ports/store/directory.ts";
import { StoreError } from "../../../ports/store/errors.ts";
import { idBytes, idHex } from "../codec/ids.ts";
import { secretOwner, STATUS_CODES, toSecret, toWebhook, toWebhookRecord, webhookValues } from "../codec/rows.ts";
import type { Transact } from "../connection.ts";
import { HealthChanges, type HealthBook } from "../stats/webhook-health.ts";
import { idRange, mapPage, readPage } from "./keyset.ts";

const COLUMNS = `
	project_id, name, description, endpoint, max_retries, max_backoff_ms, event_types, timeout_ms, metadata, status,
	disabled_reason, header_names, sealed_headers, secret_hint, create_date, update_date, delete_date, schedule_ms,
	rate_limit_per_second, disable_after_ms, secret_overlap_until
`;

/** Prepares the calls about webhooks. */
export function createWebhookCalls(db: DatabaseSync, transact: Transact, health: HealthBook) {
	const insert = createInsertWebhook(db);
	const replace = createReplaceWebhook(db);
	const setFingerprint = db.prepare("UPDATE workspace SET master_key_fingerprint = ?");

	return {
		webhookRecords: createWebhookRecords(db),
		webhooks: createWebhookPage(db),
		insertWebhook: (record: WebhookRecord): void => transact(() => insert(record)),
		updateWebhook(record: WebhookRecord, { resetHealth } = { resetHealth: false }): void {
			const changes = new HealthChanges(health);
			if (resetHealth) changes.reset(idHex("webhook", record.id));
			transact(() => {
				replace(record);
				health.write(changes);
			});
			health.apply(changes);
		},
		reseal: (records: readonly WebhookRecord[], masterKeyFingerprint: string): void =>
			transact(() => {
				for (const record of records) replace(record);
				setFingerprint.run(masterKeyFingerprint);
			}),
	};
}

function createWebhookRecords(db: DatabaseSync) {
	const select = db.prepare(`
		SELECT * FROM webhooks w WHERE delete_date IS NULL
		OR EXISTS (SELECT 1 FROM deliveries INDEXED BY deliveries_due WHERE webhook_id = w.id AND due_at IS NOT NULL)
		OR EXISTS (
			SELECT 1 FROM deliveries INDEXED BY deliveries_by_webhook_status
			WHERE webhook_id = w.id AND status = ${STATUS_CODES.Held} AND status > 1
		)
		ORDER BY id
	`);
	const selectSecrets = db.prepare("SELECT * FROM webhook_secrets ORDER BY webhook_id, number DESC");

	return (): WebhookRecord[] => {
		const secrets = new Map<string, SealedSecret[]>();
		for (const row of selectSecrets.iterate()) {
			const owner = secretOwner(row);
			const list = secrets.get(owner);
			if (list === undefined) secrets.set(owner, [toSecret(row)]);
			else list.push(toSecret(row));
		}
		return select.all().map((row) => toWebhookRecord(row, secrets.get(toWebhook(row).id) ?? []));
	};
}

function createWebhookPage(db: DatabaseSync) {
	const sql = (order: string) => `
		SELECT * FROM webhooks INDEXED BY webhooks_by_project
		WHERE project_id = ? AND delete_date IS NULL AND id >= ? AND id < ? ORDER BY id ${order} LIMIT ?
	`;
	const select = { ASC: db.prepare(sql("ASC")), DESC: db.prepare(sql("DESC")) };
	const everything = idRange({ after: null, before: null });

	return (projectId: string, request: PageRequest): Page<Webhook> => {
		const project = idBytes("proj", projectId);
		const page = readPage("webhook", request, everything, ({ low, high }, order, limit) =>
			select[order].all(project, low, high, limit),
		);
		return mapPage(page, toWebhook);
	};
}

function createInsertWebhook(db: DatabaseSync) {
	const insert = db.prepare(`
		INSERT INTO webhooks (id, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	`);
	const insertSecrets = createInsertSecrets(db);
	return (record: WebhookRecord): void => {
		const id = idBytes("webhook", record.id);
		insert.run(id, ...webhookValues(record));
		insertSecrets(id, record.secrets);
	};
}

function createReplaceWebhook(db: DatabaseSync) {
	const update = db.prepare(`
		UPDATE webhooks SET (${COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?
	`);
	const deleteSecrets = db.prepare("DELETE FROM webhook_secrets WHERE webhook_id = ?");
	const insertSecrets = createInsertSecrets(db);
	return (record: WebhookRecord): void => {
		const id = idBytes("webhook", record.id);
		if (update.run(...webhookValues(record), id).changes === 0) {
			throw new StoreError("store_conflict", `there is no webhook ${record.id} to update`);
		}
		deleteSecrets.run(id);
		insertSecrets(id, record.secrets);
	};
}

function createInsertSecrets(db: DatabaseSync) {
	const insert = db.prepare(`
		INSERT INTO webhook_secrets (webhook_id, number, sealed, create_date, expire_date) VALUES (?, ?, ?, ?, ?)
	`);
	return (webhookId: Uint8Array, secrets: readonly SealedSecret[]): void => {
		for (const { number, sealed, createDate, expireDate } of secrets) {
			insert.run(webhookId, number, sealed, createDate, expireDate);
		}
	};
}
