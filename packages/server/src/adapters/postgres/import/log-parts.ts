// Writes the parts of the log: arrays in binary form, one for each column.
import { shardOf } from "../../../core/cluster/shard.ts";
import type { TransferRows } from "../../../ports/store/transfer/rows.ts";
import { binaryArray, type ArrayType } from "../codec/arrays.ts";
import { DELIVERY_COLUMNS, isOpen, typeOf, valuesOf, type DeliveryRow } from "../codec/delivery-rows.ts";
import { customerList, customerText, eventDetails, tagsText } from "../codec/event-rows.ts";
import { uuidOf, type StoredPrefix } from "../codec/ids.ts";
import { list, statement, type Statement } from "../codec/statements.ts";
import type { Session } from "../connection/session.ts";
import type { WritePart } from "./record-parts.ts";

/** What is written into a column of an array type. */
type Value = string | number | boolean | Uint8Array | null;
type Columns<T> = Readonly<Record<string, readonly [type: ArrayType, value: (row: T) => Value]>>;
type Write<T> = (session: Session, rows: readonly T[]) => void;

interface Label {
	readonly project: string;
	readonly label: string;
	readonly event: string;
}

const label = (name: string): Columns<Label> => ({
	project_id: ["uuid", ({ project }) => project],
	[name]: ["text", (row) => row.label],
	event_id: ["uuid", ({ event }) => event],
});
const insertEvents = into<TransferRows["events"]>("events", {
	id: ["uuid", ({ event }) => stored("evt", event.id)],
	project_id: ["uuid", ({ event }) => stored("proj", event.projectId)],
	type: ["text", ({ event }) => event.type],
	timestamp: ["int8", ({ event }) => event.timestamp],
	create_date: ["int8", ({ event }) => event.createDate],
	delivery_count: ["int4", ({ event }) => event.deliveryCount],
	customer: ["text", ({ event }) => customerText(event.customers)],
	tags: ["text", ({ event }) => tagsText(event.tags)],
	details: ["text", ({ details, labelBytes }) => eventDetails(details, labelBytes)],
	body: ["bytea", ({ body }) => body],
});
const insertCustomers = into("event_customers", label("customer_id"), "ON CONFLICT DO NOTHING");
const insertTags = into("event_tags", label("tag"), "ON CONFLICT DO NOTHING");
const deliveryColumns: Columns<DeliveryRow> = Object.fromEntries(
	DELIVERY_COLUMNS.map((name) => [name, [typeOf(name), (row) => valuesOf(name, [row])[0] ?? null]]),
);
const insertOpen = into("open_deliveries", deliveryColumns);
const insertEnded = into("deliveries", deliveryColumns);
const insertAttempts = into<TransferRows["attempts"]>("attempts", {
	delivery_id: ["uuid", ({ deliveryId }) => stored("dlv", deliveryId)],
	number: ["int4", ({ number }) => number],
	attempt: ["text", ({ text }) => text],
});

/** The partitions that the rows need must be there. */
export const LOG_PARTS: {
	readonly [Name in "events" | "idempotencyKeys" | "deliveries" | "attempts"]: WritePart<Name>;
} = {
	events(session, rows) {
		insertEvents(session, rows);
		const labelled = (labels: (event: TransferRows["events"]["event"]) => readonly string[]): Label[] =>
			rows.flatMap(({ event }) =>
				labels(event).map((each) => ({
					project: stored("proj", event.projectId),
					label: each,
					event: stored("evt", event.id),
				})),
			);
		insertCustomers(
			session,
			labelled(({ customers }) => customerList(customers)),
		);
		insertTags(
			session,
			labelled(({ tags }) => tags),
		);
	},
	idempotencyKeys: into<TransferRows["idempotencyKeys"]>("idempotency_keys", {
		project_id: ["uuid", ({ projectId }) => stored("proj", projectId)],
		key: ["text", ({ key }) => key],
		event_id: ["uuid", ({ eventId }) => stored("evt", eventId)],
		fingerprint: ["bytea", ({ fingerprint }) => fingerprint],
		create_date: ["int8", ({ createDate }) => createDate],
	}),
	deliveries(session, rows) {
		const all = rows.map(toDeliveryRow);
		insertOpen(
			session,
			all.filter(({ state }) => isOpen(state)),
		);
		insertEnded(
			session,
			all.filter(({ state }) => !isOpen(state)),
		);
		insertAttempts(
			session,
			rows.flatMap(({ id, attempt }) => (attempt === null ? [] : { ...attempt, deliveryId: id })),
		);
	},
	attempts: insertAttempts,
};

/** The UUIDs by which the partitions of rows are found. */
export const PARTITION_KEYS = {
	events: ({ event }: TransferRows["events"]): string => stored("evt", event.id),
	deliveries: ({ id }: TransferRows["deliveries"]): string => stored("dlv", id),
	attempts: ({ deliveryId }: TransferRows["attempts"]): string => stored("dlv", deliveryId),
};

function toDeliveryRow(row: TransferRows["deliveries"]): DeliveryRow {
	const { eventType, createDate, updateDate, state, cause, isReplayed, change, webhookId } = row;
	return {
		id: stored("dlv", row.id),
		project: stored("proj", row.projectId),
		webhook: stored("webhook", webhookId),
		event: stored("evt", row.eventId),
		eventType,
		shard: shardOf(webhookId),
		isReplayed,
		createDate,
		updateDate,
		state,
		cause,
		change,
	};
}

/** The UUID of an id of a stored row. */
function stored(prefix: StoredPrefix, id: string): string {
	const uuid = uuidOf(prefix, id);
	if (uuid === null) throw new Error(`${id} is no id of a stored row`);
	return uuid;
}

function into<T>(table: string, columns: Columns<T>, onConflict = ""): Write<T> {
	const all = Object.entries(columns);
	const insert: Statement = statement(`
		INSERT INTO ${table} (${list(Object.keys(columns))})
		SELECT * FROM unnest(${all.map(([, [type]], index) => `$${index + 1}::${type}[]`).join(", ")}) ${onConflict}
	`);
	return (session, rows) => {
		if (rows.length === 0) return;
		const arrays = all.map(([, [type, value]]) => arrayOf(type, rows.map(value)));
		// What is sent is awaited by the end of the transaction.
		session.run(insert, arrays).catch(() => {});
	};
}

/** The columns say of what type their values are. */
function arrayOf(type: ArrayType, values: readonly Value[]): Buffer {
	return binaryArray(type, values as readonly never[]);
}
