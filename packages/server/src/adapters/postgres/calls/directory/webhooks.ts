// Webhooks with their sealed secrets: how they are written.
import type { AuditEntry } from "../../../../core/access/audit.ts";
import { HEALTHY, withoutWarnings } from "../../../../core/policies/webhook-health.ts";
import type { WebhookLimits } from "../../../../core/webhook.ts";
import type { DirectoryStore, WebhookRecord, WebhookRefusal } from "../../../../ports/store/directory.ts";
import { CUSTOMER } from "../../codec/customer-rows.ts";
import { uuidOf } from "../../codec/ids.ts";
import { insertInto, statement, updateOf } from "../../codec/statements.ts";
import { DELETE_DATE, SECRET, WEBHOOK_ROW, webhookId } from "../../codec/webhook-rows.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";
import { lockHealth, writeHealth } from "../../stats/health.ts";
import { writeEntry } from "../audit.ts";
import { noProject, raiseProject } from "./change.ts";
import { counted, NOTHING_COUNTED, recount, Refusal, refusing } from "./webhook-totals.ts";
import { writeVersion } from "./webhook-versions.ts";

type UpdateWebhookOptions = Parameters<DirectoryStore["updateWebhook"]>[1];

const INSERT = insertInto("webhooks", WEBHOOK_ROW.columns);
const UPDATE = updateOf("webhooks", WEBHOOK_ROW.columns, ["id"]);
const INSERT_SECRET = insertInto("webhook_secrets", ["webhook_id", ...SECRET.columns]);
const DELETE_SECRETS = statement("DELETE FROM webhook_secrets WHERE webhook_id = $1");
const NOTE_CUSTOMER = insertInto("customers", CUSTOMER.columns, "ON CONFLICT DO NOTHING");
const SELECT_DELETING = statement("SELECT 1 FROM customer_deletions WHERE project_id = $1 AND customer_id = $2");
const SELECT_BEFORE = statement(
	`SELECT revision, disable_after_ms FROM webhooks WHERE id = $1 AND project_id = $2 AND ${DELETE_DATE} IS NULL`,
);
const SELECT_WITH_KEY = statement(
	"SELECT id FROM webhooks WHERE project_id = $1 AND key = $2 AND key IS NOT NULL AND delete_date IS NULL AND id <> $3",
);

/** The calls that write webhooks. */
export function createWebhookCalls(database: Database) {
	return {
		insertWebhook: (
			record: WebhookRecord,
			entry: AuditEntry | null,
			limits?: WebhookLimits,
		): Promise<number | WebhookRefusal> =>
			refusing(database, record.projectId, async (session) => {
				const project = uuidOf("proj", record.projectId);
				const revision = (await raiseProject(session, project)) ?? noProject(record.projectId);
				await checkCustomer(session, record);
				await checkKey(session, record);
				await insertWebhook(session, { ...record, revision });
				const now = await counted(session, uuidOf("webhook", record.id));
				await recount(session, project, [NOTHING_COUNTED, now], limits);
				await writeVersion(session, { ...record, revision });
				await writeEntry(session, entry);
				return revision;
			}),
		updateWebhook: async (
			record: WebhookRecord,
			options: UpdateWebhookOptions,
		): Promise<number | Exclude<WebhookRefusal, "too_many_webhooks"> | null> => {
			const result = await refusing(database, record.projectId, (session) => updateWebhook(session, record, options));
			// An update adds no webhook.
			return result === "too_many_webhooks" ? "webhooks_too_large" : result;
		},
	};
}

async function updateWebhook(
	session: Session,
	record: WebhookRecord,
	{ expected, entry, resetHealth = false, limits }: UpdateWebhookOptions,
): Promise<number | null> {
	const [project, id] = [uuidOf("proj", record.projectId), uuidOf("webhook", record.id)];
	const [before] = await session.run(SELECT_BEFORE, [id, project]);
	if (id === null || before?.["revision"] !== expected) return null;
	const countedBefore = await counted(session, id);
	// The webhooks of a deleted project are deleted, too.
	const revision = (await raiseProject(session, project)) ?? noProject(record.projectId);
	await checkKey(session, record);
	await session.run(UPDATE, WEBHOOK_ROW.write({ ...record, revision }));
	await session.run(DELETE_SECRETS, [id]);
	await insertSecrets(session, record);
	await recount(session, project, [countedBefore, await counted(session, id)], limits);
	await writeVersion(session, { ...record, revision });
	if (resetHealth) await writeHealth(session, [[id, HEALTHY]]);
	else if (record.disableAfterMs !== before["disable_after_ms"]) await withdrawWarnings(session, id);
	await writeEntry(session, entry);
	return revision;
}

async function withdrawWarnings(session: Session, id: string): Promise<void> {
	const health = (await lockHealth(session, [id])).get(id);
	if (health !== undefined) await writeHealth(session, [[id, withoutWarnings(health)]]);
}

async function checkCustomer(session: Session, { projectId, customerId }: WebhookRecord): Promise<void> {
	if (customerId === null) return;
	const deleting = await session.run(SELECT_DELETING, [uuidOf("proj", projectId), customerId]);
	if (deleting.length > 0) throw new Refusal("customer_being_deleted");
}

/** No other webhook may have the key of a record. */
async function checkKey(session: Session, { id, projectId, key, deleteDate }: WebhookRecord): Promise<void> {
	if (key === null || deleteDate !== null) return;
	const [other] = await session.run(SELECT_WITH_KEY, [uuidOf("proj", projectId), key, uuidOf("webhook", id)]);
	if (other !== undefined) throw new Refusal({ kind: "key_taken", webhookId: webhookId(other) });
}

async function insertWebhook(session: Session, record: WebhookRecord): Promise<void> {
	const { customerId, projectId, createDate } = record;
	if (customerId !== null) {
		const customer = { projectId, customerId, name: null, metadata: {}, createDate, updateDate: createDate };
		await session.run(NOTE_CUSTOMER, CUSTOMER.write(customer));
	}
	await session.run(INSERT, WEBHOOK_ROW.write(record));
	await insertSecrets(session, record);
}

async function insertSecrets(session: Session, { id, secrets }: WebhookRecord): Promise<void> {
	for (const secret of secrets) await session.run(INSERT_SECRET, [uuidOf("webhook", id), ...SECRET.write(secret)]);
}
