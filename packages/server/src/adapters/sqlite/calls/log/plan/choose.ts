// Which way leads to the deliveries that match a filter with the least work.
import { DELIVERY_STATUSES } from "../../../../../core/delivery.ts";
import { countOf, number } from "../../../codec/rows.ts";
import type { Marks } from "../../../deliveries/log-view.ts";
import type { Prepare } from "../../statement-cache.ts";
import { createBlockSource } from "../blocks.ts";
import type { Condition } from "../condition.ts";
import { isOfCustomer } from "../customers.ts";
import { projectEntries, tagEntries, typeEntries, type EventEntries } from "../events/event-sources.ts";
import { conditionsOf, isExceptional, type Conditions } from "../filter/conditions.ts";
import type { Wanted } from "../filter/wanted.ts";
import type { Order, SeqRange } from "../seq-page.ts";
import { createEntrySource, type CountableSource, type Entries } from "../sources.ts";
import { createChangedSource } from "./changed.ts";
import { customerEntries, customerSources } from "./customer.ts";
import { createDenseSource } from "./dense.ts";
import {
	entriesOf,
	exceptionalEntries,
	fullTail,
	LISTED,
	openEntries,
	openTail,
	partial,
	ROW_COLUMNS,
	type Owner,
} from "./entries.ts";
import { createNumbersSource } from "./numbers.ts";
import { numbersOfTag } from "./tagged.ts";

/** The sources that together have every row that may match, each of them once. */
export interface Plan {
	readonly sources: readonly CountableSource[];
	/** Whether they read along the tables, past the rows of others. */
	readonly isDense: boolean;
}

/** One way to the full rows that match. */
interface Way {
	readonly sources: () => CountableSource[];
	/** What leads to the rows, in parts that have different ones. `cost` is what one entry takes, in µs. */
	readonly parts: readonly (Condition & Pick<EventEntries, "from" | "seq"> & { readonly cost: number })[];
	/** Whether the columns of an entry tell whether the row matches. */
	readonly isCovered: boolean;
	/** Whether its sources have open rows, too. */
	readonly hasOpen: boolean;
	/** What each part takes for its statements, whatever it finds, in µs. */
	readonly partCost: number;
}

/**
 * What one entry takes, in µs, if its columns tell all, if its row must be looked at, or the event of its row, too; and what each part of
 * a way takes for its statements, whatever it finds, by itself or if webhooks are read together.
 */
const COSTS = { entry: 0.05, row: 1.8, event: 4.2, block: 5, dense: 0.14, part: 150, together: 20 } as const;
/** Ways are compared by how far so many entries reach, of all their parts together, and of each part so many at least. */
const SAMPLE = 1_000;
const LEAST_SAMPLE = 50;
/** Up to so many types are read by their own index. */
const MAX_TYPES = 20;
/** With more webhooks of a customer, a key's filter checks the webhook of each row. */
const MAX_CUSTOMER_WEBHOOKS = 100;

/** What plans are made with. */
export interface Planner {
	readonly prepare: Prepare;
	readonly marks: Marks;
	/** See `LogView`. */
	readonly leadMs: number;
	/** See `createLastChangeBefore`. */
	readonly lastChangeBefore: (time: number) => number;
}

/** Chooses the way for a page of a range. */
export function choosePlan(
	{ prepare, marks, leadMs, lastChangeBefore }: Planner,
	wanted: Wanted,
	conditions: Conditions,
	range: SeqRange,
	order: Order,
): Plan {
	const { project, customer, event, reader, filter } = wanted;
	const { tag = null } = filter;
	const indexed = (sources: readonly CountableSource[]): Plan => ({ sources, isDense: false });
	const tagged = tag === null || event !== null || reader !== null ? null : numbersOfTag(prepare, project, tag);
	if (tagged !== null) {
		const tables = conditions.open === null ? (["deliveries"] as const) : (["deliveries", "open"] as const);
		return indexed(tables.map((table) => createNumbersSource(prepare, table, tagged, conditions, range)));
	}
	// What a customer reads must not depend on others, so others' rows are not even read.
	if (customer !== null && reader !== null) {
		return indexed(customerSources(prepare, customer, conditions, wanted, { marks, leadMs, range }));
	}
	if (event !== null) return indexed(eventSources(prepare, event, conditions));
	const open = () => openSources(prepare, wanted, conditions, marks);
	const changed = createChangedSource(prepare, lastChangeBefore, wanted, conditions, range);
	if (changed !== null) return indexed([changed, ...open()]);
	const ways = waysTo(prepare, wanted, conditions, { marks, leadMs, range });
	const [best] = ways.map((way) => timed(prepare, way, range, order)).sort((a, b) => a.us - b.us);
	if (best === undefined) throw new Error("there is no way to the deliveries");
	const numbersPerRow = best.way.isCovered ? 0 : numbersOfRow(prepare, range, order);
	if (best.usPerNumber * numbersPerRow > COSTS.dense) {
		return { sources: [createDenseSource(prepare, wanted, conditions, numbersPerRow)], isDense: true };
	}
	return indexed(best.way.hasOpen ? best.way.sources() : [...best.way.sources(), ...open()]);
}

