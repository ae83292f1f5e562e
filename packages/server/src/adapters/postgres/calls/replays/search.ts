// The search of a replay: the events of a project in order, each with the statuses of its deliveries to one webhook.
import { EVERY_CUSTOMER } from "../../../../core/access/customer.ts";
import { deliveryIdAt } from "../../../../core/ids.ts";
import { createReplayMatcher, replayOutcome, type ReplayFilter, type ReplayMatcher } from "../../../../core/replay.ts";
import { binaryArray } from "../../codec/arrays.ts";
import { STATUSES } from "../../codec/delivery-rows.ts";
import { FIRST_UUID, firstUuidAt, idOf, uuidOf } from "../../codec/ids.ts";
import { boolean, nameOf, number, text, type Row } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Session } from "../../connection/session.ts";
import { hasRow } from "../log/source.ts";

export interface Search {
	/** UUIDs. */
	readonly project: string;
	readonly webhook: string;
	/** The customer of the webhook: only events that are for this customer are looked at. Null looks at all. */
	readonly customerId: string | null;
	readonly filter: ReplayFilter;
	/** How far ids were ever ahead of dates: see `Leads`. */
	readonly idLeadMs: number;
	/** Only these events, all of which are in the range of the filter; null for every event of the range. */
	readonly chosen: readonly string[] | null;
	/** The last event that was looked at; null to begin with the first one. */
	readonly after: string | null;
	readonly scanLimit: number;
	readonly matchLimit: number;
	/**
	 * The highest id of an event or a delivery of the project when the replay was made. Events that have a delivery with a higher one are
	 * skipped: it was made later. Its date does not tell, since it may be ahead. Null skips none.
	 */
	readonly madeAfter: string | null;
}

export interface FoundEvent {
	readonly id: string;
	readonly type: string;
	readonly date: number;
}

export interface Found {
	readonly matches: readonly FoundEvent[];
	readonly scanned: number;
	/** The first and the last event that were scanned. */
	readonly first: FoundEvent | null;
	readonly last: FoundEvent | null;
	/** Where the next search goes on: after the last event that is dealt with, scanned or not; null if none is. */
	readonly position: string | null;
	/** Whether all events of the range are scanned. */
	readonly done: boolean;
}

const COLUMNS = "events.id, type, create_date, delivery_count, octet_length(body) = 0 AS is_erased";
const selectAll = (order: "ASC" | "DESC") => `
	SELECT ${COLUMNS}, FALSE AS is_hidden FROM events
	WHERE project_id = $1 AND id > $2 AND id <= $3 ORDER BY id ${order} LIMIT $4
`;
const ofOne = (customer: string, order: "ASC" | "DESC") => `(
	SELECT event_id FROM event_customers WHERE project_id = $1 AND customer_id = ${customer} AND event_id > $2 AND event_id <= $3
	ORDER BY event_id ${order} LIMIT $4
)`;
/** Only events that are for the customer, and none of internal types. */
const selectForCustomer = (order: "ASC" | "DESC") => `
	SELECT ${COLUMNS}, EXISTS (
		SELECT 1 FROM event_types t WHERE t.project_id = $1 AND t.name = events.type AND t.visibility = 1
	) AS is_hidden
	FROM (
		SELECT DISTINCT event_id FROM (${ofOne("$5", order)} UNION ALL ${ofOne(`'${EVERY_CUSTOMER}'`, order)}) found
		ORDER BY event_id ${order} LIMIT $4
	) wanted JOIN events ON events.id = wanted.event_id ORDER BY events.id ${order}
`;
const isFor = (customer: string) =>
	hasRow(`event_customers c WHERE c.project_id = $1 AND c.customer_id = ${customer} AND c.event_id = events.id`);
/**
 * Chosen events: those that are for a customer, or all of them if the customer is null. Each is looked for by its id: in order of their ids,
 * PostgreSQL would rather look at all events of the project.
 */
const SELECT_CHOSEN = statement(`
	SELECT found.* FROM (SELECT DISTINCT id FROM unnest($5::uuid[]) AS given(id) WHERE id > $2 ORDER BY id) chosen
	CROSS JOIN LATERAL (
		SELECT ${COLUMNS}, $4::text IS NOT NULL AND EXISTS (
			SELECT 1 FROM event_types t WHERE t.project_id = $1 AND t.name = events.type AND t.visibility = 1
		) AS is_hidden
		FROM events
		WHERE events.id = chosen.id AND project_id = $1 AND ($4::text IS NULL OR ${isFor("$4")} OR ${isFor(`'${EVERY_CUSTOMER}'`)})
		LIMIT 1
	) found
	ORDER BY chosen.id LIMIT $3
`);
const SELECT_ALL = statement(selectAll("ASC"));
const SELECT_ALL_BACK = statement(selectAll("DESC"));
const SELECT_FOR_CUSTOMER = statement(selectForCustomer("ASC"));
const SELECT_FOR_CUSTOMER_BACK = statement(selectForCustomer("DESC"));
/**
 * Deliveries that were made with the events have ids between those of the events. Those that replays have made are found by their events and
 * the webhook: comparing both at once keeps PostgreSQL from an index of webhooks, where it would look at all deliveries of this one. OFFSET 0
 * has it look for each event by itself.
 */
