// Single events and deliveries of the log, by their ids. A customer sees the deliveries to its own webhooks, and their events as far as
// they concern it; nothing of internal types.
import { customerOf, projectOf, type Scope } from "../../../../core/access/principal.ts";
import { DELIVERY_STATUSES, type DeliveryStatus } from "../../../../core/delivery.ts";
import type { EventDetails } from "../../../../core/event.ts";
import type { LoggedDelivery, LoggedEvent } from "../../../../ports/store/log.ts";
import { DELIVERY_COLUMNS, STATUS_CODES } from "../../codec/delivery-rows.ts";
import { EVENT_COLUMNS, toEvent, toEventDetails } from "../../codec/event-rows.ts";
import { uuidOf } from "../../codec/ids.ts";
import { boolean, bytes, number, text, type Row } from "../../codec/rows.ts";
import { list, statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";
import { toLogged, withShownColumns } from "./logged-rows.ts";

/** Whether somebody who is a customer (null: nobody is) may see an event type of the project `$2`. */
const isVisible = (type: string, customer: string) => `
	(${customer}::text IS NULL OR NOT EXISTS (
		SELECT 1 FROM event_types t WHERE t.project_id = $2 AND t.name = ${type} AND t.visibility = 1
	))
`;
const COLUMNS = list(DELIVERY_COLUMNS);
const SELECT_DELIVERY = statement(`
	${withShownColumns(`
		SELECT ${COLUMNS} FROM open_deliveries WHERE id = $1 UNION ALL SELECT ${COLUMNS} FROM deliveries WHERE id = $1
	`)}
	WHERE delivery.project_id = $2 AND ($3::text IS NULL OR webhook.customer_id = $3) AND ${isVisible("delivery.event_type", "$3")}
`);
const SELECT_EVENT = statement(`
	SELECT ${list(EVENT_COLUMNS)}, details FROM events WHERE id = $1 AND project_id = $2 AND ${isVisible("type", "$3")}
`);
const SELECT_BODY = statement("SELECT body FROM events WHERE id = $1");
const SELECT_STATUSES = statement(`
	SELECT status, is_replayed, count(*) AS count FROM (
		SELECT webhook_id, status, is_replayed FROM open_deliveries WHERE event_id = $1
		UNION ALL SELECT webhook_id, status, is_replayed FROM deliveries WHERE event_id = $1
	) delivery
	WHERE $2::text IS NULL OR webhook_id IN (SELECT id FROM webhooks WHERE customer_id = $2)
	GROUP BY status, is_replayed
`);

/** The calls about one event or one delivery. */
export function createByIdCalls(database: Database) {
	return {
		delivery: (scope: Scope, deliveryId: string): Promise<LoggedDelivery | null> =>
			database.read(async (session) => {
				const values = [uuidOf("dlv", deliveryId), uuidOf("proj", projectOf(scope)), customerOf(scope)];
				const [row] = await session.run(SELECT_DELIVERY, values);
				return row === undefined ? null : toLogged(row);
			}),
		event: (scope: Scope, eventId: string): Promise<LoggedEvent | null> =>
			database.snapshot(async (session) => {
				const found = await findEvent(session, scope, eventId);
				if (found === null) return null;
				const { idempotencyKey } = toEventDetails(found.row);
				return { ...toEvent(found.row), idempotencyKey, deliveries: found.deliveries };
			}),
		eventDetails: (scope: Scope, eventId: string): Promise<EventDetails | null> =>
			database.snapshot(async (session) => {
				const found = await findEvent(session, scope, eventId);
				if (found === null) return null;
				// A customer learns nothing of whom else the sender named, nor of the sender's own keys and traces.
				if (customerOf(scope) !== null) return { idempotencyKey: null, targets: null, traceparent: null };
				return toEventDetails(found.row);
			}),
		eventBody: (scope: Scope, eventId: string): Promise<Uint8Array | null> =>
			database.snapshot(async (session) => {
				const found = await findEvent(session, scope, eventId);
				if (found === null) return null;
				const [row] = await session.run(SELECT_BODY, [found.row["id"]]);
				const body = bytes(row?.["body"]);
				return body.length === 0 ? null : body;
			}),
	};
}

/** An event as somebody sees it, and how many of its deliveries that they see are in each status. */
interface FoundEvent {
	readonly row: Row;
	readonly deliveries: Record<DeliveryStatus, number>;
}

async function findEvent(session: Session, scope: Scope, eventId: string): Promise<FoundEvent | null> {
	const id = uuidOf("evt", eventId);
	const customer = customerOf(scope);
	const [[row], counts] = await Promise.all([
		session.run(SELECT_EVENT, [id, uuidOf("proj", projectOf(scope)), customer]),
		session.run(SELECT_STATUSES, [id, customer]),
	]);
	if (row === undefined || (customer !== null && counts.length === 0)) return null;
	const deliveries: Record<DeliveryStatus, number> = { Pending: 0, Succeeded: 0, Failed: 0, Held: 0, Cancelled: 0 };
	let first = 0;
	for (const count of counts) {
		const status = DELIVERY_STATUSES.find((each) => STATUS_CODES[each] === count["status"]);
		if (status !== undefined) deliveries[status] += number(count["count"]);
		if (!boolean(count["is_replayed"])) first += number(count["count"]);
	}
	if (customer === null) return { row, deliveries };
	return { row: { ...row, delivery_count: first, customer: text(customer), details: null }, deliveries };
}
