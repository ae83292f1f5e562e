// The delivery log: events, deliveries and attempts, found by any combination of their filters.
import type { DatabaseSync } from "node:sqlite";

import { wholeProject, type Scope } from "../../../core/access/principal.ts";
import type { Attempt, Delivery } from "../../../core/delivery.ts";
import type { Event } from "../../../core/event.ts";
import type { Page, PageRequest } from "../../../core/page.ts";
import type { DeliveryFilter, EventFilter } from "../../../ports/store/log.ts";
import { toAttempt } from "../codec/attempt-rows.ts";
import { DELIVERY_COLUMNS, STATUS_CODES, toDelivery } from "../codec/delivery-rows.ts";
import { EVENT_COLUMNS, toEvent } from "../codec/event-rows.ts";
import { idBytes } from "../codec/ids.ts";
import { bytes, countOf } from "../codec/rows.ts";
import { list, qualified } from "../codec/statements.ts";
import { idRange, mapPage, readPage, type IdRange, type Order } from "./keyset.ts";
import { createStatementCache, type Prepare } from "./statement-cache.ts";

/** Prepares the calls of `LogStore`. */
export function createLogCalls(db: DatabaseSync) {
	return {
		events: createEvents(db),
		event: createEvent(db),
		eventBody: createEventBody(db),
		deliveries: createDeliveries(db),
		delivery: createDelivery(db),
		attempts: createAttempts(db),
	};
}

/** One `column = ?` of a filter. */
interface Condition {
	readonly column: string;
	readonly value: string | number | Uint8Array;
}

/** An index of deliveries, and the columns that it has. */
interface Access {
	readonly index: string;
	/** The columns before the id: conditions on all of them lead to one range of entries. */
	readonly leading: readonly string[];
	/** The columns after the id: conditions on them are checked without reading the row. */
	readonly trailing: readonly string[];
	/** The condition of a partial index. SQLite uses the index only if a statement repeats the condition literally. */
	readonly partial?: string;
	/** Whether a partial index has all the rows that match the filter. */
	readonly has?: (filter: DeliveryFilter) => boolean;
}

const BY_PROJECT: Access = { index: "deliveries_by_project", leading: ["project_id"], trailing: [] };
const BY_EVENT: Access = { index: "deliveries_by_event", leading: ["event_id"], trailing: ["webhook_id"] };
const ACCESSES: readonly Access[] = [
	{
		index: "deliveries_by_webhook_status",
		leading: ["webhook_id", "status"],
		trailing: [],
		partial: "entry.status > 1",
		has: ({ status }) => status === "Failed" || status === "Held" || status === "Cancelled",
	},
	{
		index: "deliveries_by_status",
		leading: ["project_id", "status"],
		trailing: ["webhook_id", "response_code"],
		partial: "entry.status <> 1",
		has: ({ status }) => status !== "Succeeded",
	},
	{
		index: "deliveries_by_code",
		leading: ["project_id", "response_code"],
		trailing: ["status", "webhook_id"],
		partial: "entry.response_code IS NOT NULL",
	},
	{ index: "deliveries_by_type", leading: ["project_id", "event_type"], trailing: ["webhook_id"] },
	{ index: "deliveries_by_webhook", leading: ["webhook_id"], trailing: [] },
];

/** When indexes are compared, counting stops here: with more entries than this, any of the indexes finds matches soon enough. */
const COUNT_LIMIT = 10_000;

function createDeliveries(db: DatabaseSync) {
	const prepare = createStatementCache(db);

	return (scope: Scope, filter: DeliveryFilter, request: PageRequest): Page<Delivery> => {
		const conditions = deliveryConditions(wholeProject(scope), filter);
		const range = idRange(filter);
		const access = chooseAccess(prepare, filter, conditions, range);
		const values = conditions.map(({ value }) => value);
		const page = readPage("dlv", request, range, ({ low, high }, order, limit) =>
			prepare(selectDeliveries(access, conditions, order)).all(...values, low, high, limit),
		);
		return mapPage(page, toDelivery);
	};
}

/**
 * Reads entries of the index, and the rows of those that match the conditions on columns of the index. It is a join because SQLite
 * would otherwise read the row of every entry, as the table has no rowid (1 µs instead of 0.15 µs for an entry that doesn't match).
 */
function selectDeliveries(access: Access, conditions: readonly Condition[], order: Order): string {
	const inIndex = new Set([...access.leading, ...access.trailing]);
	const where = conditions.map(({ column }) => `${inIndex.has(column) ? "entry" : "delivery"}.${column} = ?`);
	if (access.partial !== undefined) where.push(access.partial);
	return `
		SELECT ${qualified("delivery", DELIVERY_COLUMNS)} FROM deliveries entry INDEXED BY ${access.index}
		CROSS JOIN deliveries delivery ON delivery.id = entry.id
		WHERE ${where.join(" AND ")} AND entry.id >= ? AND entry.id < ? ORDER BY entry.id ${order} LIMIT ?
	`;
}

