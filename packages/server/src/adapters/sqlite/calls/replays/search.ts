// The search of a replay: the events of a project in order, each with the statuses of its deliveries to one webhook.
import type { DatabaseSync } from "node:sqlite";

import { EVERY_CUSTOMER } from "../../../../core/access/customer.ts";
import type { DeliveryStatus } from "../../../../core/delivery.ts";
import { createReplayMatcher, replayOutcome, type ReplayFilter, type ReplayMatcher } from "../../../../core/replay.ts";
import { STATUSES } from "../../codec/delivery-rows.ts";
import { nameOf, number, text, type Row } from "../../codec/rows.ts";
import type { LogView, Marks } from "../../deliveries/log-view.ts";
import type { SeqIndex } from "../log/seq-page.ts";

export interface Search {
	readonly project: number;
	readonly webhook: number;
	/** The customer of the webhook: only events that are for this customer are looked at. Null looks at all. */
	readonly customerId: string | null;
	readonly filter: ReplayFilter;
	/** Only the events with these numbers, all of which are in the range of the filter; null for every event of the range. */
	readonly chosen: readonly number[] | null;
	/** The number of the last event to look at; null for no limit beside the filter. */
	readonly upTo: number | null;
	/** The number of the last event that was looked at; null to begin with the first one. */
	readonly after: number | null;
	readonly scanLimit: number;
	readonly matchLimit: number;
	/** Events that have a delivery above this number are skipped; null skips none. */
	readonly madeAfter: number | null;
}

export interface FoundEvent {
	readonly seq: number;
	readonly date: number;
}

export interface Found {
	readonly matches: readonly FoundEvent[];
	readonly scanned: number;
	/** The first and the last event that were scanned. */
	readonly first: FoundEvent | null;
	readonly last: FoundEvent | null;
	/** Where the next search goes on: the number of the last event that is dealt with, scanned or not; null if none is. */
	readonly position: number | null;
	/** Whether all events of the range are scanned. */
	readonly done: boolean;
}

interface ScannedEvent extends FoundEvent {
	readonly type: string;
	readonly isErased: boolean;
}

/** A delivery of the event to the webhook. */
interface FoundDelivery {
	readonly seq: number;
	readonly status: DeliveryStatus;
}

/** A search ends when it has skipped this many events, whose dates are outside of the range although their ids are in it: see `IdLead`. */
const MAX_SKIPPED = 2_000;

/** Prepares the search. */
export function createSearch(db: DatabaseSync, view: LogView, index: SeqIndex): (search: Search) => Found {
	const columns = ["seq", "type", "create_date", "delivery_count", "length(body) AS length"];
	const select = createSelectEvents(db, columns, "ASC");
	const selectChosen = createSelectChosen(db, columns);
	const deliveriesOf = createDeliveriesOf(db);

	return ({ project, webhook, customerId, filter, chosen, upTo, after, ...limits }) => {
		const { scanLimit, matchLimit, madeAfter } = limits;
		const matcher = createReplayMatcher(filter);
		const { since, until } = filter;
		const { low, high } = index.rangeOf({ after: since, before: until });
		const end = upTo === null ? high : Math.min(high, upTo + 1);
		const { marks } = view;
		const matches: FoundEvent[] = [];
		let [scanned, skipped] = [0, 0];
		let first: FoundEvent | null = null;
		let last: FoundEvent | null = null;
		let lookedUpTo: number | null = null;
		const found = (done: boolean): Found => {
			const position = done ? (last?.seq ?? null) : lookedUpTo;
			return { matches, scanned, first, last, position, done };
		};
		const rows =
			chosen === null
				? select({ project, customerId, after: Math.max(low - 1, after ?? 0), end })
				: selectChosen({ project, customerId, after: after ?? 0, end: Number.MAX_SAFE_INTEGER }, chosen);
		for (const row of rows) {
			if (scanned === scanLimit || skipped === MAX_SKIPPED) return found(false);
			const event = toScannedEvent(row);
			if (event.date < since || event.date >= until) {
				skipped++;
				lookedUpTo = event.seq;
				continue;
			}
			const deliveries = deliveriesOf(event.seq, number(row["delivery_count"]), webhook, marks);
			const isMatch = wants(matcher, event, deliveries, madeAfter);
			if (isMatch && matches.length === matchLimit) return found(false);
			if (isMatch) matches.push(event);
			scanned++;
			first ??= event;
			last = event;
			lookedUpTo = event.seq;
		}
		return found(true);
	};
}

/** A range of the events of a project, or of those that are for one customer. */
interface EventRange {
	readonly project: number;
	readonly customerId: string | null;
	/** Numbers after this one and before `end`. */
	readonly after: number;
	readonly end: number;
}

/** That the type of an event is not internal. */
const IS_PUBLIC = `event.type NOT IN (
	SELECT name FROM event_types INDEXED BY event_types_internal
	WHERE visibility = 1 AND project_id = (SELECT id FROM projects WHERE number = ?1)
)`;

/**
 * Prepares the reading of events in the order of their numbers. Those that are for a customer are merged from three indexes: by
 * their `customerId`, those for every customer, and by their `customerIds`.
 */
