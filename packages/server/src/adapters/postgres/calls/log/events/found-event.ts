// Events as a caller may see them: a customer sees only those that have reached it, and of these only what concerns it.
import { customerOf, projectOf, type Scope } from "../../../../../core/access/principal.ts";
import type { FoundEvent as FoundById, LoggedEvent } from "../../../../../ports/store/log.ts";
import { binaryArray } from "../../../codec/arrays.ts";
import { EVENT_COLUMNS, toEvent, toEventDetails } from "../../../codec/event-rows.ts";
import { uuidOf, uuidsOf } from "../../../codec/ids.ts";
import { number, text, type Row } from "../../../codec/rows.ts";
import { list, statement } from "../../../codec/statements.ts";
import type { Session } from "../../../connection/session.ts";
import { countStatuses, type EventBlock, type EventStatuses } from "./statuses.ts";

/** A page counts about this many deliveries: some 15 ms. */
const MAX_COUNTED = 10_000;

const SELECT_OWN = statement("SELECT id FROM webhooks WHERE project_id = $1 AND customer_id = $2 ORDER BY id");
const selectEvents = (condition: string) =>
	statement(`
	SELECT ${list(EVENT_COLUMNS)}, details FROM events
	WHERE ${condition} AND project_id = $2 AND ($3::text IS NULL OR NOT EXISTS (
		SELECT 1 FROM event_types t WHERE t.project_id = $2 AND t.name = events.type AND t.visibility = 1
	))
`);
const SELECT_EVENT = selectEvents("id = $1");
const SELECT_EVENTS = selectEvents("id = ANY($1::uuid[])");

/** A customer who reads. */
export interface ReadingCustomer {
	readonly id: string;
	/** The UUIDs of its webhooks, deleted ones too. */
	readonly webhooks: readonly string[];
}

/** The customer of a scope; null if somebody reads for the whole project. */
export async function readCustomer(session: Session, scope: Scope): Promise<ReadingCustomer | null> {
	const id = customerOf(scope);
	if (id === null) return null;
	const rows = await session.run(SELECT_OWN, [uuidOf("proj", projectOf(scope)), id]);
	return { id, webhooks: rows.map((row) => text(row["id"])) };
}

/** An event that somebody may see. */
export interface FoundEvent {
	/** The whole row. */
	readonly row: Row;
	readonly customer: ReadingCustomer | null;
}

/** Finds an event; null if there is none in the scope. */
export async function findEvent(session: Session, scope: Scope, eventId: string): Promise<FoundEvent | null> {
	const values = [uuidOf("evt", eventId), uuidOf("proj", projectOf(scope)), customerOf(scope)];
	const [[row], customer] = await Promise.all([session.run(SELECT_EVENT, values), readCustomer(session, scope)]);
	if (row === undefined) return null;
	if (customer === null) return { row, customer };
	const counted = await countStatuses(session, [blockOf(row)], customer.webhooks);
	return counted.get(text(row["id"]))?.isAny === true ? { row, customer } : null;
}

/** When events were accepted and whom they are for, by UUID; without those that are not in the scope. */
export async function findEvents(
	session: Session,
	scope: Scope,
	eventIds: readonly string[],
): Promise<ReadonlyMap<string, FoundById>> {
	const ids = binaryArray("uuid", uuidsOf("evt", eventIds));
	const [rows, customer] = await Promise.all([
		session.run(SELECT_EVENTS, [ids, uuidOf("proj", projectOf(scope)), customerOf(scope)]),
		readCustomer(session, scope),
	]);
	const counted = customer === null ? null : await countStatuses(session, rows.map(blockOf), customer.webhooks);
	const seen = rows.filter((row) => counted === null || counted.get(text(row["id"]))?.isAny === true);
	return new Map(
		seen.map((row) => {
			const { createDate, customers } = toEvent(row);
			return [text(row["id"]), { createDate, customers: customer === null ? customers : customer.id }];
		}),
	);
}

/** The block of an event with this row. */
export function blockOf(row: Row): EventBlock {
	return { id: text(row["id"]), deliveryCount: number(row["delivery_count"]) };
}

/**
 * Shows events with the statuses of their deliveries, of as many events as a page may count. For a customer, each event has a delivery
 * to it.
 */
export async function showEvents(
	session: Session,
	rows: readonly Row[],
	customer: ReadingCustomer | null,
): Promise<LoggedEvent[]> {
	let left = MAX_COUNTED;
	const counted = rows.filter((row) => {
		const cost = customer === null ? number(row["delivery_count"]) : customer.webhooks.length;
		// A customer always learns how many deliveries it has.
		const isCounted = customer !== null || cost <= left;
		left -= isCounted ? cost : 0;
		return isCounted;
	});
	const statuses = await countStatuses(session, counted.map(blockOf), customer?.webhooks ?? null);
	return rows.map((row) => shown(row, statuses.get(text(row["id"])) ?? null, customer));
}

function shown(row: Row, statuses: EventStatuses | null, customer: ReadingCustomer | null): LoggedEvent {
	const deliveries = statuses?.byStatus ?? null;
	if (customer === null) {
		return { ...toEvent(row), idempotencyKey: toEventDetails(row).idempotencyKey, deliveries };
	}
	const seen = { ...row, delivery_count: statuses?.first ?? 0, customer: customer.id };
	return { ...toEvent(seen), idempotencyKey: null, deliveries };
}
