// Between rows and the domain. The only file with casts: what is read here was written here, through STRICT tables.
import type { SQLOutputValue } from "node:sqlite";

import type { ApiKey, Scope } from "../../../core/crypto/key.ts";
import {
	dueAt,
	type Attempt,
	type AttemptTrigger,
	type Delivery,
	type DeliveryState,
	type DeliveryStatus,
} from "../../../core/delivery.ts";
import type { EventTypePolicy } from "../../../core/event-type.ts";
import type { Event } from "../../../core/event.ts";
import type { RetryPolicy } from "../../../core/policies/retry-policy.ts";
import type { Webhook, WebhookStatus } from "../../../core/webhook.ts";
import type { Project } from "../../../core/workspace.ts";
import type { SealedSecret, WebhookRecord } from "../../../ports/store/directory.ts";
import type { StoreIdentity } from "../../../ports/store/lifecycle.ts";
import type { LeasedDelivery } from "../../../ports/store/queue.ts";
import { idBytes, idText, idTime } from "./ids.ts";

/** What `get` and `all` give. */
export type Row = Record<string, SQLOutputValue>;

// On disk for good: a number never changes its meaning.
export const STATUS_CODES = { Pending: 0, Succeeded: 1, Failed: 2, Held: 3, Cancelled: 4 } as const satisfies Record<
	DeliveryStatus,
	number
>;
const TRIGGER_CODES = { auto: 0, manual: 1, replay: 2 } as const satisfies Record<AttemptTrigger, number>;
const WEBHOOK_STATUS_CODES = { Enabled: 0, Paused: 1, Disabled: 2 } as const satisfies Record<WebhookStatus, number>;
const SCOPE_CODES = { read: 0, write: 1, admin: 2 } as const satisfies Record<Scope, number>;
export const ADMIN_SCOPE_CODE = SCOPE_CODES.admin;
export const EVENT_TYPE_POLICY_CODES = { open: 0, catalogued: 1 } as const satisfies Record<EventTypePolicy, number>;

export const STATUSES = namesByCode(STATUS_CODES);
const TRIGGERS = namesByCode(TRIGGER_CODES);
const WEBHOOK_STATUSES = namesByCode(WEBHOOK_STATUS_CODES);
const SCOPES = namesByCode(SCOPE_CODES);
const EVENT_TYPE_POLICIES = namesByCode(EVENT_TYPE_POLICY_CODES);

export function namesByCode<Name extends string>(codes: Readonly<Record<Name, number>>): readonly Name[] {
	const names: Name[] = [];
	for (const [name, code] of Object.entries(codes)) names[code as number] = name as Name;
	return names;
}

export function nameOf<Name extends string>(names: readonly Name[], code: SQLOutputValue | undefined): Name {
	const name = names[code as number];
	if (name === undefined) throw new RangeError(`a row has the unknown code ${String(code)}`);
	return name;
}

export const text = (value: SQLOutputValue | undefined): string => value as string;
export const textOrNull = (value: SQLOutputValue | undefined): string | null => value as string | null;
export const number = (value: SQLOutputValue | undefined): number => value as number;
export const numberOrNull = (value: SQLOutputValue | undefined): number | null => value as number | null;
export const bytes = (value: SQLOutputValue | undefined): Uint8Array => value as Uint8Array;
export const bytesOrNull = (value: SQLOutputValue | undefined): Uint8Array | null => value as Uint8Array | null;
export const names = (value: SQLOutputValue | undefined): readonly string[] => JSON.parse(value as string) as string[];
const map = (value: SQLOutputValue | undefined): Readonly<Record<string, string>> =>
	JSON.parse(value as string) as Record<string, string>;

/** The one number of a row such as `SELECT count(*) AS count`. */
export function countOf(row: Row | undefined): number {
	return number(row?.["count"]);
}

/** Columns of a delivery's state, in the order of `stateValues`. */
export const STATE_COLUMNS =
	"status, reason, attempt_count, auto_attempt_count, next_attempt_at, lease_until, trigger, schedule_resumes_at, response_code";

/** The values of `STATE_COLUMNS`, and of `due_at`. */
export function stateValues(state: DeliveryState) {
	return [
		STATUS_CODES[state.status],
		state.reason,
		state.attemptCount,
		state.autoAttemptCount,
		state.nextAttemptAt,
		state.leaseUntil,
		TRIGGER_CODES[state.trigger],
		state.scheduleResumesAt,
		state.responseCode,
		dueAt(state),
	] as const;
}

