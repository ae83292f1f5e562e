// Deliveries. The columns of both tables, which are the same, and what a transaction keeps in memory of a row.
import {
	dueAt,
	type AttemptTrigger,
	type Delivery,
	type DeliveryState,
	type DeliveryStatus,
} from "../../../core/delivery.ts";
import type { ArrayType } from "./arrays.ts";
import { idOf } from "./ids.ts";
import { boolean, nameOf, namesByCode, number, numberOrNull, text, textOrNull, type Row } from "./rows.ts";

/** Permanent, on disk: a number never changes its meaning. */
export const STATUS_CODES = { Pending: 0, Succeeded: 1, Failed: 2, Held: 3, Cancelled: 4 } as const satisfies Record<
	DeliveryStatus,
	number
>;
/** Permanent, on disk, too. */
export const TRIGGER_CODES = { auto: 0, manual: 1, replay: 2 } as const satisfies Record<AttemptTrigger, number>;

export const STATUSES = namesByCode(STATUS_CODES);
export const TRIGGERS = namesByCode(TRIGGER_CODES);

/** What never changes of a delivery. Ids are UUIDs. */
export interface DeliveryIdentity {
	readonly id: string;
	readonly project: string;
	readonly webhook: string;
	readonly event: string;
	readonly eventType: string;
	readonly shard: number;
	readonly isReplayed: boolean;
	readonly createDate: number;
}

/** A row of `open_deliveries` or `deliveries`. */
export interface DeliveryRow extends DeliveryIdentity {
	readonly state: DeliveryState;
	/** The code of the last attempt's cause. */
	readonly cause: number;
	readonly updateDate: number;
	/** The number of the last change; null if there was none, or if it is Succeeded. */
	readonly change: number | null;
}

/** The columns of both tables, in their order, with their types and what is written into them. */
const COLUMNS: Readonly<
	Record<string, readonly [type: ArrayType, value: (row: DeliveryRow) => string | number | boolean | null]>
> = {
	id: ["uuid", ({ id }) => id],
	project_id: ["uuid", ({ project }) => project],
	webhook_id: ["uuid", ({ webhook }) => webhook],
	event_id: ["uuid", ({ event }) => event],
	event_type: ["text", ({ eventType }) => eventType],
	shard: ["int2", ({ shard }) => shard],
	status: ["int2", ({ state }) => STATUS_CODES[state.status]],
	reason: ["text", ({ state }) => state.reason],
	attempt_count: ["int4", ({ state }) => state.attemptCount],
	auto_attempt_count: ["int4", ({ state }) => state.autoAttemptCount],
	next_attempt_at: ["int8", ({ state }) => state.nextAttemptAt],
	lease_until: ["int8", ({ state }) => state.leaseUntil],
	trigger: ["int2", ({ state }) => TRIGGER_CODES[state.trigger]],
	schedule_resumes_at: ["int8", ({ state }) => state.scheduleResumesAt],
	response_code: ["int4", ({ state }) => state.responseCode],
	due_at: ["int8", ({ state }) => dueAt(state)],
	cause: ["int2", ({ cause }) => cause],
	is_replayed: ["bool", ({ isReplayed }) => isReplayed],
	create_date: ["int8", ({ createDate }) => createDate],
	update_date: ["int8", ({ updateDate }) => updateDate],
	change: ["int8", ({ change }) => change],
};

export const DELIVERY_COLUMNS = Object.keys(COLUMNS);
/** The columns that a change of state can change, and the key. */
export const CHANGING_COLUMNS = [
	"id",
	"status",
	"reason",
	"attempt_count",
	"auto_attempt_count",
	"next_attempt_at",
	"lease_until",
	"trigger",
	"schedule_resumes_at",
	"response_code",
	"due_at",
	"cause",
	"update_date",
	"change",
] as const;

/** The type of a column. */
export function typeOf(column: string): ArrayType {
	return columnOf(column)[0];
}

/** The values of a column. */
export function valuesOf(column: string, rows: readonly DeliveryRow[]): (string | number | boolean | null)[] {
	return rows.map(columnOf(column)[1]);
}

function columnOf(column: string) {
	const found = COLUMNS[column];
	if (found === undefined) throw new Error(`deliveries have no column ${column}`);
	return found;
}

function toState(row: Row): DeliveryState {
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

export function toDeliveryRow(row: Row): DeliveryRow {
	return {
		id: text(row["id"]),
		project: text(row["project_id"]),
		webhook: text(row["webhook_id"]),
		event: text(row["event_id"]),
		eventType: text(row["event_type"]),
		shard: number(row["shard"]),
		isReplayed: boolean(row["is_replayed"]),
		createDate: number(row["create_date"]),
		state: toState(row),
		cause: number(row["cause"]),
		updateDate: number(row["update_date"]),
		change: numberOrNull(row["change"]),
	};
}

/** A delivery as others see it. `customerId` is that of its webhook. */
export function toDelivery(row: DeliveryRow, customerId: string | null): Delivery {
	return {
		...row.state,
		id: idOf("dlv", row.id),
		projectId: idOf("proj", row.project),
		eventId: idOf("evt", row.event),
		eventType: row.eventType,
		webhookId: idOf("webhook", row.webhook),
		customerId,
		createDate: row.createDate,
		updateDate: row.updateDate,
	};
}

/** Whether a delivery in this state is a row of `open_deliveries`. */
export function isOpen({ status }: DeliveryState): boolean {
	return status === "Pending" || status === "Held";
}