function waysTo(
	prepare: Prepare,
	wanted: Wanted,
	conditions: Conditions,
	{ marks, leadMs, range }: Pick<Planner, "marks" | "leadMs"> & { readonly range: SeqRange },
): Way[] {
	const { project, webhook, customer, filter, types } = wanted;
	const { tag = null } = filter;
	const { checks, full, isOnlyChecks } = conditions;
	const checked = { conditions: full, checks, isOnlyChecks };
	const byEntries = (entries: readonly Entries[], cost: number, more: readonly Entries[] = []): Way => ({
		sources: () => [...entries, ...more].map((each) => createEntrySource(prepare, each, checked)),
		parts: entries.map((each) => partOf(each, cost)),
		isCovered: cost === COSTS.entry,
		hasOpen: false,
		partCost: COSTS.part,
	});
	const byBlocks = (entries: readonly EventEntries[], onBlocks = conditions): Way => ({
		sources: () => [
			...entries.map((each) => createBlockSource(prepare, each, onBlocks)),
			createEntrySource(prepare, outside(project), checked),
		],
		parts: [
			...entries.map(({ from, seq, where }) => ({ ...where, from, seq, cost: COSTS.block })),
			partOf(outside(project), conditions.needsEvent ? COSTS.event : COSTS.row),
		],
		isCovered: false,
		hasOpen: true,
		partCost: COSTS.part,
	});
	const ways: Way[] = [];
	const names = types?.names ?? null;
	if (names !== null && names.length <= MAX_TYPES) {
		ways.push(byBlocks(names.map((name) => typeEntries(project, name))));
	}
	// Deliveries in the blocks of tagged events need not be asked for the tag again.
	const untagged =
		tag === null ? conditions : conditionsOf({ ...wanted, filter: { ...filter, tag: null } }, { leadMs });
	if (tag !== null) ways.push(byBlocks([tagEntries(project, tag)], untagged));
	if (customer !== null && webhook === null && customer.webhooks.length <= MAX_CUSTOMER_WEBHOOKS) {
		const cost = isExceptional(wanted) ? exceptionalCost(wanted) : conditions.needsEvent ? COSTS.event : COSTS.row;
		ways.push({
			sources: () => customerSources(prepare, customer, conditions, wanted, { marks, leadMs, range }),
			parts: customerEntries(customer, wanted).map((each) => partOf(each, cost)),
			isCovered: cost === COSTS.entry,
			hasOpen: true,
			// Where entries tell all, those of the whole project lead to a full page sooner, unless the customer has very few.
			partCost: cost === COSTS.entry ? COSTS.part : COSTS.together,
		});
	}
	if (isExceptional(wanted)) {
		const statuses = filter.statuses ?? DELIVERY_STATUSES;
		const entries = (owner: Owner) => statuses.map((status) => exceptionalEntries(owner, status));
		ways.push(byEntries(entries({ project, webhook: null }), projectCost(wanted)));
		if (webhook !== null) ways.push(byEntries(entries({ project, webhook }), exceptionalCost(wanted)));
		return ways;
	}
	if (webhook !== null) {
		const tail = fullTail({ sql: "+entry.webhook = ?", values: [webhook] }, marks);
		ways.push(byEntries([entriesOf(LISTED, webhook)], conditions.needsEvent ? COSTS.event : COSTS.row, [tail]));
	}
	if (ways.length === 0) ways.push(byBlocks([projectEntries(project)]));
	return ways;
}

/** What an entry of the indexes of what has not simply succeeded takes: some filters are not in its columns. */
function exceptionalCost({ filter: { updatedAfter, updatedBefore, tag = null } }: Wanted): number {
	return updatedAfter === null && updatedBefore === null && tag === null ? COSTS.entry : COSTS.row;
}

/**
 * The same for the entries of a whole project, of which a customer has a tenth, say: only the rows of these are looked at. All entries are
 * read twice if few match, to find the rows and to find out where they end.
 */
function projectCost(wanted: Wanted): number {
	const cost = exceptionalCost(wanted);
	return wanted.customer === null || cost === COSTS.entry ? cost : 2 * COSTS.entry + cost / 10;
}

/** How long a way takes to the end of the range, about, and for each number of the log: 0 if it is short. */
function timed(prepare: Prepare, way: Way, range: SeqRange, order: Order) {
	const usPerNumber = usPerNumberOf(prepare, way, range, order);
	const us = usPerNumber === 0 ? costOf(prepare, way.parts, range) : usPerNumber * (range.high - range.low);
	return { way, usPerNumber, us: us + way.parts.length * way.partCost };
}

