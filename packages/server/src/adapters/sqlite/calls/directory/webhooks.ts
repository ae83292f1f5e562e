// Webhooks with their sealed secrets.
import type { DatabaseSync, SQLInputValue } from "node:sqlite";

import type { AuditEntry } from "../../../../core/access/audit.ts";
import { wholeProject, type Scope } from "../../../../core/access/principal.ts";
import type { Page, PageRequest } from "../../../../core/page.ts";
import type { Webhook } from "../../../../core/webhook.ts";
import type { SealedSecret, UpdateOptions, WebhookRecord } from "../../../../ports/store/directory.ts";
import { StoreError } from "../../../../ports/store/errors.ts";
import { STATUS_CODES } from "../../codec/delivery-rows.ts";
import { idBytes, idHex } from "../../codec/ids.ts";
import { rowId } from "../../codec/rows.ts";
import { prepareInsert, prepareUpdate } from "../../codec/statements.ts";
import { SECRET, secretOwner, WEBHOOK, WEBHOOK_ROW, webhookId } from "../../codec/webhook-rows.ts";
import { HealthChanges, type HealthTable } from "../../stats/health-table.ts";
import { idRange, mapPage, readPage } from "../keyset.ts";
import { noProject, type Change } from "./change.ts";

/** Prepares the calls about webhooks. */
export function createWebhookCalls(db: DatabaseSync, change: Change, health: HealthTable) {
	const { transact, versions, writeEntry } = change;
	const insert = createInsertWebhook(db);

	return {
		webhookRecords: createWebhookRecords(db),
		webhooks: createWebhookPage(db),
		insertWebhook: (record: WebhookRecord, entry: AuditEntry | null): number =>
			transact(() => {
				const revision = versions.raiseProject(idBytes("proj", record.projectId)) ?? noProject(record.projectId);
				insert({ ...record, revision });
				writeEntry(entry);
				return revision;
			}),
		updateWebhook: createUpdateWebhook(db, change, health),
	};
}

function createUpdateWebhook(db: DatabaseSync, { transact, versions, writeEntry }: Change, health: HealthTable) {
	const selectRevision = db.prepare(
		"SELECT revision FROM webhooks WHERE id = ? AND project_id = ? AND delete_date IS NULL",
	);
	const replace = createReplaceWebhook(db);

	return (
		record: WebhookRecord,
		{ expected, entry, resetHealth = false }: UpdateOptions & { readonly resetHealth?: boolean },
	): number | null => {
		const changes = new HealthChanges(health);
		const revision = transact(() => {
			const project = idBytes("proj", record.projectId);
			if (selectRevision.get(idBytes("webhook", record.id), project)?.["revision"] !== expected) return null;
			// A project that is deleted has no webhook that is not.
			const revision = versions.raiseProject(project) ?? noProject(record.projectId);
			replace({ ...record, revision });
			if (resetHealth) changes.reset(idHex("webhook", record.id));
			health.write(changes);
			writeEntry(entry);
			return revision;
		});
		health.apply(changes);
		return revision;
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
			if (list === undefined) secrets.set(owner, [SECRET.read(row)]);
			else list.push(SECRET.read(row));
		}
		return select.all().map((row) => ({ ...WEBHOOK_ROW.read(row), secrets: secrets.get(webhookId(row)) ?? [] }));
	};
}

/** Prepares the reading of the webhooks, deleted or not, that fulfil `condition`, with their secrets. */
export function createReadWebhooks(db: DatabaseSync, index: string, condition: string) {
	const select = db.prepare(`SELECT * FROM webhooks INDEXED BY ${index} WHERE ${condition}`);
	const selectSecrets = db.prepare("SELECT * FROM webhook_secrets WHERE webhook_id = ? ORDER BY number DESC");
	return (...values: readonly SQLInputValue[]): WebhookRecord[] =>
		select
			.all(...values)
			.map((row) => ({ ...WEBHOOK_ROW.read(row), secrets: selectSecrets.all(rowId(row)).map(SECRET.read) }));
}

function createWebhookPage(db: DatabaseSync) {
	const sql = (order: string) => `
		SELECT * FROM webhooks INDEXED BY webhooks_by_project
		WHERE project_id = ? AND delete_date IS NULL AND id >= ? AND id < ? ORDER BY id ${order} LIMIT ?
	`;
	const select = { ASC: db.prepare(sql("ASC")), DESC: db.prepare(sql("DESC")) };
	const everything = idRange({ after: null, before: null });

	return (scope: Scope, request: PageRequest): Page<Webhook> => {
		const project = idBytes("proj", wholeProject(scope));
		const page = readPage("webhook", request, everything, ({ low, high }, order, limit) =>
			select[order].all(project, low, high, limit),
		);
		return mapPage(page, WEBHOOK.read);
	};
}

function createInsertWebhook(db: DatabaseSync): (record: WebhookRecord) => void {
	const insert = prepareInsert(db, "webhooks", WEBHOOK_ROW.columns);
	const insertSecrets = createInsertSecrets(db);
	return (record) => {
		insert.run(...WEBHOOK_ROW.write(record));
		insertSecrets(idBytes("webhook", record.id), record.secrets);
	};
}

/** Prepares the replacement of a webhook's record and secrets. Throws a `store_conflict` if there is no such webhook. */
export function createReplaceWebhook(db: DatabaseSync): (record: WebhookRecord) => void {
	const update = prepareUpdate(db, "webhooks", WEBHOOK_ROW.columns, ["id"]);
	const deleteSecrets = db.prepare("DELETE FROM webhook_secrets WHERE webhook_id = ?");
	const insertSecrets = createInsertSecrets(db);
	return (record) => {
		if (update.run(...WEBHOOK_ROW.write(record)).changes === 0) {
			throw new StoreError("store_conflict", `there is no webhook ${record.id} to update`);
		}
		const id = idBytes("webhook", record.id);
		deleteSecrets.run(id);
		insertSecrets(id, record.secrets);
	};
}

function createInsertSecrets(db: DatabaseSync): (webhookId: Uint8Array, secrets: readonly SealedSecret[]) => void {
	const insert = prepareInsert(db, "webhook_secrets", ["webhook_id", ...SECRET.columns]);
	return (webhookId, secrets) => {
		for (const secret of secrets) insert.run(webhookId, ...SECRET.write(secret));
	};
}