export function createSelectEvents(db: DatabaseSync, columns: readonly string[], order: "ASC" | "DESC") {
	const all = db.prepare(`
		SELECT ${columns.join(", ")} FROM events event INDEXED BY events_by_project
		WHERE project = ?1 AND seq > ?2 AND seq < ?3 ORDER BY seq ${order}
	`);
	const others = columns.filter((column) => column !== "seq").join(", ");
	const forOne = (customer: string) => `
		SELECT event.seq AS seq, ${others} FROM events event INDEXED BY events_by_customer
		WHERE event.project = ?1 AND event.customer = ${customer} AND event.seq > ?2 AND event.seq < ?3 AND ${IS_PUBLIC}
	`;
	const forCustomer = db.prepare(`
		${forOne("?4")} UNION ALL ${forOne(`'${EVERY_CUSTOMER}'`)} UNION ALL
		SELECT entry.event AS seq, ${others}
		FROM event_customers entry CROSS JOIN events event ON event.seq = entry.event
		WHERE entry.project = ?1 AND entry.customer = ?4 AND entry.event > ?2 AND entry.event < ?3 AND ${IS_PUBLIC}
		ORDER BY seq ${order}
	`);
	return ({ project, customerId, after, end }: EventRange): Iterable<Row> =>
		customerId === null ? all.iterate(project, after, end) : forCustomer.iterate(project, after, end, customerId);
}

/** The same for events with these numbers. */
function createSelectChosen(db: DatabaseSync, columns: readonly string[]) {
	const sql = (conditions: string) => `
		SELECT ${columns.join(", ")} FROM (SELECT value AS number FROM json_each(?4)) chosen CROSS JOIN events event ON event.seq = chosen.number
		WHERE event.project = ?1 AND event.seq > ?2 AND event.seq < ?3 ${conditions} ORDER BY event.seq
	`;
	const all = db.prepare(sql(""));
	const forCustomer = db.prepare(
		sql(`
			AND (event.customer IN (?5, '${EVERY_CUSTOMER}') OR EXISTS (
				SELECT 1 FROM event_customers entry WHERE entry.project = ?1 AND entry.customer = ?5 AND entry.event = event.seq
			)) AND ${IS_PUBLIC}
		`),
	);
	return ({ project, customerId, after, end }: EventRange, chosen: readonly number[]): Iterable<Row> => {
		const values = [project, after, end, JSON.stringify(chosen)];
		return customerId === null ? all.iterate(...values) : forCustomer.iterate(...values, customerId);
	};
}

function toScannedEvent(row: Row): ScannedEvent {
	return {
		seq: number(row["seq"]),
		date: number(row["create_date"]),
		type: text(row["type"]),
		isErased: number(row["length"]) === 0,
	};
}

/** Prepares the reading of an event's deliveries to a webhook, newest first. */
function createDeliveriesOf(db: DatabaseSync) {
	const inBlock = db.prepare(`
		SELECT seq, status FROM deliveries INDEXED BY deliveries_by_webhook
		WHERE listed = 1 AND webhook = ? AND seq > ? AND seq <= ? ORDER BY seq DESC
	`);
	const inTail = db.prepare(`
		SELECT seq, status FROM deliveries NOT INDEXED WHERE +webhook = ? AND seq > ? AND seq <= ? ORDER BY seq DESC
	`);
	const outside = db.prepare(`
		SELECT seq, status FROM deliveries INDEXED BY deliveries_outside_by_event
		WHERE outside = 1 AND event = ? AND webhook = ? ORDER BY seq DESC
	`);
	const listed = db.prepare(`
		SELECT seq FROM open INDEXED BY open_by_webhook WHERE listed = 1 AND webhook = ? AND seq > ? AND seq <= ? LIMIT 1
	`);
	const tail = db.prepare("SELECT seq FROM open NOT INDEXED WHERE +webhook = ? AND seq > ? AND seq <= ? LIMIT 1");

	return (event: number, count: number, webhook: number, marks: Marks): FoundDelivery[] => {
		if (count === 0) return outside.all(event, webhook).map(toFound);
		const waiting = (event + 1 > marks.open ? tail : listed).get(webhook, event, event + count);
		const waitsInTail =
			waiting === undefined && event + count > marks.open ? tail.get(webhook, event, event + count) : waiting;
		const end = event + count;
		const unlisted = end > marks.full ? inTail.all(webhook, Math.max(event, marks.full), end) : [];
		const found = [...outside.all(event, webhook), ...unlisted, ...inBlock.all(webhook, event, end)].map(toFound);
		return waitsInTail === undefined ? found : [...found, { seq: number(waitsInTail["seq"]), status: "Pending" }];
	};
}

function toFound(row: Row): FoundDelivery {
	return { seq: number(row["seq"]), status: nameOf(STATUSES, row["status"]) };
}

function wants(
	matcher: ReplayMatcher,
	{ type, isErased }: ScannedEvent,
	deliveries: readonly FoundDelivery[],
	madeAfter: number | null,
): boolean {
	// An erased payload can't be sent.
	if (isErased) return false;
	const [newest] = deliveries;
	if (madeAfter !== null && newest !== undefined && newest.seq > madeAfter) return false;
	const outcome = replayOutcome(deliveries.map(({ status }) => status));
	return outcome !== null && matcher.wants(type, outcome);
}
