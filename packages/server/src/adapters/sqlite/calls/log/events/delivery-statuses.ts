// How many deliveries of an event are in each status, of all webhooks or of one customer's.
import type { DatabaseSync } from "node:sqlite";

import { DELIVERY_STATUSES, type DeliveryStatus } from "../../../../../core/delivery.ts";
import { STATUS_CODES, STATUSES } from "../../../codec/delivery-rows.ts";
import { countOf, nameOf, number, type Row } from "../../../codec/rows.ts";
import type { LogView } from "../../../deliveries/log-view.ts";
import type { Customer } from "../customers.ts";

type StatusCounts = Record<DeliveryStatus, number>;

/** The deliveries of an event. */
export interface EventDeliveries {
	/** The number of deliveries that the event got when it was accepted. */
	readonly first: number;
	/** Whether there are any, also later ones that a replay has made. */
	readonly isAny: boolean;
	/** All of them by status; null if there are more than were asked for. */
	readonly byStatus: Readonly<StatusCounts> | null;
	/** About how long counting them took, in the time for a row: some 1.5 µs. */
	readonly cost: number;
}

/** What finding the deliveries of a customer takes beside the rows. */
const LOOK = 10;
/** Blocks up to this size are read for the deliveries of a customer. */
const SMALL_BLOCK = 16;
/** The deliveries that replays have made of one event are counted up to this number. */
const MAX_OUTSIDE = 1_000;

const SUMS = DELIVERY_STATUSES.map((status) => `count(*) FILTER (WHERE status = ${STATUS_CODES[status]}) AS ${status}`);
const OWN =
	"webhook IN (SELECT number FROM webhooks INDEXED BY webhooks_by_customer WHERE project_id = ?1 AND customer_id = ?2)";

/** Prepares the counting of all deliveries of an event. The row has `seq` and `delivery_count`. */
export function createCountAll(db: DatabaseSync) {
	const full = db.prepare(`SELECT ${SUMS.join(", ")} FROM deliveries NOT INDEXED WHERE seq > ? AND seq <= ?`);
	const open = db.prepare("SELECT count(*) AS count FROM open NOT INDEXED WHERE seq > ? AND seq <= ?");
	const outside = db.prepare(`
		SELECT ${SUMS.join(", ")} FROM (
			SELECT status FROM deliveries INDEXED BY deliveries_outside_by_event WHERE outside = 1 AND event = ? LIMIT ${MAX_OUTSIDE}
		)
	`);
	return (event: Row, most: number): EventDeliveries => {
		const [seq, first] = [number(event["seq"]), number(event["delivery_count"])];
		const end = seq + first;
		const byStatus = noneOf();
		const later = add(byStatus, outside.get(seq));
		if (first > most || later === MAX_OUTSIDE) return { first, isAny: true, byStatus: null, cost: 1 };
		// A block without full rows that are missing has no open rows.
		const isComplete = first === 0 || add(byStatus, full.get(seq, end)) === first;
		if (!isComplete) byStatus.Pending += countOf(open.get(seq, end));
		return { first, isAny: first + later > 0, byStatus, cost: 1 + first + later };
	};
}

/** Prepares the counting of those to the webhooks of a customer, whose numbers are given. */
export function createCountOwn(db: DatabaseSync, view: Pick<LogView, "marks">) {
	const countSmall = createCountSmall(db);
	const countLarge = createCountLarge(db, view);
	const outside = db.prepare(`
		SELECT ${SUMS.join(", ")} FROM (
			SELECT status FROM deliveries INDEXED BY deliveries_outside_by_event
			WHERE outside = 1 AND event = ?3 AND ${OWN} LIMIT ${MAX_OUTSIDE}
		)
	`);
	const anyOutside = db.prepare(
		"SELECT 1 FROM deliveries INDEXED BY deliveries_outside_by_event WHERE outside = 1 AND event = ? LIMIT 1",
	);
	return (event: Row, customer: Customer, webhooks: ReadonlySet<number>): EventDeliveries => {
		const seq = number(event["seq"]);
		const end = seq + number(event["delivery_count"]);
		const byStatus = noneOf();
		const isSmall = end - seq <= SMALL_BLOCK;
		const first = isSmall ? countSmall(byStatus, seq, end, webhooks) : countLarge(byStatus, seq, end, customer);
		const hasLater = anyOutside.get(seq) !== undefined;
		const later = hasLater ? add(byStatus, outside.get(customer.project.bytes, customer.customerId, seq)) : 0;
		return {
			first,
			isAny: first + later > 0,
			byStatus: later === MAX_OUTSIDE ? null : byStatus,
			// The deliveries of others in the block do not count, so that no page ends sooner because of them.
			cost: LOOK + webhooks.size + later,
		};
	};
}

/** Reads all rows of a block. */
function createCountSmall(db: DatabaseSync) {
	const full = db.prepare("SELECT webhook, status FROM deliveries NOT INDEXED WHERE seq > ? AND seq <= ?");
	const open = db.prepare("SELECT webhook FROM open NOT INDEXED WHERE seq > ? AND seq <= ?");
	return (byStatus: StatusCounts, seq: number, end: number, webhooks: ReadonlySet<number>): number => {
		if (seq === end) return 0;
		const rows = full.all(seq, end);
		const waiting = rows.length === end - seq ? [] : open.all(seq, end);
		const own = [...rows, ...waiting].filter(({ webhook }) => webhooks.has(number(webhook)));
		for (const { status = STATUS_CODES.Pending } of own) byStatus[nameOf(STATUSES, status)]++;
		return own.length;
	};
}

/** Looks for the rows of the customer's webhooks in the indexes, and in the tails that are in no index. */
function createCountLarge(db: DatabaseSync, view: Pick<LogView, "marks">) {
	const counts = (condition: string, indexes: readonly [full: string, open: string]) => {
		const where = `${condition} AND seq > ?3 AND seq <= ?4`;
		return {
			full: db.prepare(`SELECT ${SUMS.join(", ")} FROM deliveries ${indexes[0]} WHERE ${where}`),
			open: db.prepare(`SELECT count(*) AS count FROM open ${indexes[1]} WHERE ${where}`),
		};
	};
	const inIndex = counts(`listed = 1 AND ${OWN}`, ["INDEXED BY deliveries_by_webhook", "INDEXED BY open_by_webhook"]);
	const inTail = counts(`+${OWN}`, ["NOT INDEXED", "NOT INDEXED"]);
	return (byStatus: StatusCounts, seq: number, end: number, { project, customerId }: Customer): number => {
		const { marks } = view;
		const from = (after: number) => [project.bytes, customerId, Math.max(seq, after), end] as const;
		let [closed, waiting] = [add(byStatus, inIndex.full.get(...from(seq))), countOf(inIndex.open.get(...from(seq)))];
		if (end > marks.full) closed += add(byStatus, inTail.full.get(...from(marks.full)));
		if (end > marks.open) waiting += countOf(inTail.open.get(...from(marks.open)));
		byStatus.Pending += waiting;
		return closed + waiting;
	};
}

function noneOf(): StatusCounts {
	return { Pending: 0, Succeeded: 0, Failed: 0, Held: 0, Cancelled: 0 };
}

/** Adds the sums of a row, and returns how many deliveries they are. */
function add(counts: StatusCounts, row: Row | undefined): number {
	let sum = 0;
	for (const status of DELIVERY_STATUSES) {
		const count = number(row?.[status] ?? 0);
		counts[status] += count;
		sum += count;
	}
	return sum;
}
