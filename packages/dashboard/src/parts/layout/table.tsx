// A table of rows that are links. On a phone each row is a card.
import type { ReactNode } from "react";

export interface Column<Row> {
	readonly name: string;
	/** A CSS track, such as `minmax(8rem, 2fr)`. */
	readonly width: string;
	readonly cell: (row: Row) => ReactNode;
	readonly isNumber?: boolean;
	/**
	 * On a phone: `whole` takes a line of its own, `hide` is left out, `corner` is at the top right, and `beside` is
	 * on the right of the first line. Defaults to half a line.
	 */
	readonly phone?: "whole" | "hide" | "corner" | "beside";
	/** For a column whose head would be noise, such as that of the row's menu: only screen readers get the name. */
	readonly isNameHidden?: boolean;
}

interface TableProps<Row> {
	/** What the rows are, for screen readers. */
	readonly label: string;
	readonly columns: readonly Column<Row>[];
	readonly rows: readonly Row[];
	readonly keyOf: (row: Row) => string;
	readonly isSelected?: (row: Row) => boolean;
	readonly foot?: ReactNode;
}

export function Table<Row>({ label, columns, rows, keyOf, isSelected, foot }: TableProps<Row>) {
	return (
		<div className="card">
			<div
				className="table"
				role="table"
				aria-label={label}
				style={{ "--columns": columns.map(({ width }) => width).join(" ") } as React.CSSProperties}
			>
				<div className="table-row table-head" role="row">
					{columns.map((column) => (
						<div key={column.name} role="columnheader" className={cellClass(column)}>
							{column.isNameHidden === true ? <span className="unseen">{column.name}</span> : column.name}
						</div>
					))}
				</div>
				{rows.map((row) => (
					<div
						key={keyOf(row)}
						className="table-row"
						role="row"
						data-selected={isSelected?.(row) === true || undefined}
					>
						{columns.map((column) => (
							<div key={column.name} role="cell" className={cellClass(column)}>
								{column.cell(row)}
							</div>
						))}
					</div>
				))}
			</div>
			{foot !== undefined && <div className="table-foot">{foot}</div>}
		</div>
	);
}

function cellClass<Row>({ isNumber, phone }: Column<Row>): string {
	return ["table-cell", isNumber === true && "end num", phone !== undefined && `phone-${phone}`]
		.filter((part) => typeof part === "string")
		.join(" ");
}

/** The final shape of a table whose rows are still to come. */
export function TableSkeleton({ rows = 8, label }: { readonly rows?: number; readonly label: string }) {
	return (
		<div className="card" role="status" aria-label={`Loading ${label}`}>
			<div className="table-row table-head" />
			{Array.from({ length: rows }, (_, index) => (
				<div key={index} className="table-row skeleton-row">
					<div className="shimmer" style={{ height: "0.75rem", width: `${88 - ((index * 17) % 40)}%` }} />
				</div>
			))}
		</div>
	);
}
