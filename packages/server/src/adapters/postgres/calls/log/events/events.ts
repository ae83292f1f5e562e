// The list of events. A customer sees an event only through the deliveries to its own webhooks, as far as they concern it.
import { projectOf, type Scope } from "../../../../../core/access/principal.ts";
import type { Page, PageRequest } from "../../../../../core/page.ts";
import type { EventFilter, LoggedEvent } from "../../../../../ports/store/log.ts";
import { EVENT_COLUMNS } from "../../../codec/event-rows.ts";
import { among, FIRST_UUID, firstUuidAt, idOf, isAmong, uuidOf, uuidTime, type UuidRange } from "../../../codec/ids.ts";
import { text, type Row } from "../../../codec/rows.ts";
import { list, statement } from "../../../codec/statements.ts";
import type { Database } from "../../../connection/database.ts";
import type { Session } from "../../../connection/session.ts";
import { readLead, type Lead } from "../../../deliveries/leads.ts";
import { mainPart, readPage } from "../../keyset.ts";
import { BUDGET, firstStretch, readNow, walk } from "../walk.ts";
import { readCustomer, showEvents, type ReadingCustomer } from "./found-event.ts";
import { chooseSource } from "./sources.ts";

const NO_ROWS = { rows: [], hasNewer: false, hasOlder: false };

const SELECT_EVENTS = statement(`SELECT ${list(EVENT_COLUMNS)}, details FROM events WHERE ${isAmong("id")}`);

/** The call `events`. `budget` is what a page may look at, as in walk.ts. */
export function createEventPage(database: Database, budget = BUDGET) {
	return (scope: Scope, filter: EventFilter, request: PageRequest): Promise<Page<LoggedEvent>> =>
		database.snapshot(async (session) => {
			const project = uuidOf("proj", projectOf(scope));
			const [customer, lead, now] = await Promise.all([
				readCustomer(session, scope),
				readLead(session),
				readNow(session),
			]);
			if (project === null || (customer !== null && !maySearch(customer, filter))) return NO_ROWS;
			const range = rangeOf(filter, lead);
			const reader = { project, customer, hasLead: lead.idMs > 0 };
			const whole = mainPart("evt", request, range);
			const begin = { whole, near: firstStretch(whole, now) };
			const source = await chooseSource(session, reader, filter, begin);
			const { stoppedAt, ...page } = await readPage("evt", request, range, (part) =>
				walk(session, [source], { part, budget, now }),
			);
			const rows = await readRows(
				session,
				page.rows.map(({ id }) => text(id)),
			);
			const stopped =
				stoppedAt === undefined ? {} : { stoppedAt: idOf("evt", stoppedAt), scannedTo: uuidTime(stoppedAt) };
			return { ...page, rows: await showEvents(session, rows, customer), ...stopped };
		});
}

/**
 * Whether there can be an answer for a customer. It can't ask for others' events or by the sender's idempotency keys, and every event
 * that it sees has reached it.
 */
function maySearch(
	customer: ReadingCustomer,
	{ customerId = null, idempotencyKey = null, unmatched = false }: EventFilter,
): boolean {
	const isOwn = customerId === null || customerId === customer.id;
	return isOwn && idempotencyKey === null && !unmatched && customer.webhooks.length > 0;
}

/** Ids are never behind dates: the range has every event with a date in it, and some more if ids were ever ahead. */
function rangeOf({ after, before }: EventFilter, { idMs }: Lead): UuidRange {
	return {
		low: after === null ? FIRST_UUID : firstUuidAt(after),
		high: before === null ? null : firstUuidAt(before + idMs),
	};
}

/** Reads events in the order of the given UUIDs. */
async function readRows(session: Session, ids: readonly string[]): Promise<Row[]> {
	if (ids.length === 0) return [];
	const found = new Map<string, Row>();
	for (const row of await session.run(SELECT_EVENTS, among(ids))) found.set(text(row["id"]), row);
	return ids.flatMap((id): Row[] => {
		const row = found.get(id);
		return row === undefined ? [] : [row];
	});
}
