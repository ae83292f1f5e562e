// A table of rows that are links. On a phone each row is a card. Of a long one, only what is near the window is rendered.
import { useEffect, useEffectEvent, useRef, useState, type CSSProperties, type ReactNode } from "react";

import type { NearRows } from "../list/near-rows.ts";

/** Rows that are rendered together, or not at all. */
const CHUNK_ROWS = 50;
/** How near the window a chunk is when its rows are rendered. */
const NEAR = "1000px 0px";
/** Of a row on a wide screen, its line included: for a chunk that was never rendered. */
const LIKELY_ROW_PX = 45;

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
	/** Whether it is left out where there is no room for all columns. All others must fit into 49 rem, and all into 63 rem. */
	readonly isRoomy?: boolean;
	/** What the head shows instead of the name. */
	readonly head?: ReactNode;
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
	/** The key of a row that is rendered wherever it is, such as the one from which the keyboard goes on. */
	readonly current?: string | null;
	/** Is told which rows are near the window. */
	readonly near?: NearRows;
	readonly foot?: ReactNode;
}

export function Table<Row>({ label, columns, rows, keyOf, isSelected, current, near, foot }: TableProps<Row>) {
	const chunks = Array.from({ length: Math.ceil(rows.length / CHUNK_ROWS) }, (_, index) => index * CHUNK_ROWS);
	const row = (row: Row, index: number) => (
		<div
			key={keyOf(row)}
			className="table-row"
			role="row"
			aria-rowindex={index + 2}
			data-selected={isSelected?.(row) === true || undefined}
		>
			{columns.map((column) => (
				<div key={column.name} role="cell" className={cellClass(column)}>
					{column.cell(row)}
				</div>
			))}
		</div>
	);
	return (
		<div className="card table-card">
			<div className="table" role="table" aria-label={label} aria-rowcount={rows.length + 1} style={tracksOf(columns)}>
				<div className="table-row table-head" role="row" aria-rowindex={1}>
					{columns.map((column) => (
						<div key={column.name} role="columnheader" className={cellClass(column)}>
							{column.head ??
								(column.isNameHidden === true ? <span className="unseen">{column.name}</span> : column.name)}
						</div>
					))}
				</div>
				{chunks.map((start) => {
					const chunk = rows.slice(start, start + CHUNK_ROWS);
					return (
						<Chunk key={start} start={start} keys={chunk.map(keyOf)} current={current ?? null} near={near}>
							{() => chunk.map((one, index) => row(one, start + index))}
						</Chunk>
					);
				})}
			</div>
			{foot !== undefined && <div className="table-foot">{foot}</div>}
		</div>
	);
}

interface ChunkProps {
	/** The index of its first row. */
	readonly start: number;
	/** Of its rows. */
	readonly keys: readonly string[];
	readonly current: string | null;
	readonly near: NearRows | undefined;
	readonly children: () => ReactNode;
}

/** Some rows, which leave an empty space of their height while they are far from the window: a list of thousands stays light. */
function Chunk({ start, keys, current, near, children }: ChunkProps) {
	const box = useRef<HTMLDivElement>(null);
	const isNear = useRef(false);
	/** Of the empty space; null while the rows are there. The first ones are before anybody knows where the window is. */
	const [height, setHeight] = useState(start < 2 * CHUNK_ROWS ? null : keys.length * LIKELY_ROW_PX);
	const report = useEffectEvent(() => near?.report(start, isNear.current ? keys : []));
	// Each time, since the rows may be others.
	useEffect(() => report());
	useEffect(() => () => near?.report(start, []), [near, start]);
	useEffect(() => {
		const element = box.current;
		if (element === null) return;
		const look = (isIntersecting: boolean) => {
			const { offsetHeight } = element;
			// What has the focus stays, so that the focus is not lost; what is not shown at all has no height to keep.
			const mayGo = offsetHeight > 0 && !element.contains(document.activeElement);
			isNear.current = isIntersecting;
			report();
			if (isIntersecting) setHeight(null);
			else if (mayGo) setHeight(offsetHeight);
		};
		const observer = new IntersectionObserver((entries) => look(entries.at(-1)?.isIntersecting === true), {
			rootMargin: NEAR,
		});
		observer.observe(element);
		return () => observer.disconnect();
	}, []);
	const isThere = height === null || (current !== null && keys.includes(current));
	return (
		<div
			ref={box}
			className="table-chunk"
			role={isThere ? "rowgroup" : "presentation"}
			style={isThere ? undefined : { height }}
		>
			{isThere && children()}
		</div>
	);
}

function tracksOf<Row>(columns: readonly Column<Row>[]): CSSProperties {
	const tracks = (shown: readonly Column<Row>[]) => shown.map(({ width }) => width).join(" ");
	const style = {
		"--columns": tracks(columns),
		"--columns-of-little-room": tracks(columns.filter(({ isRoomy }) => isRoomy !== true)),
	};
	return style as CSSProperties;
}

function cellClass<Row>({ isNumber, phone, isRoomy }: Column<Row>): string {
	return [
		"table-cell",
		isNumber === true && "end num",
		phone !== undefined && `phone-${phone}`,
		isRoomy === true && "roomy",
	]
		.filter((part) => typeof part === "string")
		.join(" ");
}

interface TableSkeletonProps<Row> {
	readonly label: string;
	/** Those of the rows to come. */
	readonly columns: readonly Column<Row>[];
	readonly rows?: number;
	/** How many lines of text the first wide cell of a row has. */
	readonly lines?: 1 | 2;
}

/** The shape of a table whose rows are still to come: its columns are where they will be, under their names. */
export function TableSkeleton<Row>({ label, columns, rows = 8, lines = 1 }: TableSkeletonProps<Row>) {
	return (
		<div className="card table-card" role="status" aria-label={`Loading ${label}`}>
			<div className="table" style={tracksOf(columns)}>
				<div className="table-row table-head">
					{columns.map((column) => (
						<div key={column.name} className={cellClass(column)}>
							{column.head === undefined && column.isNameHidden !== true && column.name}
						</div>
					))}
				</div>
				{Array.from({ length: rows }, (_, index) => (
					<div key={index} className="table-row skeleton-row">
						{columns.map((column, place) => (
							<div key={column.name} className={`${cellClass(column)} skeleton-cell`}>
								{boneWidths(column, index + place, lines).map((width, line) => (
									<div key={line} className="shimmer" style={{ width }} />
								))}
							</div>
						))}
					</div>
				))}
			</div>
		</div>
	);
}

/** The lines of a cell: texts differ in length, numbers and marks do not. */
function boneWidths<Row>({ head, isNameHidden, isNumber, phone }: Column<Row>, at: number, lines: number): string[] {
	if (head !== undefined || isNameHidden === true) return ["1rem"];
	if (isNumber === true) return ["2rem"];
	const long = `${85 - ((at * 23) % 40)}%`;
	return lines === 2 && phone === "whole" ? [long, "60%"] : [long];
}
