// How a list of events finds its rows: it walks along the entries of one part of its filter, and checks the others.
import type { EventFilter } from "../../../../../ports/store/log.ts";
import { STATUS_CODES } from "../../../codec/delivery-rows.ts";
import { number } from "../../../codec/rows.ts";
import { statement } from "../../../codec/statements.ts";
import type { Session } from "../../../connection/session.ts";
import { lowOf, type Part as KeyPart } from "../../keyset.ts";
import { isPublicType } from "../deliveries/conditions.ts";
import { hasRow, LOOK_COST, Values, type InRange, type Source } from "../source.ts";
import { customerEntries, partsOf, projectEntries, type EventEntries, type Part } from "./parts.ts";

/** Counting entries stops here. */
const COUNT_LIMIT = 10_000;
/** To read the row of an event takes as long as so many looks: it lies between those of others, with their bodies. */
const EVENT_LOOKS = 2;
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

type Keys = Pick<KeyPart, "above" | "from" | "below">;

/** What a page reads, and `firstStretch` of it. */
export interface Begin {
	readonly whole: KeyPart;
	readonly near: KeyPart | null;
}

/**
 * Chooses the way to the events that match a filter. A customer's goes along the events that are for the customer, whatever the filter: so
 * neither the length of a page nor its cursors depend on events of others.
 */
export async function chooseSource(
	session: Session,
	reader: Reader,
	filter: EventFilter,
	begin: Begin,
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
	const walked = await fewest(session, parts, begin);
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
		(isEvent ? 0 : EVENT_LOOKS) +
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

/** A part of a filter with the entries that lead to its events. */
interface Way {
	readonly part: Part;
	readonly entries: EventEntries;
}

/**
 * The part that leads to the fewest events; null if there is none. What leads to those next to the place where the page begins tells it, if
 * that is enough for the page: to count in all days takes longer than most pages do, since each has partitions of its own. No count goes
 * further than the lowest one before it.
 */
async function fewest(session: Session, parts: readonly Part[], { whole, near }: Begin): Promise<Part | null> {
	const ways = parts.flatMap((part): Way[] => (part.entries === null ? [] : [{ part, entries: part.entries }]));
	let [first, ...others] = ways;
	if (first === undefined || others.length === 0) return first?.part ?? null;
	if (near !== null) {
		const counts = await countNear(session, ways, near);
		const count = Math.min(...counts);
		first = ways[counts.indexOf(count)] ?? first;
		if (near === whole || count >= whole.limit) return first.part;
		others = ways.filter((way) => way !== first);
	}
	let count = await countEntries(session, first.entries, whole, COUNT_LIMIT);
	for (const way of others) {
		const other = await countEntries(session, way.entries, whole, count);
		if (other < count) [first, count] = [way, other];
	}
	return first.part;
}

/** Counts the entries of each way in a few days, in one statement, which is planned for these. */
async function countNear(session: Session, ways: readonly Way[], near: Keys): Promise<number[]> {
	const values = new Values();
	const counts = ways.map(({ entries }, index) => {
		const limit = index === 0 ? String(COUNT_LIMIT) : `counted_${index - 1}.count`;
		return `LATERAL (${countOf(entries, near, limit, values)}) counted_${index}`;
	});
	const columns = ways.map((_, index) => `counted_${index}.count AS count_${index}`);
	const [row] = await session.query(`SELECT ${columns.join(", ")} FROM ${counts.join(" CROSS JOIN ")}`, values.list);
	return ways.map((_, index) => number(row?.[`count_${index}`]));
}

/** The same of one way. There are a dozen texts. To plan one for all days takes longer than to count. */
async function countEntries(session: Session, entries: EventEntries, keys: Keys, limit: number): Promise<number> {
	const values = new Values();
	const text = countOf(entries, keys, `${values.add(limit)}::bigint`, values);
	const [row] = await session.run(statement(text), values.list);
	return number(row?.["count"]);
}

/** SQL that counts entries. A key more or less makes no difference: `above` counts. */
function countOf(entries: EventEntries, { above, from, below }: Keys, limit: string, values: Values): string {
	const { table, key, owner, owners, ownerType } = entries;
	const low = lowOf({ above, from });
	const conditions = [
		`entry.${owner} = given.id`,
		...entries.where(values),
		`entry.${key} >= ${values.add(low)}`,
		...(below === null ? [] : [`entry.${key} < ${values.add(below)}`]),
	];
	return `
		SELECT count(*) AS count FROM (
			SELECT 1 FROM unnest(${values.add(owners)}::${ownerType}[]) AS given(id)
			CROSS JOIN LATERAL (SELECT 1 FROM ${table} WHERE ${conditions.join(" AND ")} LIMIT ${limit}) one
			LIMIT ${limit}
		) counted
	`;
}
