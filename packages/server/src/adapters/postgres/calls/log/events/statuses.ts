// The deliveries of events: how many of them are in each status, of all webhooks or of one customer's, and which of them go to certain
// webhooks.
import type { DeliveryStatus } from "../../../../../core/delivery.ts";
import type { EventDelivery } from "../../../../../ports/store/log.ts";
import { binaryArray } from "../../../codec/arrays.ts";
import { STATUS_CODES, STATUSES } from "../../../codec/delivery-rows.ts";
import { FIRST_UUID, idOf } from "../../../codec/ids.ts";
import { boolean, nameOf, number, text } from "../../../codec/rows.ts";
import { statement } from "../../../codec/statements.ts";
import type { Session } from "../../../connection/session.ts";
import { lastOf } from "../deliveries/wanted.ts";

/** The deliveries that replays have made of the events of a page are counted up to this number. */
const MAX_REPLAYED = 10_000;
/** The most deliveries by replays that are shown of one event, newest first. */
const MAX_SHOWN_REPLAYED = 1_000;

/** An event whose deliveries are looked for. */
export interface EventBlock {
	readonly id: string;
	readonly deliveryCount: number;
}

/** The deliveries of an event. */
export interface EventStatuses {
	/** The number of deliveries that the event got when it was accepted. */
	readonly first: number;
	/** Whether there are any, also later ones that a replay has made. */
	readonly isAny: boolean;
	/** All of them by status; null if they are too many. */
	readonly byStatus: Readonly<Record<DeliveryStatus, number>> | null;
}

const both = (select: (table: string) => string) => `${select("open_deliveries")} UNION ALL ${select("deliveries")}`;
/** Deliveries in the block of an event, whose ends are `event.id` and `event.last`; below, those that replays have made. */
const IN_BLOCK = "d.event_id = event.id AND d.id > event.id AND d.id <= event.last";
const EVENTS = "unnest($1::uuid[], $2::uuid[]) AS event(id, last)";
/** By webhook, so that the deliveries of others are not looked at. */
const ofWebhooks = (columns: string) => {
	const some = (table: string, condition: string) => `
		SELECT d.id, d.webhook_id, d.status, d.is_replayed FROM ${table} d WHERE d.webhook_id = own.id AND ${condition}
	`;
	const { Pending, Held } = STATUS_CODES;
	return `
		SELECT ${columns} FROM unnest($3::uuid[]) own(id) CROSS JOIN LATERAL (
			${some("open_deliveries", `d.status = ${Pending} AND ${IN_BLOCK}`)}
			UNION ALL ${some("open_deliveries", `d.status = ${Held} AND ${IN_BLOCK}`)}
			UNION ALL ${some("deliveries", IN_BLOCK)}
		) d WHERE NOT d.is_replayed
	`;
};
const count = (deliveries: string) =>
	statement(`
		SELECT event.id, d.status, count(*) AS count FROM ${EVENTS} CROSS JOIN LATERAL (${deliveries}) d
		GROUP BY event.id, d.status
	`);
const COUNT_ALL = count(both((table) => `SELECT d.status FROM ${table} d WHERE ${IN_BLOCK} AND NOT d.is_replayed`));
const COUNT_OWN = count(ofWebhooks("d.status"));
/** Replayed ones: of the events in `$1`, which are not below `$2`, as their deliveries are above them. */
const countReplayed = (condition: string) =>
	statement(`
		SELECT event_id AS id, status, count(*) AS count FROM (
			${both(
				(table) => `(
					SELECT d.event_id, d.status FROM ${table} d
					WHERE d.event_id = ANY($1::uuid[]) AND d.is_replayed AND d.id > $2 ${condition} LIMIT ${MAX_REPLAYED}
				)`,
			)}
		) d GROUP BY event_id, status
	`);
