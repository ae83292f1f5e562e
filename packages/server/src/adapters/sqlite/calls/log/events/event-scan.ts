// How a list of events finds its rows: it walks along the entries of one filter, and checks the others.
import type { EventFilter } from "../../../../../ports/store/log.ts";
import { countOf } from "../../../codec/rows.ts";
import type { Numbered } from "../../../deliveries/numbers.ts";
import type { Prepare } from "../../statement-cache.ts";
import { createScan } from "../scan.ts";
import type { Scan, SeqRange } from "../seq-page.ts";
import {
	createEventSource,
	customerEntries,
	entryCostUs,
	isAmong,
	keyEntries,
	projectEntries,
	ROW_US,
	tagEntries,
	unmatchedEntries,
	type Check,
	type EventEntries,
} from "./event-sources.ts";
import { typeFilter } from "./event-types.ts";
import { createMergedSource } from "./merged-source.ts";

/** Counting entries stops here. Of ways with more entries, the one with the shortest look at each is taken. */
const COUNT_LIMIT = 10_000;

/** More sources than these are read as one. */
const FEW_SOURCES = 3;

/** One filter: the entries that it leads to, or the check that it is among other conditions. */
interface Part {
	/** Null if they can't be walked along. */
	readonly entries: readonly EventEntries[] | null;
	readonly check: Check;
}

/** What the reads of a list need to know of its scope. */
export interface EventScope {
	readonly project: Numbered;
	/** The customer who reads; null if somebody reads for the whole project. */
	readonly reader: string | null;
	/** What the reader's events must be, beside being for the reader. */
	readonly checks: readonly Check[];
	/** Whether ids were ever ahead of dates, so that a range of dates has other events, too. */
	readonly hasLead: boolean;
}

/**
 * Reads the events that match a filter. A customer's walk along the events that are for the customer, whatever the filter: so neither
 * the length of a page nor its cursors depend on events of others.
 */
export function createEventScan(prepare: Prepare, scope: EventScope, filter: EventFilter, range: SeqRange): Scan {
	const { project, reader } = scope;
	const parts = partsOf(prepare, scope, reader === null ? filter : { ...filter, customerId: null });
	const checks = [...scope.checks, ...datesOf(filter, scope.hasLead)];
	const walk = (entries: readonly EventEntries[], others: readonly Part[]) => {
		const all = [...others.map(({ check }) => check), ...checks];
		if (entries.length > FEW_SOURCES) return createScan([createMergedSource(prepare, entries, all)]);
		return createScan(entries.map((each) => createEventSource(prepare, each, all)));
	};
	if (reader !== null) return walk(customerEntries(project.number, reader), parts);
	const walked = fastest(prepare, parts, range);
	if (walked === null) return walk([projectEntries(project.number)], parts);
	return walk(
		walked.entries ?? [],
		parts.filter((part) => part !== walked),
	);
}

function partsOf(prepare: Prepare, { project: of, reader }: EventScope, filter: EventFilter): Part[] {
	const { number: project } = of;
	const { types, customerId = null, tag = null, idempotencyKey = null, unmatched = false } = filter;
	const parts: Part[] = [];
	const add = (...entries: EventEntries[]) => parts.push({ entries, check: isAmong(entries) });
	// Those that few events pass come first.
	if (idempotencyKey !== null) add(keyEntries(project, idempotencyKey));
	if (tag !== null) add(tagEntries(project, tag));
	if (unmatched) add(unmatchedEntries(project));
	if (customerId !== null) add(...customerEntries(project, customerId));
	if (types !== null) parts.push(typeFilter(prepare, project, types, reader !== null));
	return parts;
}

function datesOf({ after, before }: EventFilter, hasLead: boolean): Check[] {
	if (after === null && before === null) return [];
	const values = [after ?? Number.MIN_SAFE_INTEGER, before ?? Number.MAX_SAFE_INTEGER];
	// Otherwise every event in the range passes.
	const costUs = hasLead ? ROW_US : 0;
	return [{ sql: "event.create_date >= ? AND event.create_date < ?", values, costUs }];
}

/** The part that is walked along in the shortest time, with the checks of the others; null if there is none. */
function fastest(prepare: Prepare, parts: readonly Part[], range: SeqRange): Part | null {
	const candidates = parts.filter(({ entries }) => entries !== null);
	if (candidates.length <= 1) return candidates[0] ?? null;
	const timed = candidates.map((part) => {
		const others = parts.filter((other) => other !== part).map(({ check }) => check);
		return { part, us: countEntries(prepare, part.entries ?? [], range) * entryCostUs(others) };
	});
	const [best] = timed.sort((a, b) => a.us - b.us);
	return best?.part ?? null;
}

function countEntries(prepare: Prepare, entries: readonly EventEntries[], { low, high }: SeqRange): number {
	let count = 0;
	for (const { from, seq, where } of entries) {
		const select = prepare(`
			SELECT count(*) AS count FROM (
				SELECT 1 FROM ${from} WHERE ${where.sql} AND entry.${seq} >= ? AND entry.${seq} < ? LIMIT ?
			)
		`);
		count += countOf(select.get(...where.values, low, high, COUNT_LIMIT - count));
		if (count >= COUNT_LIMIT) break;
	}
	return count;
}
