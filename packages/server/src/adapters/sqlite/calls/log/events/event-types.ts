// The types of a filter: exact names, and prefixes, which stand for the types that the events of the project have.
import { text } from "../../../codec/rows.ts";
import type { Prepare } from "../../statement-cache.ts";
import { isAmong, ROW_US, typeEntries, type Check, type EventEntries } from "./event-sources.ts";

/** With more types, the events of the project are walked instead of those of the types. */
const MAX_TYPES = 1_000;
/** With more types, looking at the row of an event is faster than looking for it among those of each type. */
const FEW = 3;
const PREFIX_END = ".*";

/** A filter by type. */
export interface TypeFilter {
	/** The events of each type; null if there are too many types. */
	readonly entries: readonly EventEntries[] | null;
	readonly check: Check;
}

/**
 * Reads which types of a project a filter stands for. If a customer reads, the types of the project are not looked at: where a page
 * ends would tell the customer whether the events of others have types with a prefix.
 */
export function typeFilter(
	prepare: Prepare,
	project: number,
	types: readonly string[],
	isForCustomer: boolean,
): TypeFilter {
	const names = new Set(types.filter((type) => !type.endsWith(PREFIX_END)));
	const prefixes = types.filter((type) => type.endsWith(PREFIX_END)).map((type) => type.slice(0, -PREFIX_END.length));
	const rowCheck = matchesOne([...names], prefixes);
	if (isForCustomer && prefixes.length > 0) return { entries: null, check: rowCheck };
	for (const prefix of prefixes) {
		const found = typesWith(prepare, project, prefix);
		for (const type of found) names.add(type);
		if (found.length > MAX_TYPES || names.size > MAX_TYPES) return { entries: null, check: rowCheck };
	}
	const entries = [...names].map((type) => typeEntries(project, type));
	return { entries, check: names.size <= FEW && names.size > 0 ? isOne(project, [...names]) : rowCheck };
}

/** Up to one more than `MAX_TYPES` types with a prefix: from each to the next one, since the index has all events of each. */
function typesWith(prepare: Prepare, project: number, prefix: string): string[] {
	const next = (condition: string) => `
		SELECT type FROM events INDEXED BY events_by_type WHERE project = ?1 AND ${condition} AND type < ?3 ORDER BY type LIMIT 1
	`;
	const select = prepare(`
		WITH RECURSIVE found (type) AS (
			SELECT (${next("type >= ?2")})
			UNION ALL SELECT (${next("type > found.type")}) FROM found WHERE found.type IS NOT NULL
			LIMIT ${MAX_TYPES + 1}
		)
		SELECT type FROM found WHERE type IS NOT NULL
	`);
	// A slash comes right after the full stop.
	return select.all(project, `${prefix}.`, `${prefix}/`).map((row) => text(row["type"]));
}

/** That an event has one of a few types, by the index of types. */
function isOne(project: number, names: readonly string[]): Check {
	return isAmong(names.map((name) => typeEntries(project, name)));
}

/** The same for any number of types and prefixes, by the row of the event. */
function matchesOne(names: readonly string[], prefixes: readonly string[]): Check {
	const sql = `(
		event.type IN (SELECT value FROM json_each(?))
		OR EXISTS (SELECT 1 FROM json_each(?) prefix WHERE event.type >= prefix.value || '.' AND event.type < prefix.value || '/')
	)`;
	return { sql, values: [JSON.stringify(names), JSON.stringify(prefixes)], costUs: ROW_US };
}
