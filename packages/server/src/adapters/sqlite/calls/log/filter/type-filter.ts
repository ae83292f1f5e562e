// Filters by event type: names and prefixes, as SQL on events, as the names that a project has, and as what rows of deliveries have.
import { typeHash } from "../../../codec/delivery-rows.ts";
import { text } from "../../../codec/rows.ts";
import type { Prepare } from "../../statement-cache.ts";
import type { Condition } from "../condition.ts";

/** More types than this are not looked up one by one. */
const MAX_NAMES = 200;
const PREFIX_SUFFIX = ".*";

export interface TypeFilter {
	/** That the type of the event matches. It names the table `event`. */
	readonly onEvent: Condition;
	/** The types of the project that match, whether or not there are events of them; null if there are too many, or if it must not be known. */
	readonly names: readonly string[] | null;
	/** What stands for these types in full rows; null if `names` is. */
	readonly hashes: readonly number[] | null;
}

/**
 * Finds out which types of a project match. Each entry is an exact name or `prefix.*`. If a customer reads, the types of the project
 * are not looked at: where a page ends would tell the customer whether the events of others have types with a prefix.
 */
export function readTypeFilter(
	prepare: Prepare,
	project: number,
	eventTypes: readonly string[],
	isForCustomer: boolean,
): TypeFilter {
	const exact = eventTypes.filter((entry) => !entry.endsWith(PREFIX_SUFFIX));
	const prefixes = eventTypes.filter((entry) => entry.endsWith(PREFIX_SUFFIX)).map((entry) => entry.slice(0, -1));
	const onEvent = conditionOn(exact, prefixes);
	if (isForCustomer && prefixes.length > 0) return { onEvent, names: null, hashes: null };
	const names = new Set(exact);
	for (const prefix of prefixes) {
		for (const name of namesFrom(prepare, project, prefix)) {
			names.add(name);
			if (names.size > MAX_NAMES) break;
		}
	}
	const isListed = names.size <= MAX_NAMES;
	return {
		onEvent,
		names: isListed ? [...names] : null,
		hashes: isListed ? [...names].map(typeHash) : null,
	};
}

/** The types of a project's events that begin with a text, one seek for each. */
function* namesFrom(prepare: Prepare, project: number, prefix: string): Iterable<string> {
	const next = prepare(`
		SELECT type FROM events INDEXED BY events_by_type WHERE project = ? AND type > ? AND type < ? ORDER BY type LIMIT 1
	`);
	for (let last = prefix; ;) {
		const row = next.get(project, last, after(prefix));
		if (row === undefined) return;
		last = text(row["type"]);
		yield last;
	}
}

/** The first text that comes after all that begin with `prefix`, which ends with a dot: a slash is the next character. */
function after(prefix: string): string {
	return `${prefix.slice(0, -1)}/`;
}

function conditionOn(exact: readonly string[], prefixes: readonly string[]): Condition {
	const parts = prefixes.map(() => "(event.type > ? AND event.type < ?)");
	if (exact.length > 0) parts.unshift(`event.type IN (${exact.map(() => "?").join(", ")})`);
	const values = [...exact, ...prefixes.flatMap((prefix) => [prefix, after(prefix)])];
	return { sql: `(${parts.join(" OR ") || "FALSE"})`, values };
}
