// The deliveries of events: how many of them are in each status, in all or of one customer, and which of them go to some webhooks.
import type { DeliveryStatus } from "../../../../../core/delivery.ts";
import type { EventDelivery } from "../../../../../ports/store/log.ts";
import { binaryArray } from "../../../codec/arrays.ts";
import { STATUS_CODES, STATUSES } from "../../../codec/delivery-rows.ts";
import { idOf } from "../../../codec/ids.ts";
import { boolean, nameOf, number, text } from "../../../codec/rows.ts";
import { statement } from "../../../codec/statements.ts";
import type { Session } from "../../../connection/session.ts";
import { lastOf } from "../deliveries/wanted.ts";

/** The deliveries that replays have made of one event are counted up to this number. */
const MAX_REPLAYED = 1_000;

/** An event whose deliveries are looked for. */
export interface EventBlock {
	readonly id: string;
	readonly deliveryCount: number;
}

/** The deliveries of an event. */
export interface EventStatuses {
	/** Those that it got when it was accepted. */
	readonly first: number;
	/** Whether there are any, also later ones that a replay has made. */
	readonly isAny: boolean;
	/** All of them by status; null if they are too many. */
	readonly byStatus: Readonly<Record<DeliveryStatus, number>> | null;
}

const both = (select: (table: string) => string) => `${select("open_deliveries")} UNION ALL ${select("deliveries")}`;
/** Those in the block of an event, whose ends are `event.id` and `event.last`, and then those that replays have made. */
const IN_BLOCK = "d.event_id = event.id AND d.id > event.id AND d.id <= event.last";
const EVENTS = "unnest($1::uuid[], $2::uuid[]) AS event(id, last)";
/** Replayed ones, up to a number. */
const replayed = (columns: string, condition: string, order = "") => `
	${both(
		(table) => `(
			SELECT ${columns} FROM ${table} d WHERE d.event_id = event.id AND d.is_replayed ${condition}
			${order} LIMIT ${MAX_REPLAYED}
		)`,
	)} ${order} LIMIT ${MAX_REPLAYED}
`;
const COUNT = (deliveries: string) => `
	SELECT event.id, d.status, d.is_replayed, count(*) AS count FROM ${EVENTS} CROSS JOIN LATERAL (${deliveries}) d
	GROUP BY event.id, d.status, d.is_replayed
`;
const COUNT_ALL = statement(
	COUNT(`
		${both((table) => `SELECT d.status, d.is_replayed FROM ${table} d WHERE ${IN_BLOCK} AND NOT d.is_replayed`)}
		UNION ALL (${replayed("d.status, d.is_replayed", "")})
	`),
);
/** By webhook, so that the deliveries of others are not looked at. */
const ofWebhooks = (columns: string) => `
	SELECT ${columns} FROM unnest($3::uuid[]) own(id) CROSS JOIN LATERAL (
		SELECT d.id, d.webhook_id, d.status, d.is_replayed FROM open_deliveries d WHERE d.webhook_id = own.id AND d.status = ${STATUS_CODES.Pending} AND ${IN_BLOCK}
		UNION ALL SELECT d.id, d.webhook_id, d.status, d.is_replayed FROM open_deliveries d WHERE d.webhook_id = own.id AND d.status = ${STATUS_CODES.Held} AND ${IN_BLOCK}
		UNION ALL SELECT d.id, d.webhook_id, d.status, d.is_replayed FROM deliveries d WHERE d.webhook_id = own.id AND ${IN_BLOCK}
	) d WHERE NOT d.is_replayed
`;
const COUNT_OWN = statement(
	COUNT(`
		${ofWebhooks("d.status, d.is_replayed")}
		UNION ALL (${replayed("d.status, d.is_replayed", "AND d.webhook_id = ANY($3::uuid[])")})
	`),
);
const SELECT_OWN = statement(`
	SELECT d.* FROM ${EVENTS} CROSS JOIN LATERAL (
		${ofWebhooks("d.id, d.webhook_id, d.status, d.is_replayed")}
		UNION ALL (${replayed("d.id, d.webhook_id, d.status, d.is_replayed", "AND d.webhook_id = ANY($3::uuid[])", "ORDER BY id DESC")})
	) d
`);

/** Counts the deliveries of events by status: all, or those to some webhooks. The UUID of each event is a key of the result. */
export async function countStatuses(
	session: Session,
	events: readonly EventBlock[],
	webhooks: readonly string[] | null,
): Promise<ReadonlyMap<string, EventStatuses>> {
	const counts = new Map(events.map(({ id }) => [id, { byStatus: noneOf(), first: 0, later: 0 }]));
	if (events.length === 0) return new Map();
	const blocks = blocksOf(events);
	const rows =
		webhooks === null
			? await session.run(COUNT_ALL, blocks)
			: await session.run(COUNT_OWN, [...blocks, binaryArray("uuid", webhooks)]);
	for (const row of rows) {
		const found = counts.get(text(row["id"]));
		if (found === undefined) continue;
		const count = number(row["count"]);
		found.byStatus[nameOf(STATUSES, row["status"])] += count;
		if (boolean(row["is_replayed"])) found.later += count;
		else found.first += count;
	}
	return new Map(
		[...counts].map(([id, { byStatus, first, later }]): [string, EventStatuses] => [
			id,
			{ first, isAny: first + later > 0, byStatus: later === MAX_REPLAYED ? null : byStatus },
		]),
	);
}

/** The deliveries of an event to some webhooks. */
export async function readEventDeliveries(
	session: Session,
	event: EventBlock,
	webhooks: readonly string[],
): Promise<EventDelivery[]> {
	const rows = await session.run(SELECT_OWN, [...blocksOf([event]), binaryArray("uuid", webhooks)]);
	return rows.map((row) => ({
		webhookId: idOf("webhook", text(row["webhook_id"])),
		deliveryId: idOf("dlv", text(row["id"])),
		status: nameOf(STATUSES, row["status"]),
		isReplayed: boolean(row["is_replayed"]),
	}));
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
