// What is shown while something is on its way: grey shapes of what comes, in its place. Lists have theirs in layout/table.tsx.
import type { ReactNode } from "react";

/** Says once what is loading. The shapes themselves say nothing. */
export function Loading({ label, children }: { readonly label: string; readonly children: ReactNode }) {
	return (
		<div className="stack" role="status" aria-label={`Loading ${label}`}>
			{children}
		</div>
	);
}

/** Texts differ in length: one after the other has these shares of the room. */
const WIDTHS = [62, 84, 48, 74, 56];

/** A line of text. */
export function Bone({ width, height = "0.75rem" }: { readonly width: string; readonly height?: string }) {
	return <div className="shimmer" style={{ width, height, maxWidth: "100%" }} />;
}

/** Names and values below each other, under a head with buttons if that is wanted. */
export function FactsShape({ facts, hasHead = false }: { readonly facts: number; readonly hasHead?: boolean }) {
	return (
		<div className="card card-pad stack">
			{hasHead && (
				<div className="head">
					<Bone width="12rem" height="1.25rem" />
					<div className="head-rest">
						<Bone width="15rem" height="1.875rem" />
					</div>
				</div>
			)}
			<div className="facts">
				{numbers(facts).map((index) => (
					<Fact key={index} index={index} />
				))}
			</div>
		</div>
	);
}

function Fact({ index }: { readonly index: number }) {
	return (
		<>
			<div className="skeleton-line">
				<Bone width="5rem" />
			</div>
			<div className="skeleton-line">
				<Bone width={`${width(index) / 3}rem`} />
			</div>
		</>
	);
}

/** Big numbers with their names, over a chart if there is one. */
export function NumbersShape({ count, chartPx }: { readonly count: number; readonly chartPx?: number }) {
	return (
		<div className="card card-pad stack">
			<div className="numbers">
				{numbers(count).map((index) => (
					<div key={index} className="skeleton-number">
						<Bone width="5.5rem" />
						<Bone width="3.5rem" height="1.5rem" />
						<Bone width="4.5rem" />
					</div>
				))}
			</div>
			{chartPx !== undefined && (
				<div className="skeleton-chart" style={{ height: `${chartPx}px` }}>
					{numbers(24).map((index) => (
						<Bone key={index} width="100%" height={`${width(index * 3)}%`} />
					))}
				</div>
			)}
		</div>
	);
}

/** Items with a mark, such as those that need attention. */
export function ItemsShape({ items }: { readonly items: number }) {
	return (
		<div className="card">
			<div className="card-pad">
				<Bone width="9rem" height="0.9375rem" />
			</div>
			<div className="attention">
				{numbers(items).map((index) => (
					<div key={index} className="skeleton-item">
						<Bone width="1.125rem" height="1.125rem" />
						<div className="skeleton-number">
							<Bone width={`${width(index)}%`} />
							<Bone width={`${width(index + 1)}%`} />
						</div>
					</div>
				))}
			</div>
		</div>
	);
}

/** Fields with their labels, and the button under them, on a card. */
export function FormShape({ fields }: { readonly fields: number }) {
	return (
		<div className="card card-pad">
			<FieldsShape fields={fields} />
		</div>
	);
}

/** The same without a card. */
export function FieldsShape({ fields }: { readonly fields: number }) {
	return (
		<div className="stack">
			{numbers(fields).map((index) => (
				<div key={index} className="skeleton-number">
					<Bone width="8rem" />
					<Bone width="100%" height="2.25rem" />
				</div>
			))}
			<Bone width="6rem" height="2.25rem" />
		</div>
	);
}

/** Lines of code in their box. */
export function CodeShape({ lines }: { readonly lines: number }) {
	return (
		<div className="code card-pad">
			{numbers(lines).map((index) => (
				<div key={index} className="skeleton-line">
					<Bone width={`${width(index) / 2}%`} />
				</div>
			))}
		</div>
	);
}

function width(index: number): number {
	return WIDTHS[index % WIDTHS.length] ?? 60;
}

function numbers(count: number): readonly number[] {
	return Array.from({ length: count }, (_, index) => index);
}
