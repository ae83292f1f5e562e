// What a growth curve is: throughput against something that grows.
import type { Measurements, RunContext } from "../scenario.ts";

export interface Curve {
	/** Also of its file: `docs/performance/<name>.svg`. */
	readonly name: string;
	readonly title: string;
	/** What the picture shows, in a sentence, for those who can't see it. */
	readonly description: string;
	readonly xLabel: string;
	/** Ascending; 0 stands at the left end. */
	readonly xs: readonly number[];
	/** Measures a load with so much of what grows. */
	readonly measure: (context: RunContext, x: number, load: CurveLoad) => Promise<Measurements>;
}

/** The two lines of each picture. */
export const CURVE_LOADS = ["one event a request", "batches of 100"] as const;
export type CurveLoad = (typeof CURVE_LOADS)[number];

/** The median of the runs, and the ends. */
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
