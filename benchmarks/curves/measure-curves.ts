// `--curves DIR`: measures every point of every curve, in rounds, and draws them.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { WORKING_TREE } from "@fanfare/testkit/programs/server-code";
import { median } from "@fanfare/testkit/report/percentiles";

import { newContext, type Surroundings } from "../context.ts";
import { CURVES } from "./all.ts";
import { CURVE_LOADS, type Curve, type CurveLine, type CurveLoad, type MeasuredCurve } from "./curve.ts";
import { drawChart } from "./draw-chart.ts";

export async function measureCurves(surroundings: Surroundings): Promise<MeasuredCurve[]> {
	const { options, progress } = surroundings;
	const context = newContext(surroundings, WORKING_TREE);
	const values = new Map<string, number[]>();
	for (let number = 1; number <= options.runs; number++) {
		for (const curve of CURVES) {
			for (const x of curve.xs) {
				for (const load of CURVE_LOADS) {
					progress(`round ${number} of ${options.runs}: ${curve.name} ${x}, ${load}`);
					const { deliveredPerS = Number.NaN } = await curve.measure(context, x, load);
					const key = keyOf(curve, x, load);
					values.set(key, [...(values.get(key) ?? []), deliveredPerS]);
				}
			}
		}
	}
	return CURVES.map((curve) => ({ curve, lines: CURVE_LOADS.map((load) => lineOf(curve, load, values)) }));
}

function keyOf({ name }: Curve, x: number, load: CurveLoad): string {
	return `${name} ${x} ${load}`;
}

function lineOf(curve: Curve, label: CurveLoad, values: ReadonlyMap<string, readonly number[]>): CurveLine {
	const points = curve.xs.map((x) => {
		const runs = values.get(keyOf(curve, x, label)) ?? [];
		return { x, median: median(runs), low: Math.min(...runs), high: Math.max(...runs) };
	});
	return { label, points };
}

/** Writes one SVG file per curve, and returns their paths. */
export function drawCurves(curves: readonly MeasuredCurve[], directory: string, footnote: string): string[] {
	mkdirSync(directory, { recursive: true });
	return curves.map(({ curve, lines }) => {
		const file = join(directory, `${curve.name}.svg`);
		writeFileSync(file, drawChart({ ...curve, yLabel: "delivered events per second", lines, footnote }));
		return file;
	});
}
