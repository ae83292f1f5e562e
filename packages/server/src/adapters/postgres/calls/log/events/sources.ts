// How a list of events finds its rows: it walks along the entries of one part of its filter, and checks the others.
import type { EventFilter } from "../../../../../ports/store/log.ts";
import { STATUS_CODES } from "../../../codec/delivery-rows.ts";
import type { UuidRange } from "../../../codec/ids.ts";
import { number } from "../../../codec/rows.ts";
import { statement } from "../../../codec/statements.ts";
import type { Session } from "../../../connection/session.ts";
import { isPublicType } from "../deliveries/conditions.ts";
import { hasRow, LOOK_COST, Values, type InRange, type Source } from "../source.ts";
import { customerEntries, partsOf, projectEntries, type EventEntries, type Part } from "./parts.ts";

/** Counting entries stops here. */
const COUNT_LIMIT = 10_000;

/** Looking for a delivery that a replay has made takes as long as so many looks: there is an index for each day. */
const REPLAY_LOOKS = 10;

/** The reader of a list. */
export interface Reader {
	readonly project: string;
	/** The customer, with the webhooks of it, deleted ones too; null if somebody reads for the whole project. */
	readonly customer: { readonly id: string; readonly webhooks: readonly string[] } | null;
	/** Whether ids were ever ahead of dates, so that a range of dates has other events, too. */
	readonly hasLead: boolean;
}

/**
 * Chooses the way to the events that match a filter. A customer's goes along the events that are for the customer, whatever the filter: so
 * neither the length of a page nor its cursors depend on events of others.
 */
export async function chooseSource(
	session: Session,
	reader: Reader,
	filter: EventFilter,
	range: UuidRange,
): Promise<Source> {
	const { project, customer } = reader;
	const isForCustomer = customer !== null;
	const parts = await partsOf(
		session,
		project,
		isForCustomer ? { ...filter, customerId: null } : filter,
		isForCustomer,
	);
	if (customer !== null) {
		return sourceOf(customerEntries(project, customer.id), parts, reader, filter);
	}
	const walked = await fewest(session, parts, range);
	const others = parts.filter((part) => part !== walked);
	return sourceOf(walked?.entries ?? projectEntries(project), others, reader, filter);
}

function sourceOf(
	entries: EventEntries,
	parts: readonly Part[],
	{ project, customer, hasLead }: Reader,
	filter: EventFilter,
): Source {
	const isEvent = entries.key === "id";
	const event = isEvent ? "entry" : "event";
	const matches: Source["matches"] = (values, range) => {
		const conditions = [
			...parts.map((part) => part.matches(event, values, range)),
			...(customer === null ? [] : [isPublicType(`${event}.type`, project, values)]),
			...(hasLead ? datesOf(event, filter, values) : []),
			...(customer === null ? [] : [hasReached(event, customer.webhooks, values)]),
		];
		return isEvent ? conditions : [ofEvent(conditions, range)];
	};
	const looks =
		parts.filter(({ isLook }) => isLook).length +
		(isEvent ? 0 : 1) +
		(customer === null ? 0 : REPLAY_LOOKS + customer.webhooks.length);
	return { ...entries, matches, cost: 1 + LOOK_COST * looks };
}

/** The same of the event that an entry leads to, which is in the range, too. The keys of events are left when retention drops these. */
function ofEvent(conditions: readonly string[], range: InRange): string {
	return hasRow(`events event WHERE ${["event.id = entry.event_id", range("event.id"), ...conditions].join(" AND ")}`);
}

function datesOf(event: string, { after, before }: EventFilter, values: Values): string[] {
	return [
		...(after === null ? [] : [`${event}.create_date >= ${values.add(after)}`]),
		...(before === null ? [] : [`${event}.create_date < ${values.add(before)}`]),
	];
}

/**
 * That an event has a delivery to one of some webhooks: in its block, whose ids have the same millisecond, or by a replay. It is looked for
 * by webhook, so that the deliveries of others are not looked at.
 */
function hasReached(event: string, webhooks: readonly string[], values: Values): string {
	const own = values.add(webhooks);
	const inBlock = `
		d.webhook_id = own.id AND d.event_id = ${event}.id AND d.id > ${event}.id
		AND d.id <= (left(${event}.id::text, 14) || 'ffff-ffff-ffffffffffff')::uuid
	`;
	const replayed = (table: string) =>
		hasRow(
			`${table} d WHERE d.event_id = ${event}.id AND d.id > ${event}.id AND d.is_replayed AND d.webhook_id = ANY(${own}::uuid[])`,
		);
	return `(
		${hasRow(`unnest(${own}::uuid[]) own(id) WHERE ${hasRow(`deliveries d WHERE ${inBlock}`)}
			OR ${hasRow(`open_deliveries d WHERE d.status = ${STATUS_CODES.Pending} AND ${inBlock}`)}
			OR ${hasRow(`open_deliveries d WHERE d.status = ${STATUS_CODES.Held} AND ${inBlock}`)}`)}
		OR ${replayed("deliveries")} OR ${replayed("open_deliveries")}
	)`;
}

/** The part that leads to the fewest events; null if there is none. */
async function fewest(session: Session, parts: readonly Part[], range: UuidRange): Promise<Part | null> {
	const candidates = parts.flatMap((part) => (part.entries === null ? [] : [{ part, entries: part.entries }]));
	if (candidates.length <= 1) return candidates[0]?.part ?? null;
	const counted = await Promise.all(
		candidates.map(async ({ part, entries }) => ({ part, count: await countEntries(session, entries, range) })),
	);
	counted.sort((a, b) => a.count - b.count);
	return counted[0]?.part ?? null;
}

async function countEntries(session: Session, entries: EventEntries, { low, high }: UuidRange): Promise<number> {
	const values = new Values();
	const { table, key, owner, owners, ownerType } = entries;
	const conditions = [
		`entry.${owner} = given.id`,
		...entries.where(values),
		`entry.${key} >= ${values.add(low)}`,
		...(high === null ? [] : [`entry.${key} < ${values.add(high)}`]),
	];
	// There are a dozen texts. To plan one for all days takes longer than to count.
	const select = statement(`
		SELECT count(*) AS count FROM (
			SELECT 1 FROM unnest(${values.add(owners)}::${ownerType}[]) AS given(id)
			CROSS JOIN LATERAL (SELECT 1 FROM ${table} WHERE ${conditions.join(" AND ")} LIMIT ${COUNT_LIMIT}) one
			LIMIT ${COUNT_LIMIT}
		) counted
	`);
	const [row] = await session.run(select, values.list);
	return number(row?.["count"]);
}
