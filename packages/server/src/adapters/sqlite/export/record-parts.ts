// The parts that are lists of records: projects, keys, webhooks with what belongs to them, customers, sessions, the audit log.
import type { DatabaseSync } from "node:sqlite";

import type { AuditDraft } from "../../../core/access/audit.ts";
import type { TransferRows } from "../../../ports/store/transfer/rows.ts";
import { SESSION, SIGN_IN_LINK } from "../codec/access/session-rows.ts";
import { AUDIT_ENTRY } from "../codec/audit-rows.ts";
import { boolean, id, json, number, orNull, record, text, type Codec } from "../codec/columns.ts";
import { CUSTOMER, PORTAL_SESSION } from "../codec/customer-rows.ts";
import { EVENT_TYPE } from "../codec/event-type-rows.ts";
import { idText } from "../codec/ids.ts";
import { KEY, REVOKED_KEY } from "../codec/key-rows.ts";
import { RELAY } from "../codec/relays/relay-rows.ts";
import { bytes, number as numberIn, rowId, type Row } from "../codec/rows.ts";
import { qualified } from "../codec/statements.ts";
import { SECRET, WEBHOOK_ROW } from "../codec/webhook-rows.ts";
import { PROJECT } from "../codec/workspace-rows.ts";
import { HEALTH } from "../stats/health-table.ts";
import type { DeliveryIds } from "./delivery-ids.ts";
import { createPartReader, type PartReader, type PartSql } from "./part-reader.ts";

const PROJECT_ROW = record<TransferRows["projects"]>({
	project: PROJECT,
	deleteDate: orNull(number("delete_date")),
	version: number("version"),
	webhookCount: number("webhook_count"),
	webhookBytes: number("webhook_bytes"),
});
const KEY_USE = record<TransferRows["keyUses"]>({ keyId: id("key_id", "key"), at: number("use_date") });
const WEBHOOK = record<TransferRows["webhooks"]>({ webhook: WEBHOOK_ROW, erased: boolean("erased") });
const WEBHOOK_SECRET = record<TransferRows["webhookSecrets"]>({
	webhookId: id("webhook_id", "webhook"),
	secret: SECRET,
});
/** The two below name the webhook by its number in the table: the id is joined. */
const VERSION = record<Omit<TransferRows["webhookVersions"], "webhookId">>({
	revision: number("revision"),
	endpoint: text("endpoint"),
	eventTypes: orNull(json<readonly string[]>("event_types")),
	createDate: number("create_date"),
});
const WEBHOOK_HEALTH = record<Omit<TransferRows["webhookHealth"], "webhookId">>({
	health: HEALTH,
	nextDate: orNull(number("next_date")),
});
const DELETION = record<Omit<TransferRows["customerDeletions"], "webhookId" | "throughId">>({
	projectId: id("project_id", "proj"),
	customerId: text("customer_id"),
	startDate: number("start_date"),
	draft: orNull(json<AuditDraft>("draft")),
	webhooks: number("webhooks"),
	deliveries: number("deliveries"),
	events: number("events"),
});

/** Rows of these tables can be left for a while after their project is deleted completely. The + keeps the order of the key. */
const OF_A_PROJECT = "+project_id IN (SELECT id FROM projects)";

/** Prepares the reading of the parts. */
export function createRecordParts(db: DatabaseSync, ids: DeliveryIds) {
	const all = <T>(table: string, codec: Codec<T>, key: readonly string[], where?: string): PartReader<T> =>
		createPartReader(db, { columns: codec.columns, from: table, key, toRow: codec.read, ...(where && { where }) });
	return {
		projects: all("projects", PROJECT_ROW, ["id"]),
		keys: all("keys", KEY, ["id"]),
		keyUses: all("key_uses", KEY_USE, ["key_id"]),
		webhooks: all("webhooks", WEBHOOK, ["id"]),
		webhookSecrets: all("webhook_secrets", WEBHOOK_SECRET, ["webhook_id", "number"]),
		webhookVersions: createPartReader(db, ofWebhook("webhook_versions", VERSION, ["part.webhook", "part.revision"])),
		webhookHealth: createPartReader(db, ofWebhook("webhook_health", WEBHOOK_HEALTH, ["part.webhook"])),
		eventTypes: all("event_types", EVENT_TYPE, ["project_id", "name"], OF_A_PROJECT),
		customers: all("customers", CUSTOMER, ["project_id", "customer_id"], OF_A_PROJECT),
		customerDeletions: createDeletions(db, ids),
		sessions: all("sessions", SESSION, ["id"]),
		signInLinks: all("sign_in_links", SIGN_IN_LINK, ["id"]),
		portalSessions: all("portal_sessions", PORTAL_SESSION, ["id"], OF_A_PROJECT),
		relays: all("relays", RELAY, ["webhook_id"]),
		auditEntries: all("audit_entries", AUDIT_ENTRY, ["id"]),
		revokedKeys: all("revoked_keys", REVOKED_KEY, ["id"]),
	};
}

function ofWebhook<T>(
	table: string,
	codec: Codec<T>,
	key: readonly string[],
): PartSql<T & { readonly webhookId: string }> {
	return {
		columns: ["webhook.id AS id", qualified("part", codec.columns)],
		from: `${table} part CROSS JOIN webhooks webhook ON webhook.number = part.webhook`,
		key,
		toRow: (row) => ({ ...codec.read(row), webhookId: idText("webhook", rowId(row)) }),
	};
}

/** A deletion has a webhook in hand if it has begun with the first one that still has the customer. */
function createDeletions(db: DatabaseSync, ids: DeliveryIds): PartReader<TransferRows["customerDeletions"]> {
	const selectWebhook = db.prepare(`
		SELECT id, number FROM webhooks INDEXED BY webhooks_by_customer WHERE project_id = ? AND customer_id = ? ORDER BY id LIMIT 1
	`);
	const inHand = (row: Row) => {
		const webhook = selectWebhook.get(bytes(row["project_id"]), row["customer_id"] ?? null);
		if (webhook === undefined || webhook["number"] !== row["place"]) return { webhookId: null, throughId: null };
		const throughId = ids.lastOfWebhook(numberIn(webhook["number"]), numberIn(row["through"]));
		return { webhookId: throughId === null ? null : idText("webhook", rowId(webhook)), throughId };
	};
	return createPartReader(db, {
		columns: [...DELETION.columns, "place", "through"],
		from: "customer_deletions",
		where: OF_A_PROJECT,
		key: ["project_id", "customer_id"],
		toRow: (row) => ({ ...DELETION.read(row), ...inHand(row) }),
	});
}
