// Deliveries. The busy path writes and reads mostly these, so values are bound by position, in the order of the columns.
import { crc32 } from "node:zlib";

import {
	dueAt,
	newDelivery,
	type AttemptTrigger,
	type Delivery,
	type DeliveryState,
	type DeliveryStatus,
} from "../../../core/delivery.ts";
import { deliveryIdAt } from "../../../core/ids.ts";
import type { Numbers } from "../deliveries/numbers.ts";
import { idText } from "./ids.ts";
import { bytes, bytesOrNull, nameOf, namesByCode, number, numberOrNull, text, textOrNull, type Row } from "./rows.ts";
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

/**
 * Whether a new delivery is a row of `open`: it is what `toOpenState` makes of such a row. Any other is a full row from the
 * beginning, such as a Held one.
 */
export function isOpenState(state: DeliveryState, createDate: number): boolean {
	return (
		state.status === "Pending" &&
		state.nextAttemptAt === createDate &&
		state.attemptCount === 0 &&
		state.autoAttemptCount === 0 &&
		state.trigger === "auto" &&
		state.reason === null &&
		state.responseCode === null &&
		state.scheduleResumesAt === null
	);
}

/** The state of a delivery in `open`. */
export function toOpenState(dueAt: number, leaseUntil: number | null): DeliveryState {
	return newDelivery(dueAt, leaseUntil);
}

/** What stands for the type of an event in `type` of full rows: its CRC-32. Permanent, on disk. Other types may have the same. */
export function typeHash(type: string): number {
	return crc32(type);
}

/** Columns of the event of a delivery, as `event_id`, `event_type` and `event_date`, from a table `event`. */
export const EVENT_OF_DELIVERY = "event.id AS event_id, event.type AS event_type, event.create_date AS event_date";

/** The columns of a full row that `toDelivery` reads, beside `EVENT_OF_DELIVERY`. */
export const DELIVERY_COLUMNS = [
	"seq",
	"event",
	"webhook",
	"project",
	"create_date",
	"update_date",
	"own_id",
	...STATE_COLUMNS,
] as const;

/** A full row with its event. */
export function toDelivery(row: Row, numbers: Numbers): Delivery {
	return { ...identityOf(row, numbers), updateDate: number(row["update_date"]), ...toState(row) };
}

/** A row of `open` with its event, and the state of the delivery. */
export function toOpenDelivery(row: Row, numbers: Numbers, state: DeliveryState): Delivery {
	const identity = identityOf(row, numbers);
	return { ...identity, updateDate: identity.createDate, ...state };
}

type Identity = Pick<
	Delivery,
	"id" | "projectId" | "eventId" | "eventType" | "webhookId" | "customerId" | "createDate"
>;

function identityOf(row: Row, numbers: Numbers): Identity {
	const webhook = numbers.webhooks.at(number(row["webhook"]));
	return {
		id: deliveryId(row),
		projectId: numbers.projects.at(number(row["project"])).id,
		eventId: idText("evt", bytes(row["event_id"])),
		eventType: text(row["event_type"]),
		webhookId: webhook.id,
		customerId: webhook.customerId,
		createDate: numberOrNull(row["create_date"] ?? null) ?? number(row["event_date"]),
	};
}

/** The id of a delivery, from `seq`, `event` and `event_id`, and `own_id` if it is a full row. */
export function deliveryId(row: Row): string {
	const own = bytesOrNull(row["own_id"] ?? null);
	if (own !== null) return idText("dlv", own);
	return deliveryIdAt(idText("evt", bytes(row["event_id"])), number(row["seq"]) - number(row["event"]) - 1);
}
