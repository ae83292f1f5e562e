// Writes the parts that are lists of records, and those of the stats: rows as JSON, whose values the database reads by the types of the
// columns.
import type { AuditDraft } from "../../../core/access/audit.ts";
import { DELIVERY_STATUSES, type DeliveryStatus } from "../../../core/delivery.ts";
import type { PartName, TransferRows } from "../../../ports/store/transfer/rows.ts";
import { PORTAL_SESSION } from "../codec/access/portal-session-rows.ts";
import { SESSION, SIGN_IN_LINK } from "../codec/access/session-rows.ts";
import { parameter } from "../codec/arrays.ts";
import { AUDIT_ENTRY } from "../codec/audit-rows.ts";
import { boolean, id, json, number, orNull, record, text, type Codec } from "../codec/columns.ts";
import { CUSTOMER } from "../codec/customer-rows.ts";
import { EVENT_TYPE } from "../codec/event-type-rows.ts";
import { FIRST_UUID, uuidOf, uuidsOf } from "../codec/ids.ts";
import { KEY, REVOKED_KEY } from "../codec/key-rows.ts";
import { RELAY } from "../codec/relays/relay-rows.ts";
import { REPLAY } from "../codec/replays/replay-rows.ts";
import { list, statement } from "../codec/statements.ts";
import { SECRET, WEBHOOK_ROW } from "../codec/webhook-rows.ts";
import { PROJECT } from "../codec/workspace-rows.ts";
import type { Session } from "../connection/session.ts";
import { HEALTH } from "../stats/health.ts";
import { COUNTERS } from "../stats/tables.ts";

/** Sends the statements that write rows. Their failures are those of the transaction. */
export type WritePart<Name extends PartName> = (session: Session, rows: readonly TransferRows[Name][]) => void;

export const RECORD_PARTS = {
	projects: into(
		"projects",
		record<TransferRows["projects"]>({
			project: PROJECT,
			deleteDate: orNull(number("delete_date")),
			version: number("version"),
			webhookCount: number("webhook_count"),
			webhookBytes: number("webhook_bytes"),
		}),
	),
	keys: into("keys", KEY),
	keyUses: into("key_uses", record<TransferRows["keyUses"]>({ keyId: id("key_id", "key"), at: number("use_date") })),
	webhooks: into("webhooks", record<TransferRows["webhooks"]>({ webhook: WEBHOOK_ROW, erased: boolean("erased") })),
	webhookSecrets: into(
		"webhook_secrets",
		record<TransferRows["webhookSecrets"]>({ webhookId: id("webhook_id", "webhook"), secret: SECRET }),
	),
	webhookVersions: into(
		"webhook_versions",
		record<TransferRows["webhookVersions"]>({
			webhookId: id("webhook_id", "webhook"),
			revision: number("revision"),
			endpoint: text("endpoint"),
			eventTypes: orNull(json<readonly string[]>("event_types")),
			createDate: number("create_date"),
		}),
	),
	webhookHealth: into(
		"webhook_health",
		record<TransferRows["webhookHealth"]>({
			webhookId: id("webhook_id", "webhook"),
			health: HEALTH,
			nextDate: orNull(number("next_date")),
		}),
	),
	eventTypes: into("event_types", EVENT_TYPE),
	customers: into("customers", CUSTOMER),
	customerDeletions: into(
		"customer_deletions",
		record<TransferRows["customerDeletions"]>({
			projectId: id("project_id", "proj"),
			customerId: text("customer_id"),
			startDate: number("start_date"),
			draft: orNull(json<AuditDraft>("draft")),
			webhooks: number("webhooks"),
			deliveries: number("deliveries"),
			events: number("events"),
			webhookId: orNull(id("webhook_id", "webhook")),
			throughId: orNull(id("through", "dlv")),
		}),
	),
	sessions: into("sessions", SESSION),
	signInLinks: into("sign_in_links", SIGN_IN_LINK),
	portalSessions: into("portal_sessions", PORTAL_SESSION),
	relays: into("relays", RELAY),
	auditEntries: into("audit_entries", AUDIT_ENTRY),
	revokedKeys: into("revoked_keys", REVOKED_KEY),
	replays: rowsInto<"replays">(
		"replays",
		[...REPLAY.columns, "chosen", "position_id", "made_after"],
		({ replay, eventIds, positionId, madeAfter }) => [
			...REPLAY.write(replay),
			eventIds === null ? null : uuidsOf("evt", eventIds),
			positionId === null ? null : uuidOf("evt", positionId),
			madeAfter === null ? FIRST_UUID : uuidOf("dlv", madeAfter),
		],
	),
	erasures: into(
		"erasures",
		record<TransferRows["erasures"]>({
			eventId: id("event_id", "evt"),
			projectId: id("project_id", "proj"),
			throughId: orNull(id("through", "dlv")),
			cancelled: number("cancelled"),
		}),
	),
	stats: rowsInto<"stats">("stats", ["owner", "width_ms", "start", ...COUNTERS, "latency", "causes"], (row) => [
		row.owner,
		row.widthMs,
		row.start,
		...countersOf(row),
		row.latencies.flat(),
		row.causes.flat(),
	]),
	statsChanges: rowsInto<"statsChanges">(
		"stats_journal",
		[
			"project_id",
			"webhook_id",
			"minute",
			...COUNTERS,
			"pending",
			"succeeded_count",
			"failed",
			"held",
			"cancelled",
			"stored_bytes",
			"last_attempt",
			"latencies",
			"causes",
		],
		(row) => [
			uuidOf("proj", row.projectId),
			row.webhookId === null ? null : uuidOf("webhook", row.webhookId),
			row.minute,
			...countersOf(row),
			...countsOf(row.counts),
			row.storedBytes,
			row.lastAttemptId === null ? null : uuidOf("dlv", row.lastAttemptId),
			// The journal has one element for each attempt.
			each(row.latencies),
			each(row.causes),
		],
	),
	statusCounts: rowsInto<"statusCounts">(
		"status_counts",
		["owner", "pending", "succeeded", "failed", "held", "cancelled", "last_attempt"],
		({ owner, counts, lastAttemptId }) => [
			owner,
			...countsOf(counts),
			lastAttemptId === null ? null : uuidOf("dlv", lastAttemptId),
		],
	),
	storedBytes: into(
		"stored_bytes",
		record<TransferRows["storedBytes"]>({ projectId: id("project_id", "proj"), bytes: number("bytes") }),
	),
};

