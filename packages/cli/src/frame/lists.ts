// What all lists have in common: how many rows they show, and from which time.
import type { Option } from "commander";

import { parseTime } from "../text/times.ts";
import { option } from "./command.ts";
import { parsePositive } from "./values.ts";

/** The options of every list. */
export interface ListOptions {
	readonly limit?: number;
	readonly all?: boolean;
}

const DEFAULT_LIMIT = 50;
/** The most that the server gives in a page. */
const MAX_PAGE = 1_000;

/** The options of every list, for its help. */
export function listOptions(): Option[] {
	return [
		option("--limit <count>", `The most rows. Default: ${DEFAULT_LIMIT}.`, parsePositive),
		option("--all", "All rows."),
	];
}

/** The most rows that a list shows. */
export function rowLimit({ limit, all }: ListOptions): number {
	return all === true ? Infinity : (limit ?? DEFAULT_LIMIT);
}

/** How many rows to fetch at once: one more than are shown, to know whether there are more. */
export function pageSize(options: ListOptions): number {
	return Math.min(MAX_PAGE, rowLimit(options) + 1);
}

/** What a list says that has no row: that nothing matches if it was filtered, and otherwise `none`, such as what to type to begin. */
export function emptyText(filter: object, nouns: string, none: string): string {
	return Object.values(filter).every((value) => value === undefined) ? none : `No ${nouns} match.`;
}

/** The options of a range of time, for the help. `created` says of what the time is. */
export function rangeOptions(created: string): Option[] {
	const form = "such as 15m, 24h or 7d before now, or 2026-01-31T12:00:00Z";
	return [
		option("--after <time>", `Only those ${created} at this time or later: ${form}.`, (text) => parseTime(text)),
		option("--before <time>", `Only those ${created} before this time.`, (text) => parseTime(text)),
	];
}