export function toState(row: Row): DeliveryState {
	return {
		status: nameOf(STATUSES, row["status"]),
		reason: textOrNull(row["reason"]),
		attemptCount: number(row["attempt_count"]),
		autoAttemptCount: number(row["auto_attempt_count"]),
		nextAttemptAt: numberOrNull(row["next_attempt_at"]),
		leaseUntil: numberOrNull(row["lease_until"]),
		trigger: nameOf(TRIGGERS, row["trigger"]),
		scheduleResumesAt: numberOrNull(row["schedule_resumes_at"]),
		responseCode: numberOrNull(row["response_code"]),
	};
}

export function toDelivery(row: Row): Delivery {
	const id = bytes(row["id"]);
	return {
		id: idText("dlv", id),
		projectId: idText("proj", bytes(row["project_id"])),
		eventId: idText("evt", bytes(row["event_id"])),
		eventType: text(row["event_type"]),
		webhookId: idText("webhook", bytes(row["webhook_id"])),
		createDate: idTime(id),
		updateDate: number(row["update_date"]),
		...toState(row),
	};
}

export function toLeasedDelivery(row: Row, leaseUntil: number): LeasedDelivery {
	return {
		id: idText("dlv", bytes(row["id"])),
		projectId: idText("proj", bytes(row["project_id"])),
		webhookId: idText("webhook", bytes(row["webhook_id"])),
		eventId: idText("evt", bytes(row["event_id"])),
		eventType: text(row["event_type"]),
		trigger: nameOf(TRIGGERS, row["trigger"]),
		attemptCount: number(row["attempt_count"]),
		leaseUntil,
		createDate: number(row["create_date"]),
		body: bytes(row["body"]),
	};
}

export function rowId(row: Row): Uint8Array {
	return bytes(row["id"]);
}

/** The row of `dueWebhooks`. */
export function toDueWebhook(row: Row): { webhookId: string; dueAt: number } {
	return { webhookId: idText("webhook", bytes(row["webhook_id"])), dueAt: number(row["due_at"]) };
}

export function toEvent(row: Row): Event {
	return {
		id: idText("evt", bytes(row["id"])),
		projectId: idText("proj", bytes(row["project_id"])),
		type: text(row["type"]),
		timestamp: number(row["timestamp"]),
		createDate: number(row["create_date"]),
		deliveryCount: number(row["delivery_count"]),
	};
}

export function fingerprintOf(row: Row): Uint8Array {
	return bytes(row["fingerprint"]);
}

/** The values of an attempt's columns after `delivery_id` and `number`. */
export function attemptValues(attempt: Attempt) {
	const { response } = attempt;
	return [
		idBytes("atm", attempt.id),
		TRIGGER_CODES[attempt.trigger],
		attempt.startDate,
		attempt.durationMs,
		attempt.responseCode,
		attempt.error,
		attempt.reason,
		JSON.stringify(attempt.requestHeaders),
		response === null ? null : JSON.stringify(response.headers),
		response === null ? null : response.body,
		response === null ? null : Number(response.bodyTruncated),
	] as const;
}

export function toAttempt(row: Row): Attempt {
	return {
		id: idText("atm", bytes(row["id"])),
		number: number(row["number"]),
		trigger: nameOf(TRIGGERS, row["trigger"]),
		startDate: number(row["start_date"]),
		durationMs: number(row["duration_ms"]),
		responseCode: number(row["response_code"]),
		error: textOrNull(row["error"]),
		reason: textOrNull(row["reason"]),
		requestHeaders: map(row["request_headers"]),
		response:
			row["response_headers"] === null
				? null
				: {
						headers: map(row["response_headers"]),
						body: text(row["response_body"]),
						bodyTruncated: row["response_body_truncated"] === 1,
					},
	};
}

export function toIdentity(row: Row): StoreIdentity {
	return {
		workspace: {
			id: idText("ws", bytes(row["id"])),
			name: text(row["name"]),
			owner: text(row["owner"]),
			tier: text(row["tier"]),
			createDate: number(row["create_date"]),
		},
		masterKeyFingerprint: text(row["master_key_fingerprint"]),
	};
}

