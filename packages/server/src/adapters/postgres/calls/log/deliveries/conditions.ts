// What a filter says about a row of a delivery, named `entry`, as SQL.
import { causeCode } from "../../../../../core/log/attempt-cause.ts";
import type { DeliveryFilter } from "../../../../../ports/store/log.ts";
import { STATUS_CODES } from "../../../codec/delivery-rows.ts";
import { hasRow, type Look, type Values } from "../source.ts";
import type { Wanted } from "./wanted.ts";

/**
 * All that does not lead to the rows, and needs no look into another table. Who reads as a customer must get the deliveries of the
 * customer's webhooks alone. Statuses are compared where they do not lead to the rows: `statusCondition`.
 */
export function deliveryConditions(wanted: Wanted, values: Values): string[] {
	const { filter, project, lead } = wanted;
	const { eventTypes, responseCodes, causes, updatedAfter, updatedBefore, changedUpTo = null, after, before } = filter;
	const conditions: string[] = [];
	if (wanted.isForCustomer) conditions.push(isPublicType("entry.event_type", project, values));
	if (eventTypes !== null) conditions.push(isOfTypes("entry.event_type", eventTypes, values));
	if (responseCodes !== null) {
		const ranges = responseCodes.map(
			({ from, to }) => `entry.response_code BETWEEN ${values.add(from)} AND ${values.add(to)}`,
		);
		conditions.push(`(${ranges.join(" OR ") || "FALSE"})`);
	}
	if (causes !== null) {
		conditions.push(`entry.cause = ANY(${values.add(causes.map(causeCode))}::smallint[])`);
	}
	if (updatedAfter !== null) conditions.push(`entry.update_date >= ${values.add(updatedAfter)}`);
	if (updatedBefore !== null) conditions.push(`entry.update_date < ${values.add(updatedBefore)}`);
	// Succeeded rows have no number, and those that wait as they were accepted.
	if (changedUpTo !== null) conditions.push(`(entry.change IS NULL OR entry.change <= ${values.add(changedUpTo)})`);
	// If ids were never ahead of dates, the range of ids has no other dates.
	if (lead.idMs > 0 && after !== null) conditions.push(`entry.create_date >= ${values.add(after)}`);
	if (lead.idMs > 0 && before !== null) conditions.push(`entry.create_date < ${values.add(before)}`);
	return conditions;
}

/** The look whether the event of a row has the tag of the filter; undefined if there is none. */
export function tagLook({ project, filter: { tag = null } }: Wanted): Look | undefined {
	if (tag === null) return undefined;
	const own = (values: Values) =>
		`tagged.project_id = ${values.add(project)}::uuid AND tagged.tag = ${values.add(tag)}::text`;
	return {
		hasRow: (values, within) => {
			const ofTag = `${own(values)} AND tagged.event_id = entry.event_id`;
			if (within === null) return hasRow(`event_tags tagged WHERE ${ofTag}`);
			const low = `${values.add(within.low)}::uuid`;
			const high = within.high === null ? null : `${values.add(within.high)}::uuid`;
			const isWithin = (id: string) => `${id} >= ${low}${high === null ? "" : ` AND ${id} < ${high}`}`;
			const near = hasRow(`event_tags tagged WHERE ${ofTag} AND ${isWithin("tagged.event_id")}`);
			return `CASE WHEN ${isWithin("entry.event_id")} THEN ${near} END`;
		},
		among: (values, events) =>
			`SELECT event_id FROM event_tags tagged WHERE ${own(values)} AND tagged.event_id = ANY(${values.add(events)}::uuid[])`,
	};
}

/** The same as a condition. */
export function tagCondition(wanted: Wanted, values: Values): string[] {
	const look = tagLook(wanted);
	return look === undefined ? [] : [look.hasRow(values, null)];
}

/** That a row has one of some statuses. */
export function statusCondition(statuses: DeliveryFilter["statuses"], values: Values): string[] {
	if (statuses === null) return [];
	return [`entry.status = ANY(${values.add(statuses.map((status) => STATUS_CODES[status]))}::smallint[])`];
}

const PREFIX_SUFFIX = ".*";

/** That a type is one of some names, or begins with one of some prefixes, which are written `prefix.*`. */
export function isOfTypes(column: string, types: readonly string[], values: Values): string {
	const { names, prefixes } = splitTypes(types);
	const parts = prefixes.map((prefix) => {
		const [from, to] = rangeOfPrefix(prefix);
		return `${column} > ${values.add(from)} AND ${column} < ${values.add(to)}`;
	});
	if (names.length > 0) parts.unshift(`${column} = ANY(${values.add(names)}::text[])`);
	return `(${parts.join(" OR ") || "FALSE"})`;
}

/** The names and the prefixes, which end with a full stop. */
export function splitTypes(types: readonly string[]): {
	readonly names: readonly string[];
	readonly prefixes: readonly string[];
} {
	return {
		names: types.filter((type) => !type.endsWith(PREFIX_SUFFIX)),
		prefixes: types.filter((type) => type.endsWith(PREFIX_SUFFIX)).map((type) => type.slice(0, -1)),
	};
}

/** The texts between which all lie that begin with a prefix and go on: a slash comes right after the full stop. */
export function rangeOfPrefix(prefix: string): readonly [from: string, to: string] {
	return [prefix, `${prefix.slice(0, -1)}/`];
}

/** That a type is not internal now: a customer sees no others. */
export function isPublicType(column: string, project: string, values: Values): string {
	const internal = `SELECT name FROM event_types WHERE project_id = ${values.add(project)} AND visibility = 1`;
	return `${column} NOT IN (${internal})`;
}
