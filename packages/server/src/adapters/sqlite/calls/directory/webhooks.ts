// Webhooks with their sealed secrets: how they are written. The reads are in webhook-reads.ts.
import type { DatabaseSync } from "node:sqlite";

import type { AuditEntry } from "../../../../core/access/audit.ts";
import type { WebhookLimits } from "../../../../core/webhook.ts";
import type { DirectoryStore, SealedSecret, WebhookRecord, WebhookRefusal } from "../../../../ports/store/directory.ts";
import { StoreError } from "../../../../ports/store/errors.ts";
import { idBytes } from "../../codec/ids.ts";
import { prepareInsert, prepareUpdate } from "../../codec/statements.ts";
import { DELETE_DATE, SECRET, WEBHOOK_ROW, webhookId } from "../../codec/webhook-rows.ts";
import type { DeliveryTable } from "../../deliveries/delivery-table.ts";
import { createGiveNumber } from "../../deliveries/numbers.ts";
import { HealthChanges, type HealthTable } from "../../stats/health-table.ts";
import { createNoteCustomer } from "../customers/customers.ts";
import { createIsDeleting } from "../customers/delete-customer.ts";
import { noProject, type Change } from "./change.ts";
import { createWebhookRecords, createWebhookSummaries } from "./webhook-reads.ts";
import { createCounted, createProjectsOverLimits, createRecount, Refusal, refusing } from "./webhook-totals.ts";
import { createWriteVersion } from "./webhook-versions.ts";

type UpdateWebhookOptions = Parameters<DirectoryStore["updateWebhook"]>[1];

/** Prepares the calls about webhooks, except for pages of them. */
export function createWebhookCalls(db: DatabaseSync, table: DeliveryTable, change: Change, health: HealthTable) {
	const { transact, versions, writeEntry } = change;
	const insert = createInsertWebhook(db);
	const isDeleting = createIsDeleting(db);
	const counted = createCounted(db);
	const recount = createRecount(db);
	const writeVersion = createWriteVersion(db, table.numbers);
	const checkKey = createCheckKey(db);

	return {
		webhookSummaries: createWebhookSummaries(db, table),
		webhookRecords: createWebhookRecords(db),
		projectsOverLimits: createProjectsOverLimits(db),
		insertWebhook: (record: WebhookRecord, entry: AuditEntry | null, limits?: WebhookLimits): number | WebhookRefusal =>
			refusing(transact, () => {
				const project = idBytes("proj", record.projectId);
				const revision = versions.raiseProject(project) ?? noProject(record.projectId);
				const { customerId, projectId } = record;
				if (customerId !== null && isDeleting({ projectId, customerId })) throw new Refusal("customer_being_deleted");
				checkKey(record);
				insert({ ...record, revision });
				recount(project, { webhooks: 0, bytes: 0 }, counted(idBytes("webhook", record.id)), limits);
				writeVersion({ ...record, revision });
				writeEntry(entry);
				return revision;
			}),
		updateWebhook: createUpdateWebhook(db, table, change, health),
	};
}

function createUpdateWebhook(
	db: DatabaseSync,
	{ numbers }: DeliveryTable,
	{ transact, versions, writeEntry }: Change,
	health: HealthTable,
) {
	const select = db.prepare(
		`SELECT revision, disable_after_ms FROM webhooks WHERE id = ? AND project_id = ? AND ${DELETE_DATE} IS NULL`,
	);
	const replace = createReplaceWebhook(db);
	const counted = createCounted(db);
	const recount = createRecount(db);
	const writeVersion = createWriteVersion(db, numbers);
	const checkKey = createCheckKey(db);

	return (
		record: WebhookRecord,
		{ expected, entry, resetHealth = false, limits }: UpdateWebhookOptions,
	): number | Exclude<WebhookRefusal, "too_many_webhooks"> | null => {
		const changes = new HealthChanges(health);
		const revision = refusing(transact, () => {
			const project = idBytes("proj", record.projectId);
			const id = idBytes("webhook", record.id);
			const before = select.get(id, project);
			if (before?.["revision"] !== expected) return null;
			// The webhooks of a deleted project are deleted, too.
			const revision = versions.raiseProject(project) ?? noProject(record.projectId);
			const countedBefore = counted(id);
			checkKey(record);
			replace({ ...record, revision });
			recount(project, countedBefore, counted(id), limits);
			writeVersion({ ...record, revision });
			const { number } = numbers.webhooks.get(record.id);
			if (resetHealth) changes.reset(number);
			else if (record.disableAfterMs !== before["disable_after_ms"]) changes.withdrawWarnings(number);
			health.write(changes);
			writeEntry(entry);
			return revision;
		});
		// An update adds no webhook.
		if (revision === "too_many_webhooks") return "webhooks_too_large";
		if (typeof revision !== "number") return revision;
		health.apply(changes);
		return revision;
	};
}

/** Prepares the check that no other webhook has the key of a record. Call it inside of `refusing`, in the transaction that writes it. */
function createCheckKey(db: DatabaseSync): (record: WebhookRecord) => void {
	const select = db.prepare(`
		SELECT id FROM webhooks INDEXED BY webhooks_by_key
		WHERE project_id = ? AND key = ? AND key IS NOT NULL AND delete_date IS NULL AND id <> ?
	`);
	return ({ id, projectId, key, deleteDate }) => {
		if (key === null || deleteDate !== null) return;
		const other = select.get(idBytes("proj", projectId), key, idBytes("webhook", id));
		if (other !== undefined) throw new Refusal({ kind: "key_taken", webhookId: webhookId(other) });
	};
}

function createInsertWebhook(db: DatabaseSync): (record: WebhookRecord) => void {
	const insert = prepareInsert(db, "webhooks", WEBHOOK_ROW.columns);
	const giveNumber = createGiveNumber(db, "webhooks");
	const insertSecrets = createInsertSecrets(db);
	const noteCustomer = createNoteCustomer(db);
	return (record) => {
		const { customerId, projectId, createDate } = record;
		if (customerId !== null) noteCustomer(projectId, customerId, createDate);
		insert.run(...WEBHOOK_ROW.write(record));
		giveNumber(idBytes("webhook", record.id));
		insertSecrets(idBytes("webhook", record.id), record.secrets);
	};
}

/** Prepares the replacement of a webhook's record and secrets. Throws a `store_conflict` if there is no such webhook. */
function createReplaceWebhook(db: DatabaseSync): (record: WebhookRecord) => void {
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
