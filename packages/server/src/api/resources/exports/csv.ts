// Lines of CSV (RFC 4180) that a spreadsheet shows as text: values that strangers have written can't become formulas.
import { isoTime } from "../../../core/clock.ts";

/** What a cell can have. Null becomes an empty cell. */
export type Cell = string | number | null;

/**
 * A line with its end.
 *
 * Spreadsheets run a cell that begins with `=`, `+`, `-` or `@`, and some split lines at other characters than commas. So an apostrophe
 * goes before each of these characters that begins a text, or that follows a separator in it.
 *
 * @example
 * csvLine(["billing", 503, null]); // "billing,503,\r\n"
 * csvLine(["=1+1"]); // "'=1+1\r\n"
 */
export function csvLine(cells: readonly Cell[]): string {
	return `${cells.map(cellText).join(",")}\r\n`;
}

/** The full-width forms of the four characters are run, too. */
const FORMULA = /(?<=^|[,;|\t\r\n])(?=\s*[=+\-@＝＋－＠])/g;
const NEEDS_QUOTES = /[",;|\t\r\n]|^\s|\s$/;

function cellText(cell: Cell): string {
	if (cell === null) return "";
	if (typeof cell === "number") return String(cell);
	const safe = cell.replaceAll(FORMULA, "'");
	return NEEDS_QUOTES.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A time in milliseconds, as spreadsheets and people read it. */
export function csvTime(time: number | null): string | null {
	return time === null ? null : isoTime(time);
}

/** A list of texts without spaces. Null becomes an empty cell. */
export function csvList(texts: readonly string[] | null | undefined): string | null {
	return texts?.join(" ") ?? null;
}
