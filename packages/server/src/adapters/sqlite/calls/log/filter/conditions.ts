// What a filter says about rows, as SQL: on whole rows with their events, and on entries of an index as far as its columns go.
import { causeCode } from "../../../../../core/log/attempt-cause.ts";
import type { CodeRange } from "../../../../../ports/store/log.ts";
import { STATUS_CODES } from "../../../codec/delivery-rows.ts";
import type { LogView } from "../../../deliveries/log-view.ts";
import type { Numbered } from "../../../deliveries/numbers.ts";
import type { Check, Column, Condition, Value } from "../condition.ts";
import { isOfCustomer, isOfPublicType, type Customer } from "../customers.ts";
import type { TypeFilter } from "./type-filter.ts";
import type { Wanted } from "./wanted.ts";

/** What rows must fulfil. */
export interface Conditions {
	/** On full rows, named `delivery`, with their events, named `event`. */
	readonly full: readonly Condition[];
	/** The same on open rows; null if none of these can match. */
	readonly open: readonly Condition[] | null;
	/** What can be said of full rows, and of entries of their indexes, before they are looked at as a whole. */
	readonly checks: readonly Check[];
	/** The same of open rows. */
	readonly openChecks: readonly Check[];
	/** Whether the event of a row must be looked at, beside its date. */
	readonly needsEvent: boolean;
	/** Whether the checks of full rows say everything, and those of open rows. */
	readonly isOnlyChecks: boolean;
	readonly isOnlyOpenChecks: boolean;
	/** Whether they would, if there was no filter by type. */
	readonly isChecksAndTypes: { readonly deliveries: boolean; readonly open: boolean };
}

/** The conditions of a filter. Rows are looked for in the range of numbers that its dates have. */
export function conditionsOf(wanted: Wanted, { leadMs }: Pick<LogView, "leadMs">): Conditions {
	const { filter, reader, types } = wanted;
	const { statuses, responseCodes, causes, after, before, updatedAfter, updatedBefore } = filter;
	const shared = sharedChecks(wanted);
	const checks = [...shared, ...fullChecks(wanted)];
	const onEvents: Condition[] = [];
	if (reader !== null) onEvents.push(isOfPublicType(reader));
	if (types !== null) onEvents.push(types.onEvent);
	const between = (column: string, from: number | null, to: number | null): Condition[] =>
		from === null && to === null
			? []
			: [{ sql: `${column} >= ? AND ${column} < ?`, values: [from ?? LEAST, to ?? Number.MAX_SAFE_INTEGER] }];
	// If ids were never ahead of dates, the range of numbers has no other dates.
	const dated = (column: string) => (leadMs === 0 ? [] : between(column, after, before));
	const mayBeOpen = (statuses === null || statuses.includes("Pending")) && responseCodes === null && causes === null;
	const open = [
		...shared.map(({ on }) => on("delivery")),
		...onEvents,
		...dated("event.create_date"),
		// It has not changed since its event was accepted.
		...between("event.create_date", updatedAfter, updatedBefore),
	];
	const isUndated = reader === null && dated("").length === 0;
	const isNotByUpdate = updatedAfter === null && updatedBefore === null;
	return {
		full: [
			...checks.flatMap(({ on, isExact }) => (isExact ? [on("delivery")] : [])),
			...(causes === null ? [] : [hasCause(causes.map(causeCode))]),
			...onEvents,
			...dated("coalesce(delivery.create_date, event.create_date)"),
		],
		open: mayBeOpen ? open : null,
		checks,
		openChecks: shared,
		needsEvent: onEvents.length > 0,
		isOnlyChecks: isUndated && types === null && causes === null,
		isOnlyOpenChecks: isUndated && types === null && isNotByUpdate,
		isChecksAndTypes: { deliveries: isUndated && causes === null, open: isUndated && isNotByUpdate },
	};
}

const LEAST = Number.MIN_SAFE_INTEGER;

