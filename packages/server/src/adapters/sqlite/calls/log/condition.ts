// Conditions on rows, as SQL with its values.

export type Value = string | number | Uint8Array;

/** One `column = ?`, or a condition with several values. */
export interface Condition {
	readonly sql: string;
	readonly values: readonly Value[];
}

/** A column of a full row that filters look at. */
export type Column =
	| "project"
	| "webhook"
	| "status"
	| "response_code"
	| "cause"
	| "type"
	| "update_date"
	| "change"
	| "event"
	| "outside";

/**
 * A condition on some columns of a row or of an entry of an index. If it is not `exact`, it lets through rows of which these
 * columns do not tell enough.
 */
export interface Check {
	readonly columns: readonly Column[];
	readonly on: (table: string) => Condition;
	readonly isExact: boolean;
	/** Whether it looks into another table for each row. No if omitted. */
	readonly isLook?: boolean;
}

/** With a check that looks into another table, a page looks at this share of the rows that it otherwise would. */
const SHARE_WITH_LOOK = 0.7;

/** How many rows to look at in the time for so many of them without these checks. */
export function rowsWithin(rows: number, checks: readonly Check[]): number {
	return Math.ceil(checks.some(({ isLook = false }) => isLook) ? rows * SHARE_WITH_LOOK : rows);
}
