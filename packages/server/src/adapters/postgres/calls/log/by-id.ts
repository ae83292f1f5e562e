// Single events and deliveries of the log, by their ids. A customer sees the deliveries to its own webhooks, and their events as far as
// they concern it; nothing of internal types.
import { customerOf, projectOf, type Scope } from "../../../../core/access/principal.ts";
import type { EventDetails } from "../../../../core/event.ts";
import type { EventDelivery, FoundEvent, LoggedDelivery, LoggedEvent } from "../../../../ports/store/log.ts";
import { DELIVERY_COLUMNS } from "../../codec/delivery-rows.ts";
import { toEventDetails } from "../../codec/event-rows.ts";
import { uuidOf, uuidsOf } from "../../codec/ids.ts";
import { bytes, text } from "../../codec/rows.ts";
import { list, statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";
import { blockOf, findEvent, findEvents, showEvents } from "./events/found-event.ts";
import { readEventDeliveries } from "./events/statuses.ts";
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
const SELECT_BODY = statement("SELECT body FROM events WHERE id = $1");
const SELECT_WEBHOOKS = statement(`
	SELECT id FROM webhooks WHERE id = ANY($1::uuid[]) AND project_id = $2 AND ($3::text IS NULL OR customer_id = $3)
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
				const [shown] = await showEvents(session, [found.row], found.customer);
				return shown ?? null;
			}),
		eventsById: (scope: Scope, eventIds: readonly string[]): Promise<readonly (FoundEvent | null)[]> =>
			database.snapshot(async (session) => {
				const found = await findEvents(session, scope, eventIds);
				return eventIds.map((id) => found.get(uuidOf("evt", id) ?? "") ?? null);
			}),
		eventDetails: (scope: Scope, eventId: string): Promise<EventDetails | null> =>
			database.snapshot(async (session) => {
				const found = await findEvent(session, scope, eventId);
				if (found === null) return null;
				// A customer learns nothing of whom else the sender named, nor of the sender's own keys and traces.
				if (found.customer !== null) return { idempotencyKey: null, targets: null, traceparent: null };
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
		eventDeliveries: (
			scope: Scope,
			eventId: string,
			webhookIds: readonly string[],
		): Promise<readonly EventDelivery[] | null> =>
			database.snapshot(async (session) => {
				const found = await findEvent(session, scope, eventId);
				if (found === null) return null;
				const values = [uuidsOf("webhook", webhookIds), uuidOf("proj", projectOf(scope)), customerOf(scope)];
				const webhooks = (await session.run(SELECT_WEBHOOKS, values)).map((row) => text(row["id"]));
				return readEventDeliveries(session, blockOf(found.row), webhooks);
			}),
	};
}