function deliveryConditions(projectId: string, filter: DeliveryFilter): Condition[] {
	const { webhookId, eventId, eventType, status, responseCode } = filter;
	const conditions: Condition[] = [{ column: "project_id", value: idBytes("proj", projectId) }];
	if (webhookId !== null) conditions.push({ column: "webhook_id", value: idBytes("webhook", webhookId) });
	if (eventId !== null) conditions.push({ column: "event_id", value: idBytes("evt", eventId) });
	if (eventType !== null) conditions.push({ column: "event_type", value: eventType });
	if (status !== null) conditions.push({ column: "status", value: STATUS_CODES[status] });
	if (responseCode !== null) conditions.push({ column: "response_code", value: responseCode });
	return conditions;
}

/** The index with the fewest entries to read; if several have many, the one that checks the most conditions without the row. */
function chooseAccess(
	prepare: Prepare,
	filter: DeliveryFilter,
	conditions: readonly Condition[],
	range: IdRange,
): Access {
	if (filter.eventId !== null) return BY_EVENT;
	const columns = new Set(conditions.map(({ column }) => column));
	const usable = ACCESSES.filter(
		({ leading, has }) => leading.every((column) => columns.has(column)) && (has?.(filter) ?? true),
	);
	if (usable.length <= 1) return usable[0] ?? BY_PROJECT;
	const [best] = usable
		.map((access) => ({
			access,
			entries: countEntries(prepare, access, conditions, range),
			checked: [...access.leading, ...access.trailing].filter((column) => columns.has(column)).length,
		}))
		.sort((a, b) => a.entries - b.entries || b.checked - a.checked);
	return best?.access ?? BY_PROJECT;
}

function countEntries(
	prepare: Prepare,
	access: Access,
	conditions: readonly Condition[],
	{ low, high }: IdRange,
): number {
	const leading = conditions.filter(({ column }) => access.leading.includes(column));
	const where = leading.map(({ column }) => `entry.${column} = ?`).concat(access.partial ?? []);
	const count = prepare(`
		SELECT count(*) AS count FROM (
			SELECT 1 FROM deliveries entry INDEXED BY ${access.index}
			WHERE ${where.join(" AND ")} AND entry.id >= ? AND entry.id < ? LIMIT ${COUNT_LIMIT}
		)
	`);
	return countOf(count.get(...leading.map(({ value }) => value), low, high));
}

function createDelivery(db: DatabaseSync) {
	const select = db.prepare(`SELECT ${list(DELIVERY_COLUMNS)} FROM deliveries WHERE id = ? AND project_id = ?`);
	return (scope: Scope, deliveryId: string): Delivery | null => {
		const row = select.get(idBytes("dlv", deliveryId), idBytes("proj", wholeProject(scope)));
		return row === undefined ? null : toDelivery(row);
	};
}

function createAttempts(db: DatabaseSync) {
	const select = db.prepare("SELECT * FROM attempts WHERE delivery_id = ? ORDER BY number");
	return (deliveryId: string): Attempt[] => select.all(idBytes("dlv", deliveryId)).map(toAttempt);
}

function createEvents(db: DatabaseSync) {
	const prepare = createStatementCache(db);

	return (scope: Scope, filter: EventFilter, request: PageRequest): Page<Event> => {
		const project = idBytes("proj", wholeProject(scope));
		const page = readPage("evt", request, idRange(filter), ({ low, high }, order, limit) => {
			const select = prepare(`
				SELECT ${list(EVENT_COLUMNS)} FROM events ${filter.type === null ? "" : "INDEXED BY events_by_type"}
				WHERE project_id = ? ${filter.type === null ? "" : "AND type = ?"} AND id >= ? AND id < ?
				ORDER BY id ${order} LIMIT ?
			`);
			const type = filter.type === null ? [] : [filter.type];
			return select.all(project, ...type, low, high, limit);
		});
		return mapPage(page, toEvent);
	};
}

function createEvent(db: DatabaseSync) {
	const select = db.prepare(`SELECT ${list(EVENT_COLUMNS)} FROM events WHERE project_id = ? AND id = ?`);
	return (scope: Scope, eventId: string): Event | null => {
		const row = select.get(idBytes("proj", wholeProject(scope)), idBytes("evt", eventId));
		return row === undefined ? null : toEvent(row);
	};
}

function createEventBody(db: DatabaseSync) {
	const select = db.prepare("SELECT body FROM events WHERE project_id = ? AND id = ?");
	return (scope: Scope, eventId: string): Uint8Array | null => {
		const row = select.get(idBytes("proj", wholeProject(scope)), idBytes("evt", eventId));
		if (row === undefined) return null;
		const body = bytes(row["body"]);
		return body.length === 0 ? null : body;
	};
}
