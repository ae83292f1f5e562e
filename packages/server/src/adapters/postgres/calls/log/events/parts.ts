// What a filter of events says: for each part of it, the entries of an index that lead to its events, and the condition that an event
// is among them.
import { EVERY_CUSTOMER } from "../../../../../core/access/customer.ts";
import type { EventFilter } from "../../../../../ports/store/log.ts";
import { text } from "../../../codec/rows.ts";
import { statement } from "../../../codec/statements.ts";
import type { Session } from "../../../connection/session.ts";
import { isOfTypes, rangeOfPrefix, splitTypes } from "../deliveries/conditions.ts";
import { hasRow, type InRange, type Source, type Values } from "../source.ts";

/** The entries that lead to events. `matches` and `cost` follow from the other parts of the filter. */
export type EventEntries = Omit<Source, "matches" | "cost">;

/** One part of a filter. */
export interface Part {
	/** Null if there is no index, or no bound on how many ranges of it there are. */
	readonly entries: EventEntries | null;
	/** On the row of an event, which has this name. */
	readonly matches: (event: string, values: Values, range: InRange) => string;
	/** Whether the condition looks into another table, as many times as long. */
	readonly isLook: boolean;
}

/** More types than these are not read one by one. */
const MAX_TYPES = 20;

/** All events of a project. */
export function projectEntries(project: string): EventEntries {
	return {
		table: "events entry",
		key: "id",
		owner: "project_id",
		owners: [project],
		ownerType: "uuid",
		where: () => [],
	};
}

/** The events that are for a customer, or for every customer: an event is one of these. */
export function customerEntries(project: string, customer: string): EventEntries {
	return labelled("event_customers", "customer_id", project, [customer, EVERY_CUSTOMER]);
}

/** The parts of a filter, those first that few events pass. `isForCustomer`: see `typesOf`. */
export async function partsOf(
	session: Session,
	project: string,
	filter: EventFilter,
	isForCustomer: boolean,
): Promise<Part[]> {
	const { types, customerId = null, tag = null, idempotencyKey = null, unmatched = false } = filter;
	const parts: Part[] = [];
	const among = (table: string, column: string, wanted: readonly string[]) =>
		parts.push({
			entries: labelled(table, column, project, wanted),
			matches: (event, values, range) =>
				hasRow(`
					${table} label WHERE label.project_id = ${event}.project_id
					AND label.${column} = ANY(${values.add(wanted)}::text[]) AND label.event_id = ${event}.id AND ${range("label.event_id")}
				`),
			isLook: true,
		});
	if (idempotencyKey !== null) among("idempotency_keys", "key", [idempotencyKey]);
	if (tag !== null) among("event_tags", "tag", [tag]);
	if (unmatched) {
		parts.push({
			entries: { ...projectEntries(project), where: () => ["entry.delivery_count = 0"] },
			matches: (event) => `${event}.delivery_count = 0`,
			isLook: false,
		});
	}
	if (customerId !== null) among("event_customers", "customer_id", [customerId, EVERY_CUSTOMER]);
	if (types !== null) {
		const names = isForCustomer ? null : await typesOf(session, project, types);
		parts.push({
			entries: names === null ? null : labelled("events", "type", project, names),
			matches: (event, values) => isOfTypes(`${event}.type`, types, values),
			isLook: false,
		});
	}
	return parts;
}

function labelled(table: string, column: string, project: string, owners: readonly string[]): EventEntries {
	return {
		table: `${table} entry`,
		key: table === "events" ? "id" : "event_id",
		owner: column,
		owners,
		ownerType: "text",
		where: (values) => [`entry.project_id = ${values.add(project)}`],
	};
}

/** From each type to the next one, since the index has all events of each. */
const SELECT_TYPES = statement(`
	WITH RECURSIVE found (type) AS (
		SELECT (SELECT type FROM events WHERE project_id = $1 AND type > $2 AND type < $3 ORDER BY type LIMIT 1)
		UNION ALL
		SELECT (SELECT type FROM events WHERE project_id = $1 AND type > found.type AND type < $3 ORDER BY type LIMIT 1)
		FROM found WHERE found.type IS NOT NULL
	)
	SELECT type FROM found WHERE type IS NOT NULL LIMIT ${MAX_TYPES + 1}
`);

/**
 * The types of a project that match; null if they are too many. If a customer reads, they are not looked at: where a page ends would
 * tell the customer whether the events of others have types with a prefix.
 */
async function typesOf(session: Session, project: string, types: readonly string[]): Promise<string[] | null> {
	const { names, prefixes } = splitTypes(types);
	const found = new Set(names);
	for (const prefix of prefixes) {
		if (found.size > MAX_TYPES) return null;
		const rows = await session.run(SELECT_TYPES, [project, ...rangeOfPrefix(prefix)]);
		for (const row of rows) found.add(text(row["type"]));
	}
	return found.size > MAX_TYPES ? null : [...found];
}
