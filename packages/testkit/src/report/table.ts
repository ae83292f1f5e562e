// Tables as plain text for a terminal, and as Markdown for a document.
import { stripVTControlCharacters } from "node:util";

export type Row = readonly string[];

export interface Table {
	readonly header: Row;
	readonly rows: readonly Row[];
	/** The columns whose cells are aligned to the right, by index. Defaults to none. */
	readonly rightAligned?: ReadonlySet<number>;
}

/** A column whose width is known in advance. */
export interface Column {
	readonly width: number;
	/** Defaults to "left". */
	readonly align?: "left" | "right";
}

const GAP = "  ";
/** The number of dashes that Markdown needs at least under a column's name. */
const MIN_MARKDOWN_WIDTH = 3;

/**
 * The table as text, with a line above and below the rows. With `groups`, there is also a line above each row that begins a
 * group, which is a row whose first cell is not empty.
 *
 * @example renderText({ header: ["fault", "rounds"], rows: [["kill", "12"]], rightAligned: new Set([1]) })
 */
export function renderText(table: Table, { groups = false }: { readonly groups?: boolean } = {}): string {
	const columns = columnsOf(table, 0);
	const width = columns.reduce((sum, column) => sum + column.width + GAP.length, -GAP.length);
	const line = "─".repeat(width);
	const rows = table.rows.flatMap((row, index) => {
		const text = renderRow(row, columns);
		return groups && index > 0 && row[0] !== "" ? [line, text] : [text];
	});
	return [renderRow(table.header, columns), line, ...rows, line].join("\n");
}

/** One line of cells, each padded to the width of its column. Control sequences, such as colours, take no width. */
export function renderRow(cells: Row, columns: readonly Column[]): string {
	return cells
		.map((cell, index) => pad(cell, columns[index]))
		.join(GAP)
		.trimEnd();
}

/** The table as Markdown, padded as the formatter pads it, so that the formatter has nothing to change. */
export function renderMarkdown(table: Table): string {
	const columns = columnsOf(table, MIN_MARKDOWN_WIDTH);
	const write = (row: Row) => `| ${row.map((cell, index) => pad(cell, columns[index])).join(" | ")} |`;
	const dashes = columns.map(({ width, align }) =>
		align === "right" ? `${"-".repeat(width - 1)}:` : "-".repeat(width),
	);
	return [table.header, dashes, ...table.rows].map(write).join("\n");
}

function columnsOf({ header, rows, rightAligned }: Table, minWidth: number): Column[] {
	return header.map((name, index) => ({
		width: Math.max(minWidth, widthOf(name), ...rows.map((row) => widthOf(row[index] ?? ""))),
		align: rightAligned?.has(index) === true ? "right" : "left",
	}));
}

function pad(cell: string, { width = 0, align = "left" }: Partial<Column> = {}): string {
	const padding = " ".repeat(Math.max(0, width - widthOf(cell)));
	return align === "right" ? padding + cell : cell + padding;
}

function widthOf(cell: string): number {
	return stripVTControlCharacters(cell).length;
}