const SELECT_DELIVERIES = statement(
	["open_deliveries", "deliveries"]
		.map(
			(table) => `
				SELECT id, event_id, status FROM ${table}
				WHERE webhook_id = $1 AND id > $2 AND id <= $3 AND NOT is_replayed
				UNION ALL
				SELECT replayed.* FROM unnest($4::uuid[]) AS given(event) CROSS JOIN LATERAL (
					SELECT id, event_id, status FROM ${table}
					WHERE (event_id, webhook_id) >= (given.event, $1) AND (event_id, webhook_id) <= (given.event, $1) AND is_replayed
					OFFSET 0
				) replayed
			`,
		)
		.join("UNION ALL"),
);

/** Searches on, from the place where the last search has ended. */
export async function search(session: Session, wanted: Search): Promise<Found> {
	const { webhook, filter, scanLimit, matchLimit, madeAfter } = wanted;
	const matcher = createReplayMatcher(filter);
	const events = await readEvents(session, wanted, scanLimit + 1);
	const deliveriesOf = await readDeliveries(session, webhook, events);
	const matches: FoundEvent[] = [];
	let scanned = 0;
	let first: FoundEvent | null = null;
	let last: FoundEvent | null = null;
	let position: string | null = null;
	for (const row of events) {
		if (scanned === scanLimit) return { matches, scanned, first, last, position, done: false };
		const event = { id: text(row["id"]), type: text(row["type"]), date: number(row["create_date"]) };
		if (!boolean(row["is_hidden"]) && isInRange(filter, event)) {
			const deliveries = deliveriesOf.get(event.id) ?? [];
			const isMatch = !boolean(row["is_erased"]) && wants(matcher, event, deliveries, madeAfter);
			if (isMatch && matches.length === matchLimit) {
				return { matches, scanned, first, last, position, done: false };
			}
			if (isMatch) matches.push(event);
			scanned += 1;
			first ??= event;
			last = event;
		}
		position = event.id;
	}
	return { matches, scanned, first, last, position, done: events.length <= scanLimit };
}

/**
 * The date of the newest event in the range of a filter; null if it is not among the newest hundred by their ids. Not of those that a
 * customer does not see.
 */
export async function newestIn(
	session: Session,
	of: Pick<Search, "project" | "customerId" | "filter" | "idLeadMs" | "madeAfter">,
): Promise<number | null> {
	const { low, high } = rangeOf(of);
	const values = [of.project, low, high, of.customerId === null && of.idLeadMs === 0 ? 1 : MAX_LOOKS];
	const rows =
		of.customerId === null
			? await session.run(SELECT_ALL_BACK, values)
			: await session.run(SELECT_FOR_CUSTOMER_BACK, [...values, of.customerId]);
	const dates = rows.filter((row) => !boolean(row["is_hidden"])).map((row) => number(row["create_date"]));
	return dates.find((date) => isInRange(of.filter, { date })) ?? null;
}

/** Newest events looked at to find the end of a replay's range. */
const MAX_LOOKS = 100;

/**
 * The UUIDs of a range, after `low` and up to `high`. Ids are never behind dates: these are all events with a date in the range, and some
 * more if ids were ever ahead. They end with those that were there when the replay was made.
 */
function rangeOf({ filter, idLeadMs, madeAfter }: Pick<Search, "filter" | "idLeadMs" | "madeAfter">) {
	// No id is the first one of its millisecond.
	const end = firstUuidAt(filter.until + idLeadMs);
	return { low: firstUuidAt(filter.since), high: madeAfter !== null && madeAfter < end ? madeAfter : end };
}

function isInRange({ since, until }: ReplayFilter, { date }: Pick<FoundEvent, "date">): boolean {
	return date >= since && date < until;
}

function readEvents(session: Session, wanted: Search, limit: number): Promise<readonly Row[]> {
	const { project, customerId, chosen, after } = wanted;
	if (chosen !== null) {
		return session.run(SELECT_CHOSEN, [project, after ?? FIRST_UUID, limit, customerId, binaryArray("uuid", chosen)]);
	}
	const { low, high } = rangeOf(wanted);
	const start = after !== null && after > low ? after : low;
	const values = [project, start, high, limit];
	if (customerId === null) return session.run(SELECT_ALL, values);
	return session.run(SELECT_FOR_CUSTOMER, [...values, customerId]);
}

/** The deliveries of events to a webhook, newest first. */
async function readDeliveries(
	session: Session,
	webhook: string,
	events: readonly Row[],
): Promise<ReadonlyMap<string, readonly Row[]>> {
	const [first, last] = [events[0], events.at(-1)];
	if (first === undefined || last === undefined) return new Map();
	const ids = events.map((row) => text(row["id"]));
	const lastId = deliveryIdAt(idOf("evt", text(last["id"])), number(last["delivery_count"]));
	const values = [webhook, first["id"], uuidOf("dlv", lastId) ?? FIRST_UUID, binaryArray("uuid", ids)];
	const rows = await session.run(SELECT_DELIVERIES, values);
	const sorted = rows.toSorted((a, b) => (text(a["id"]) < text(b["id"]) ? 1 : -1));
	return Map.groupBy(sorted, (row) => text(row["event_id"]));
}

function wants(
	matcher: ReplayMatcher,
	{ type }: FoundEvent,
	deliveries: readonly Row[],
	madeAfter: string | null,
): boolean {
	if (madeAfter !== null && deliveries.some((row) => text(row["id"]) > madeAfter)) return false;
	const outcome = replayOutcome(deliveries.map((row) => nameOf(STATUSES, row["status"])));
	return outcome !== null && matcher.wants(type, outcome);
}