export function toProject(row: Row): Project {
	return {
		id: idText("proj", bytes(row["id"])),
		workspaceId: idText("ws", bytes(row["workspace_id"])),
		name: text(row["name"]),
		eventTypes: nameOf(EVENT_TYPE_POLICIES, row["event_type_policy"]),
		retentionDays: numberOrNull(row["retention_days"]),
		payloadRetentionDays: numberOrNull(row["payload_retention_days"]),
		createDate: number(row["create_date"]),
	};
}

export function keyValues(key: ApiKey) {
	return [
		idBytes("key", key.id),
		key.name,
		SCOPE_CODES[key.scope],
		key.projectId === null ? null : idBytes("proj", key.projectId),
		key.hint,
		key.digest,
		key.createDate,
	] as const;
}

export function toKey(row: Row): ApiKey {
	const projectId = bytesOrNull(row["project_id"]);
	return {
		id: idText("key", bytes(row["id"])),
		name: text(row["name"]),
		scope: nameOf(SCOPES, row["scope"]),
		projectId: projectId === null ? null : idText("proj", projectId),
		hint: text(row["hint"]),
		digest: bytes(row["digest"]),
		createDate: number(row["create_date"]),
	};
}

/** Whether the key may do everything everywhere. */
export function isWorkspaceAdmin(row: Row): boolean {
	return row["scope"] === ADMIN_SCOPE_CODE && row["project_id"] === null;
}

/** The values of a webhook's columns after `id`. */
export function webhookValues(record: WebhookRecord) {
	return [
		idBytes("proj", record.projectId),
		record.name,
		record.description,
		record.endpoint,
		record.retries.maxRetries,
		record.retries.maxBackoffMs,
		record.eventTypes === null ? null : JSON.stringify(record.eventTypes),
		record.timeoutMs,
		JSON.stringify(record.metadata),
		WEBHOOK_STATUS_CODES[record.status],
		record.disabledReason,
		JSON.stringify(record.headerNames),
		record.sealedHeaders,
		record.secretHint,
		record.createDate,
		record.updateDate,
		record.deleteDate,
		scheduleText(record.retries.scheduleMs ?? null),
		record.rateLimit?.perSecond ?? null,
		record.disableAfterMs,
		record.secretOverlapUntil,
	] as const;
}

export function toWebhook(row: Row): Webhook {
	return {
		id: idText("webhook", bytes(row["id"])),
		projectId: idText("proj", bytes(row["project_id"])),
		name: text(row["name"]),
		description: textOrNull(row["description"]),
		endpoint: text(row["endpoint"]),
		retries: toRetryPolicy(row),
		eventTypes: row["event_types"] === null ? null : names(row["event_types"]),
		timeoutMs: number(row["timeout_ms"]),
		rateLimit: row["rate_limit_per_second"] === null ? null : { perSecond: number(row["rate_limit_per_second"]) },
		disableAfterMs: number(row["disable_after_ms"]),
		metadata: map(row["metadata"]),
		status: nameOf(WEBHOOK_STATUSES, row["status"]),
		disabledReason: textOrNull(row["disabled_reason"]),
		headerNames: names(row["header_names"]),
		secretHint: text(row["secret_hint"]),
		secretOverlapUntil: numberOrNull(row["secret_overlap_until"]),
		createDate: number(row["create_date"]),
		updateDate: number(row["update_date"]),
	};
}

function toRetryPolicy(row: Row): RetryPolicy {
	const policy = { maxRetries: number(row["max_retries"]), maxBackoffMs: number(row["max_backoff_ms"]) };
	const schedule = textOrNull(row["schedule_ms"]);
	return schedule === null ? policy : { ...policy, scheduleMs: JSON.parse(schedule) as number[] };
}

function scheduleText(scheduleMs: readonly number[] | null): string | null {
	return scheduleMs === null ? null : JSON.stringify(scheduleMs);
}

export function toWebhookRecord(row: Row, secrets: readonly SealedSecret[]): WebhookRecord {
	return {
		...toWebhook(row),
		secrets,
		sealedHeaders: bytesOrNull(row["sealed_headers"]),
		deleteDate: numberOrNull(row["delete_date"]),
	};
}

export function toSecret(row: Row): SealedSecret {
	return {
		number: number(row["number"]),
		sealed: bytes(row["sealed"]),
		createDate: number(row["create_date"]),
		expireDate: numberOrNull(row["expire_date"]),
	};
}

/** The webhook that a secret's row belongs to. */
export function secretOwner(row: Row): string {
	return idText("webhook", bytes(row["webhook_id"]));
}