const COUNT_REPLAYED = countReplayed("");
const COUNT_OWN_REPLAYED = countReplayed("AND d.webhook_id = ANY($3::uuid[])");
const SELECT_OWN = statement(`SELECT d.* FROM ${EVENTS} CROSS JOIN LATERAL (${ofWebhooks("d.*")}) d`);
const NEWEST = `ORDER BY id DESC LIMIT ${MAX_SHOWN_REPLAYED}`;
/** By event and webhook, so that both lead to an index in the order of ids. Otherwise all deliveries since the event would be read in theirs. */
const SELECT_OWN_REPLAYED = statement(`
	SELECT d.* FROM unnest($1::uuid[]) event(id) CROSS JOIN unnest($3::uuid[]) own(id) CROSS JOIN LATERAL (
		${both(
			(table) => `(
				SELECT d.id, d.webhook_id, d.status, d.is_replayed FROM ${table} d
				WHERE d.event_id = event.id AND d.webhook_id = own.id AND d.is_replayed AND d.id > $2 ${NEWEST}
			)`,
		)}
	) d ${NEWEST}
`);

/** Counts the deliveries of events by status: all, or those to some webhooks. The UUID of each event is a key of the result. */
export async function countStatuses(
	session: Session,
	events: readonly EventBlock[],
	webhooks: readonly string[] | null,
): Promise<ReadonlyMap<string, EventStatuses>> {
	if (events.length === 0) return new Map();
	const counts = new Map(events.map(({ id }) => [id, { byStatus: noneOf(), first: 0, later: 0 }]));
	const own = webhooks === null ? [] : [binaryArray("uuid", webhooks)];
	const [first, later] = await Promise.all([
		session.run(webhooks === null ? COUNT_ALL : COUNT_OWN, [...blocksOf(events), ...own]),
		session.run(webhooks === null ? COUNT_REPLAYED : COUNT_OWN_REPLAYED, [...rangeOf(events), ...own]),
	]);
	for (const [rows, kind] of [
		[first, "first"],
		[later, "later"],
	] as const) {
		for (const row of rows) {
			const found = counts.get(text(row["id"]));
			if (found === undefined) continue;
			found.byStatus[nameOf(STATUSES, row["status"])] += number(row["count"]);
			found[kind] += number(row["count"]);
		}
	}
	// If not all replayed ones were counted, it is not known of which event some are missing.
	const isCut = later.reduce((sum, row) => sum + number(row["count"]), 0) >= MAX_REPLAYED;
	return new Map(
		[...counts].map(([id, of]): [string, EventStatuses] => [
			id,
			{ first: of.first, isAny: of.first + of.later > 0, byStatus: isCut ? null : of.byStatus },
		]),
	);
}

/** The deliveries of an event to some webhooks. */
export async function readEventDeliveries(
	session: Session,
	event: EventBlock,
	webhooks: readonly string[],
): Promise<EventDelivery[]> {
	const own = binaryArray("uuid", webhooks);
	const rows = await Promise.all([
		session.run(SELECT_OWN, [...blocksOf([event]), own]),
		session.run(SELECT_OWN_REPLAYED, [...rangeOf([event]), own]),
	]);
	return rows.flat().map((row) => ({
		webhookId: idOf("webhook", text(row["webhook_id"])),
		deliveryId: idOf("dlv", text(row["id"])),
		status: nameOf(STATUSES, row["status"]),
		isReplayed: boolean(row["is_replayed"]),
	}));
}

/** The events, and the first of them. */
function rangeOf(events: readonly EventBlock[]): [Buffer, string] {
	const ids = events.map(({ id }) => id);
	return [binaryArray("uuid", ids), ids.reduce((a, b) => (a < b ? a : b), ids[0] ?? FIRST_UUID)];
}

function blocksOf(events: readonly EventBlock[]): Buffer[] {
	return [
		binaryArray(
			"uuid",
			events.map(({ id }) => id),
		),
		binaryArray(
			"uuid",
			events.map(({ id, deliveryCount }) => lastOf(id, deliveryCount)),
		),
	];
}

function noneOf(): Record<DeliveryStatus, number> {
	return { Pending: 0, Succeeded: 0, Failed: 0, Held: 0, Cancelled: 0 };
}
