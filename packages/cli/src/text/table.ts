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

/** Renders a table with titles in lines. `available` is the width of the terminal; Infinity if there is none. */
export function renderTable<T>(columns: readonly Column<T>[], rows: readonly T[], available: number): string[] {
	const cells = new Map(columns.map((column) => [column, rows.map((row) => printable(column.value(row)))]));
	const { shown, widths } = fit(columns, cells, available);
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

/** Renders names and values in lines. Values may have several lines, and colours of ours. */
export function renderFields(fields: readonly (readonly [name: string, value: string | null])[]): string[] {
	const shown = fields.filter((field): field is readonly [string, string] => field[1] !== null);
	const size = Math.max(0, ...shown.map(([name]) => width(name)));
	return shown.flatMap(([name, value]) => {
		const [first = "", ...rest] = value.split("\n");
		const indent = " ".repeat(size + GAP);
		return [onStdout("dim", name.padEnd(size)) + " ".repeat(GAP) + first, ...rest.map((line) => indent + line)];
	});
}

/** Text as wide as it is on a terminal, without its colours. */
export function widthOf(text: string): number {
	return width(stripVTControlCharacters(text));
}

function fit<T>(columns: readonly Column<T>[], cells: ReadonlyMap<Column<T>, readonly string[]>, available: number) {
	let shown = [...columns];
	const natural = (column: Column<T>) =>
		Math.max(width(column.title), ...(cells.get(column) ?? []).map((text) => width(text)));
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
	return { shown, widths };
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
