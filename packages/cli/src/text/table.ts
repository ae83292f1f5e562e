// Tables and lists of fields: aligned, and as wide as the terminal at most.
import { stripVTControlCharacters } from "node:util";

import width from "fast-string-width";

import { printable } from "./printable.ts";
import { onStdout } from "./style.ts";

/** A column of a table. */
export interface Column<T> {
	readonly title: string;
	/** The text of a row. */
	readonly value: (row: T) => string;
	/** Colours the text, after it was cut to the width of the column. */
	readonly style?: (text: string, row: T) => string;
	readonly align?: "right";
	/** May be cut if the table is too wide. Ids are not, since people copy them. */
	readonly flexible?: boolean;
	/** Is left out first if the table is too wide, the highest number first. */
	readonly optional?: number;
}

const GAP = 2;
const NARROWEST = 8;
/** Of a column that has a line of its own. */
const BELOW_INDENT = 2;

/**
 * Renders a table with titles in lines. `available` is the width of the terminal; Infinity if there is none. If the columns that must be
 * there do not fit, the widest one that is not cut, which is that of the ids, has a line of its own under each row.
 */
export function renderTable<T>(columns: readonly Column<T>[], rows: readonly T[], available: number): string[] {
	const cells = new Map(columns.map((column) => [column, rows.map((row) => printable(column.value(row)))]));
	const whole = fit(columns, cells, available);
	if (whole.isFitting) return linesOf(whole, cells, rows);
	const below = widestUncut(columns, cells);
	if (below === undefined) return linesOf(whole, cells, rows);
	const beside = fit(
		columns.filter((column) => column !== below),
		cells,
		available,
	);
	// Not cut there either, however narrow the terminal is.
	const under = { shown: [below], widths: new Map([[below, naturalWidth(below, cells)]]) };
	const unders = linesOf(under, cells, rows).map((line) => " ".repeat(BELOW_INDENT) + line.trimStart());
	return linesOf(beside, cells, rows).flatMap((line, index) => [line, unders[index] ?? ""]);
}

interface Fit<T> {
	readonly shown: readonly Column<T>[];
	readonly widths: ReadonlyMap<Column<T>, number>;
}

function linesOf<T>(
	{ shown, widths }: Fit<T>,
	cells: ReadonlyMap<Column<T>, readonly string[]>,
	rows: readonly T[],
): string[] {
	const line = (cell: (column: Column<T>) => { text: string; style?: (text: string) => string }) =>
		shown
			.map((column, index) => {
				const { text, style = (text: string) => text } = cell(column);
				const size = widths.get(column) ?? 0;
				const cut = shortened(text, size);
				const padding = " ".repeat(Math.max(0, size - width(cut)));
				if (column.align === "right") return padding + style(cut);
				return style(cut) + (index === shown.length - 1 ? "" : padding);
			})
			.join(" ".repeat(GAP))
			.trimEnd();
	const head = line(({ title }) => ({ text: title, style: (text) => onStdout("dim", text) }));
	const body = rows.map((row, index) =>
		line((column) => {
			const text = cells.get(column)?.[index] ?? "";
			const { style } = column;
			return style === undefined ? { text } : { text, style: (text) => style(text, row) };
		}),
	);
	return [head, ...body];
}

/** The column that is the widest of those that are not cut; undefined if it would be the only one. */
function widestUncut<T>(
	columns: readonly Column<T>[],
	cells: ReadonlyMap<Column<T>, readonly string[]>,
): Column<T> | undefined {
	if (columns.length < 2) return undefined;
	return columns
		.filter(({ flexible, optional }) => flexible !== true && optional === undefined)
		.toSorted((a, b) => naturalWidth(b, cells) - naturalWidth(a, cells))[0];
}

/**
 * Renders names and values in lines. Values may have several lines, and colours of ours. Sentences are wrapped where `available`, the width
 * of the terminal, is too narrow for them; JSON and values of several lines stay as they are.
 */
export function renderFields(
	fields: readonly (readonly [name: string, value: string | null])[],
	available = Infinity,
): string[] {
	const shown = fields.filter((field): field is readonly [string, string] => field[1] !== null);
	const size = Math.max(0, ...shown.map(([name]) => width(name)));
	return shown.flatMap(([name, value]) => {
		const indent = " ".repeat(size + GAP);
		const lines = value.split("\n");
		const isSentence = lines.length === 1 && !/^[[{<]/.test(value);
		const [first = "", ...rest] = isSentence ? wrapped(value, available - indent.length) : lines;
		return [onStdout("dim", name.padEnd(size)) + " ".repeat(GAP) + first, ...rest.map((line) => indent + line)];
	});
}

/** Breaks text at spaces. A word that is too long, such as an id, stays whole. */
function wrapped(text: string, size: number): string[] {
	const lines: string[] = [];
	for (const word of text.split(" ")) {
		const last = lines.at(-1);
		if (last === undefined || widthOf(last) + 1 + widthOf(word) > size) lines.push(word);
		else lines[lines.length - 1] = `${last} ${word}`;
	}
	return lines;
}

/** Text as wide as it is on a terminal, without its colours. */
export function widthOf(text: string): number {
	return width(stripVTControlCharacters(text));
}

function fit<T>(columns: readonly Column<T>[], cells: ReadonlyMap<Column<T>, readonly string[]>, available: number) {
	let shown = [...columns];
	const natural = (column: Column<T>) => naturalWidth(column, cells);
	const narrowest = (column: Column<T>) =>
		column.flexible === true ? Math.min(natural(column), Math.max(NARROWEST, width(column.title))) : natural(column);
	const total = (size: (column: Column<T>) => number) =>
		shown.reduce((sum, column) => sum + size(column), 0) + GAP * (shown.length - 1);
	for (;;) {
		if (total(narrowest) <= available) break;
		const least = shown
			.filter(({ optional }) => optional !== undefined)
			.toSorted((a, b) => (b.optional ?? 0) - (a.optional ?? 0))[0];
		if (least === undefined) break;
		shown = shown.filter((column) => column !== least);
	}
	const widths = new Map(shown.map((column) => [column, natural(column)]));
	for (let surplus = total(natural) - available; surplus > 0;) {
		const widest = shown
			.filter((column) => (widths.get(column) ?? 0) > narrowest(column))
			.toSorted((a, b) => (widths.get(b) ?? 0) - (widths.get(a) ?? 0))[0];
		if (widest === undefined) break;
		widths.set(widest, (widths.get(widest) ?? 0) - 1);
		surplus--;
	}
	return { shown, widths, isFitting: total(narrowest) <= available };
}

function naturalWidth<T>(column: Column<T>, cells: ReadonlyMap<Column<T>, readonly string[]>): number {
	return Math.max(width(column.title), ...(cells.get(column) ?? []).map((text) => width(text)));
}

/** Cuts text to a width, with an ellipsis as its last character. */
export function shortened(text: string, size: number): string {
	if (width(text) <= size) return text;
	let cut = "";
	for (const { segment } of new Intl.Segmenter().segment(text)) {
		if (width(cut + segment) > size - 1) break;
		cut += segment;
	}
	return `${cut}…`;
}
