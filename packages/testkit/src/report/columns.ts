// Text in columns, with a rule above each row that begins a group: one whose first cell is not empty.

export type Row = readonly string[];

const GAP = "  ";

/** The columns in `numeric` are set to the right. */
export function renderColumns(header: Row, rows: readonly Row[], numeric: ReadonlySet<number>): string {
	const widths = header.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
	const cell = (text: string, column: number) => {
		const width = widths[column] ?? 0;
		return numeric.has(column) ? text.padStart(width) : text.padEnd(width);
	};
	const write = (row: Row) => row.map(cell).join(GAP).trimEnd();
	const rule = "─".repeat(widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length));
	const body = rows.flatMap((row) => (row[0] === "" ? [write(row)] : [rule, write(row)]));
	return [write(header), ...body, rule].join("\n");
}
