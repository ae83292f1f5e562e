// Webhooks and their secrets. A new property needs its column in a migration, and a line in the list below.
import type { RetryPolicy } from "../../../core/policies/retry-policy.ts";
import type { PausedReason, RateLimit, Webhook, WebhookState, WebhookStatus } from "../../../core/webhook.ts";
import type { SealedSecret, WebhookRecord, WebhookSummary } from "../../../ports/store/directory.ts";
import { bytes, code, id, json, number, orNull, record, text, type Codec, type Fields } from "./columns.ts";
import { idText } from "./ids.ts";
import * as rows from "./rows.ts";
import { rowId, type Row } from "./rows.ts";
import { list } from "./statements.ts";

/** Permanent, on disk: a number never changes its meaning. */
export const WEBHOOK_STATUS_CODES = { Enabled: 0, Paused: 1, Disabled: 2 } as const satisfies Record<
	WebhookStatus,
	number
>;

/** Permanent, on disk. */
export const PAUSED_REASON_CODES = { restored: 1, away: 2, gone: 3 } as const satisfies Record<PausedReason, number>;

/** A policy without a schedule is read without the property `scheduleMs`. */
const RETRIES: Codec<RetryPolicy> = {
	columns: ["max_retries", "max_backoff_ms", "schedule_ms"],
	write: ({ maxRetries, maxBackoffMs, scheduleMs = null }) => [
		maxRetries,
		maxBackoffMs,
		scheduleMs === null ? null : JSON.stringify(scheduleMs),
	],
	read: (row) => {
		const policy = { maxRetries: rows.number(row["max_retries"]), maxBackoffMs: rows.number(row["max_backoff_ms"]) };
		return row["schedule_ms"] === null ? policy : { ...policy, scheduleMs: rows.json<number[]>(row["schedule_ms"]) };
	},
};

const FIELDS: Fields<Webhook> = {
	id: id("id", "webhook"),
	projectId: id("project_id", "proj"),
	customerId: orNull(text("customer_id")),
	key: orNull(text("key")),
	name: text("name"),
	description: orNull(text("description")),
	endpoint: text("endpoint"),
	retries: RETRIES,
	eventTypes: orNull(json<readonly string[]>("event_types")),
	timeoutMs: number("timeout_ms"),
	rateLimit: orNull(record<RateLimit>({ perSecond: number("rate_limit_per_second") })),
	disableAfterMs: number("disable_after_ms"),
	metadata: json("metadata"),
	status: code("status", WEBHOOK_STATUS_CODES),
	disabledReason: orNull(text("disabled_reason")),
	pausedReason: orNull(code("paused_reason", PAUSED_REASON_CODES)),
	headerNames: json("header_names"),
	secretHint: text("secret_hint"),
	secretOverlapUntil: orNull(number("secret_overlap_until")),
	createDate: number("create_date"),
	updateDate: number("update_date"),
	revision: number("revision"),
};

/** A webhook without its sealed parts. */
export const WEBHOOK = record<Webhook>(FIELDS);

/** A row of `webhooks`: a webhook's record without its secrets, which are rows of `webhook_secrets`. */
export const WEBHOOK_ROW = record<Omit<WebhookRecord, "secrets">>({
	...FIELDS,
	sealedHeaders: orNull(bytes("sealed_headers")),
	deleteDate: orNull(number("delete_date")),
});

/** The columns of a row of `webhooks` that the directory keeps in memory. */
export const WEBHOOK_SUMMARY = record<WebhookSummary>({
	id: FIELDS.id,
	projectId: FIELDS.projectId,
	customerId: FIELDS.customerId,
	name: FIELDS.name,
	rateLimit: FIELDS.rateLimit,
	disableAfterMs: FIELDS.disableAfterMs,
	status: FIELDS.status,
	disabledReason: FIELDS.disabledReason,
	pausedReason: FIELDS.pausedReason,
	revision: FIELDS.revision,
	eventTypesJson: orNull(text("event_types")),
	deleteDate: orNull(number("delete_date")),
});

/** The columns of a webhook that decide what becomes of its waiting deliveries. */
export const WEBHOOK_STATE = record<WebhookState>({
	status: FIELDS.status,
	disabledReason: FIELDS.disabledReason,
	pausedReason: FIELDS.pausedReason,
	deleteDate: orNull(number("delete_date")),
});

/** SQL for when a webhook of the table was deleted, by itself or with its project; null if it was not. */
export const DELETE_DATE =
	"coalesce(webhooks.delete_date, (SELECT delete_date FROM projects WHERE projects.id = webhooks.project_id))";

/** The columns of a webhook, for reading them from `webhooks`. The deletion of a project is its own mark, however many webhooks it has. */
export function webhookColumns({ columns }: { readonly columns: readonly string[] }): string {
	return list(columns.map((column) => (column === "delete_date" ? `${DELETE_DATE} AS delete_date` : column)));
}

/** A row of `webhook_secrets`, without the webhook that it belongs to. */
export const SECRET = record<SealedSecret>({
	number: number("number"),
	sealed: bytes("sealed"),
	createDate: number("create_date"),
	expireDate: orNull(number("expire_date")),
});

/** The id of a row of `webhooks`. */
export function webhookId(row: Row): string {
	return idText("webhook", rowId(row));
}