function into<T>(table: string, { columns, write }: Codec<T>): (session: Session, rows: readonly T[]) => void {
	const insert = insertJson(table, columns);
	return (session, rows) => sendJson(session, insert, columns, rows.map(write));
}

function rowsInto<Name extends PartName>(
	table: string,
	columns: readonly string[],
	write: (row: TransferRows[Name]) => readonly unknown[],
): WritePart<Name> {
	const insert = insertJson(table, columns);
	return (session, rows) => sendJson(session, insert, columns, rows.map(write));
}

function insertJson(table: string, columns: readonly string[]) {
	return statement(`
		INSERT INTO ${table} (${list(columns)}) SELECT ${list(columns)} FROM json_populate_recordset(NULL::${table}, $1)
	`);
}

function sendJson(
	session: Session,
	insert: ReturnType<typeof statement>,
	columns: readonly string[],
	rows: readonly (readonly unknown[])[],
): void {
	const objects = rows.map((values) =>
		Object.fromEntries(columns.map((column, index) => [column, inJson(values[index])])),
	);
	// What is sent is awaited by the end of the transaction.
	session.run(insert, [JSON.stringify(objects)]).catch(() => {});
}

/** A key as often as it is counted. */
function each(counts: readonly (readonly [key: number, count: number])[]): number[] {
	return counts.flatMap(([key, count]) => Array.from<number>({ length: count }).fill(key));
}

/** Bytes in the form of the database's text. Text as any other parameter. */
function inJson(value: unknown): unknown {
	return value instanceof Uint8Array ? `\\x${Buffer.from(value).toString("hex")}` : parameter(value);
}

function countersOf(row: TransferRows["stats"] | TransferRows["statsChanges"]): number[] {
	return [row.accepted, row.attemptsSucceeded, row.attemptsFailed, row.succeeded, row.exhausted];
}

/** In the order of the statuses, which is that of the columns. */
function countsOf(counts: Readonly<Record<DeliveryStatus, number>>): number[] {
	return DELIVERY_STATUSES.map((status) => counts[status]);
}
