// A growth curve: throughput against something that grows.
import type { Measurements, RunContext } from "../scenario.ts";

export interface Curve {
	/** Also the name of its file: `docs/performance/<name>.svg`. */
	readonly name: string;
	readonly title: string;
	/** One sentence about what the picture shows, for people who can't see it. */
	readonly description: string;
	readonly xLabel: string;
	/** Ascending. 0 is drawn at the left end of the axis. */
	readonly xs: readonly number[];
	/** Measures a load at the point `x`. */
	readonly measure: (context: RunContext, x: number, load: CurveLoad) => Promise<Measurements>;
}

/** The loads, each of which is one line in each picture. */
export const CURVE_LOADS = ["one event a request", "batches of 100"] as const;
export type CurveLoad = (typeof CURVE_LOADS)[number];

/** The median of the runs, the lowest and the highest. */
export interface CurvePoint {
	readonly x: number;
	readonly median: number;
	readonly low: number;
	readonly high: number;
}

export interface CurveLine {
	readonly label: CurveLoad;
	readonly points: readonly CurvePoint[];
}

export interface MeasuredCurve {
	readonly curve: Pick<Curve, "name" | "title" | "description" | "xLabel">;
	readonly lines: readonly CurveLine[];
}
