// Events. Part of the busy path: values are bound by position, in the order of the columns.
import type { EventCustomers } from "../../../core/access/customer.ts";
import { NO_TAGS, type Event, type EventDetails, type EventTargets } from "../../../core/event.ts";
import type { Numbers } from "../deliveries/numbers.ts";
import { idText } from "./ids.ts";
import { json, nameOf, namesByCode, number, rowId, text, type Row } from "./rows.ts";

/** The columns of an event that `toEvent` reads: all but its body and its details. */
export const EVENT_COLUMNS = [
	"id",
	"project",
	"type",
	"timestamp",
	"create_date",
	"delivery_count",
	"customer",
	"tags",
] as const;

export function toEvent(row: Row, numbers: Numbers): Event {
	return {
		id: idText("evt", rowId(row)),
		projectId: numbers.projects.at(number(row["project"])).id,
		type: text(row["type"]),
		timestamp: number(row["timestamp"]),
		createDate: number(row["create_date"]),
		deliveryCount: number(row["delivery_count"]),
		customers: toCustomers(row),
		tags: row["tags"] === null ? NO_TAGS : json<readonly string[]>(row["tags"]),
	};
}

/** The column `customer`: an id or `EVERY_CUSTOMER` as it is, and several ids as a JSON array, which is neither of them. */
export function customerText(customers: EventCustomers): string | null {
	return customers === null || typeof customers === "string" ? customers : JSON.stringify(customers);
}

/** The column `tags`: a JSON array, or null if there are none. */
export function tagsText(tags: readonly string[]): string | null {
	return tags.length === 0 ? null : JSON.stringify(tags);
}

/** Reads the column `customer`. */
function toCustomers(row: Row): EventCustomers {
	const customer = row["customer"];
	if (customer === null) return null;
	return text(customer).startsWith("[") ? json<readonly string[]>(customer) : text(customer);
}

/** Permanent, on disk: a number never changes its meaning. Events to everyone have none. */
const TARGET_CODES = { everyone: 0, webhooks: 1, nobody: 2 } as const satisfies Record<EventTargets, number>;
const TARGETS = namesByCode(TARGET_CODES);

/** The JSON of the column `details`. Everything that an event does not have is omitted. */
interface StoredDetails {
	readonly key?: string;
	/** A code of `TARGET_CODES`; null: not known. */
	readonly to?: number | null;
	readonly trace?: string;
	/** What `storedLabelBytes` said of it when it was accepted. */
	readonly counted?: number;
}

/**
 * What only some events have, as JSON. Null if there is nothing: the sender named nobody, and gave no key and no trace.
 * `labelBytes` are those that were counted for the event: see `storedLabelBytes`.
 */
export function eventDetails(
	{ idempotencyKey, targets, traceparent }: EventDetails,
	labelBytes: number,
): string | null {
	if (idempotencyKey === null && targets === "everyone" && traceparent === null && labelBytes === 0) return null;
	const stored: StoredDetails = {
		...(idempotencyKey === null ? {} : { key: idempotencyKey }),
		...(targets === "everyone" ? {} : { to: targets === null ? null : TARGET_CODES[targets] }),
		...(traceparent === null ? {} : { trace: traceparent }),
		...(labelBytes === 0 ? {} : { counted: labelBytes }),
	};
	return JSON.stringify(stored);
}

const NOTHING: StoredDetails = {};

/** Reads the column `details`. */
export function toEventDetails(row: Row): EventDetails {
	const { key, to, trace } = row["details"] === null ? NOTHING : json<StoredDetails>(row["details"]);
	return {
		idempotencyKey: key ?? null,
		targets: to === null ? null : nameOf(TARGETS, to ?? TARGET_CODES.everyone),
		traceparent: trace ?? null,
	};
}

/** The bytes that were counted for an event's labels; 0 if an earlier version has accepted it. */
export function countedLabelBytes(row: Row): number {
	return row["details"] === null ? 0 : (json<StoredDetails>(row["details"]).counted ?? 0);
}