function usPerNumberOf(prepare: Prepare, { parts }: Way, range: SeqRange, order: Order): number {
	let usPerNumber = 0;
	const sample = Math.max(LEAST_SAMPLE, Math.floor(SAMPLE / parts.length));
	for (const { from, seq, sql, values, cost } of parts) {
		const end = prepare(`
			SELECT entry.${seq} AS seq FROM ${from} WHERE ${sql} AND entry.${seq} >= ? AND entry.${seq} < ?
			ORDER BY entry.${seq} ${order} LIMIT 1 OFFSET ?
		`).get(...values, range.low, range.high, sample - 1);
		if (end !== undefined) usPerNumber += (sample * cost) / distance(number(end["seq"]), range, order);
	}
	return usPerNumber;
}

/** What the entries of short parts take. */
function costOf(prepare: Prepare, parts: Way["parts"], { low, high }: SeqRange): number {
	const count = ({ from, seq, sql, values }: Way["parts"][number]) =>
		countOf(
			prepare(`SELECT count(*) AS count FROM ${from} WHERE ${sql} AND entry.${seq} >= ? AND entry.${seq} < ?`).get(
				...values,
				low,
				high,
			),
		);
	return parts.reduce((sum, part) => sum + count(part) * part.cost, 0);
}

/**
 * How many numbers of the log there are for each row of both tables. 0 if there are few full rows, which need not be read along the
 * table.
 */
function numbersOfRow(prepare: Prepare, { low, high }: SeqRange, order: Order): number {
	const spacingOf = (table: "deliveries" | "open"): number => {
		const end = prepare(`
			SELECT seq FROM ${table} NOT INDEXED WHERE seq >= ? AND seq < ? ORDER BY seq ${order} LIMIT 1 OFFSET ${SAMPLE - 1}
		`).get(low, high);
		return end === undefined ? Infinity : distance(number(end["seq"]), { low, high }, order) / SAMPLE;
	};
	const ofFull = spacingOf("deliveries");
	return ofFull === Infinity ? 0 : 1 / (1 / ofFull + 1 / spacingOf("open"));
}

function distance(seq: number, { low, high }: SeqRange, order: Order): number {
	return Math.max(1, order === "ASC" ? seq - low : high - seq);
}

function partOf({ table, index, where }: Entries, cost: number): Way["parts"][number] {
	return { ...where, from: `${table} entry INDEXED BY ${index}`, seq: "seq", cost };
}

function outside(project: number): Entries {
	return {
		table: "deliveries",
		index: "deliveries_outside",
		where: partial("project", project, "outside = 1"),
		columns: ["project"],
	};
}

function eventSources(
	prepare: Prepare,
	{ seq, end }: { seq: number; end: number },
	{ full, open, checks, openChecks, isOnlyChecks, isOnlyOpenChecks }: Conditions,
): CountableSource[] {
	const block = { sql: "entry.seq > ? AND entry.seq <= ?", values: [seq, end] };
	const checked = { conditions: full, checks, isOnlyChecks };
	const sources = [
		createEntrySource(prepare, { table: "deliveries", index: null, where: block, columns: ROW_COLUMNS }, checked),
		createEntrySource(
			prepare,
			{
				table: "deliveries",
				index: "deliveries_outside_by_event",
				where: partial("event", seq, "outside = 1"),
				columns: ["event", "webhook"],
			},
			checked,
		),
	];
	if (open === null) return sources;
	const openChecked = { conditions: open, checks: openChecks, isOnlyChecks: isOnlyOpenChecks };
	return [
		...sources,
		createEntrySource(
			prepare,
			{ table: "open", index: null, where: block, columns: ["project", "webhook", "event"] },
			openChecked,
		),
	];
}

/** The open rows of a webhook, or else of a project: those that are listed, and the tail. */
function openSources(
	prepare: Prepare,
	wanted: Wanted,
	{ open, openChecks, isOnlyOpenChecks }: Conditions,
	marks: Marks,
): CountableSource[] {
	if (open === null) return [];
	const { webhook, project, customer } = wanted;
	const checked = { conditions: open, checks: openChecks, isOnlyChecks: isOnlyOpenChecks };
	const own: Condition =
		webhook === null
			? { sql: "+entry.project = ?", values: [project] }
			: { sql: "+entry.webhook = ?", values: [webhook] };
	const ofCustomer = customer === null ? null : isOfCustomer("+entry.webhook", customer);
	return [openEntries(wanted), openTail(ofCustomer ?? own, marks)].map((entries) =>
		createEntrySource(prepare, entries, checked),
	);
}
