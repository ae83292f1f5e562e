// Deliveries. The busy path writes and reads mostly these, so values are bound by position, in the order of the columns.
import {
	dueAt,
	type AttemptTrigger,
	type Delivery,
	type DeliveryState,
	type DeliveryStatus,
} from "../../../core/delivery.ts";
import type { LeasedDelivery } from "../../../ports/store/queue.ts";
import { idText, idTime } from "./ids.ts";
import { bytes, nameOf, namesByCode, number, numberOrNull, rowId, text, textOrNull, type Row } from "./rows.ts";
import type { ValuesOf } from "./statements.ts";

/** Permanent, on disk: a number never changes its meaning. */
export const STATUS_CODES = { Pending: 0, Succeeded: 1, Failed: 2, Held: 3, Cancelled: 4 } as const satisfies Record<
	DeliveryStatus,
	number
>;
/** Permanent, on disk, too. */
export const TRIGGER_CODES = { auto: 0, manual: 1, replay: 2 } as const satisfies Record<AttemptTrigger, number>;

export const STATUSES = namesByCode(STATUS_CODES);
export const TRIGGERS = namesByCode(TRIGGER_CODES);

/** The columns that `toState` reads. */
export const STATE_COLUMNS = [
	"status",
	"reason",
	"attempt_count",
	"auto_attempt_count",
	"next_attempt_at",
	"lease_until",
	"trigger",
	"schedule_resumes_at",
	"response_code",
] as const;

/** The columns that a state is written to; `due_at` is computed from the others. */
export const WRITTEN_STATE_COLUMNS = [...STATE_COLUMNS, "due_at"] as const;

/** The values of `WRITTEN_STATE_COLUMNS`. */
export function stateValues(state: DeliveryState): ValuesOf<typeof WRITTEN_STATE_COLUMNS> {
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
	];
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

/** The columns that never change, and `update_date`. */
export const IDENTITY_COLUMNS = ["id", "project_id", "webhook_id", "event_id", "event_type", "update_date"] as const;

/** The columns that `toDelivery` reads. */
export const DELIVERY_COLUMNS = [...IDENTITY_COLUMNS, ...STATE_COLUMNS] as const;

export function toDelivery(row: Row): Delivery {
	const id = rowId(row);
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

/** The columns of a delivery that `toLeasedDelivery` reads, beside `create_date` and `body` of its event. */
export const LEASED_COLUMNS = [
	"id",
	"project_id",
	"webhook_id",
	"event_id",
	"event_type",
	"trigger",
	"attempt_count",
] as const;

export function toLeasedDelivery(row: Row, leaseUntil: number): LeasedDelivery {
	return {
		id: idText("dlv", rowId(row)),
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

/** A row of `dueWebhooks`. */
export interface DueWebhook {
	readonly webhookId: string;
	readonly dueAt: number;
}

export function toDueWebhook(row: Row): DueWebhook {
	return { webhookId: idText("webhook", bytes(row["webhook_id"])), dueAt: number(row["due_at"]) };
}