function sharedChecks({ project, webhook, customer, filter: { tag = null } }: Wanted): Check[] {
	const checks = [check("project", (column) => ({ sql: `${column} = ?`, values: [project] }))];
	if (webhook !== null) checks.push(check("webhook", (column) => ({ sql: `${column} = ?`, values: [webhook] })));
	if (customer !== null) checks.push(ofCustomer(customer));
	if (tag !== null) checks.push({ ...check("event", (column) => hasTag(column, project, tag)), isLook: true });
	return checks;
}

/** That a column has the number of an event with a tag. */
function hasTag(column: string, project: number, tag: string): Condition {
	return {
		sql: `EXISTS (SELECT 1 FROM event_tags tagged WHERE tagged.project = ? AND tagged.tag = ? AND tagged.event = ${column})`,
		values: [project, tag],
	};
}

function ofCustomer(customer: Customer & { readonly project: Numbered }): Check {
	return check("webhook", (column) => isOfCustomer(column, customer));
}

function fullChecks({ filter, types }: Wanted): Check[] {
	const { statuses, responseCodes, causes, updatedAfter, updatedBefore, changedUpTo = null } = filter;
	const checks: Check[] = [];
	if (statuses !== null) {
		const codes = statuses.map((status) => STATUS_CODES[status]);
		checks.push(check("status", (column) => isOneOf(column, codes)));
	}
	if (responseCodes !== null) checks.push(check("response_code", (column) => isInRanges(column, responseCodes)));
	if (causes !== null) {
		const codes = causes.map(causeCode);
		const either = (column: string): Condition => orNull(column, isOneOf(column, codes));
		checks.push({ ...check("cause", either), isExact: false });
	}
	if (types !== null && types.hashes !== null) checks.push(ofTypes(types.hashes));
	if (updatedAfter !== null || updatedBefore !== null) {
		const values = [updatedAfter ?? LEAST, updatedBefore ?? Number.MAX_SAFE_INTEGER];
		checks.push(check("update_date", (column) => ({ sql: `${column} >= ? AND ${column} < ?`, values })));
	}
	if (changedUpTo !== null) {
		// Succeeded rows have no number.
		checks.push(check("change", (column) => orNull(column, { sql: `${column} <= ?`, values: [changedUpTo] })));
	}
	return checks;
}

/** Rows that have only succeeded do not tell their type, and different types can share a hash. */
function ofTypes(hashes: NonNullable<TypeFilter["hashes"]>): Check {
	const among = (column: string): Condition => orNull(column, isOneOf(column, hashes));
	return { ...check("type", among), isExact: false };
}

function check(column: Column, on: (column: string) => Condition): Check {
	return { columns: [column], on: (table) => on(`${table}.${column}`), isExact: true };
}

function orNull(column: string, { sql, values }: Condition): Condition {
	return { sql: `(${column} IS NULL OR ${sql})`, values };
}

/** A long list is one value, so that the number of different statements stays small. */
function isOneOf(column: string, values: readonly number[]): Condition {
	if (values.length === 1) return { sql: `${column} = ?`, values };
	return { sql: `${column} IN (SELECT value FROM json_each(?))`, values: [JSON.stringify(values)] };
}

function isInRanges(column: string, ranges: readonly CodeRange[]): Condition {
	const values: Value[] = ranges.flatMap(({ from, to }) => [from, to]);
	return { sql: `(${ranges.map(() => `${column} BETWEEN ? AND ?`).join(" OR ") || "FALSE"})`, values };
}

/** What `causeOfRow` finds for a row of an earlier version, which does not tell its cause, from its last attempt. */
function hasCause(codes: readonly number[]): Condition {
	const last = "SELECT attempt FROM attempts WHERE delivery = delivery.seq ORDER BY number DESC LIMIT 1";
	return isOneOf(`coalesce(delivery.cause, cause_of(coalesce((${last}), delivery.attempt)))`, codes);
}

/** Whether a filter matches only rows that are in the indexes of what has not simply succeeded. */
export function isExceptional({ filter: { statuses, responseCodes, causes } }: Wanted): boolean {
	if (causes !== null) return true;
	if (responseCodes !== null && responseCodes.every(({ from, to }) => to < 200 || from > 299)) return true;
	return statuses !== null && !statuses.includes("Succeeded");
}
