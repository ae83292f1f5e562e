// Summarises a comparison: both medians, and the ratio new ÷ old of each round. A slow round slows both of its sides.
import { median } from "@fanfare/testkit/report/percentiles";
import { renderText } from "@fanfare/testkit/report/table";

import { formatRatio, formatValue } from "../report/format.ts";
import type { ResultLine, Scenario } from "../scenario.ts";
import type { Pair } from "./compare.ts";

export interface ComparedLine {
	readonly scenario: string;
	readonly label: string;
	readonly unit: ResultLine["unit"];
	readonly old: number;
	readonly new: number;
	/** The median of the rounds' ratios new ÷ old. */
	readonly ratio: number;
	/** The ratios of all rounds, ascending. If 1 lies between the first and the last, the difference may be chance. */
	readonly ratios: readonly number[];
}

const HEADER = ["scenario", "measurement", "old", "new", "new/old", "spread"];
const RIGHT_ALIGNED = new Set([2, 3, 4]);
const DIGITS = 3;

export function comparedLines(scenarios: readonly Scenario[], pairs: readonly Pair[]): ComparedLine[] {
	return scenarios.flatMap(({ name, results }) => results.map((result) => comparedLine(name, result, pairs)));
}

function comparedLine(
	scenario: string,
	{ measurement, label, unit }: ResultLine,
	pairs: readonly Pair[],
): ComparedLine {
	const values = (side: keyof Pair) => pairs.map((pair) => pair[side][scenario]?.[measurement] ?? Number.NaN);
	const [before, after] = [values("old"), values("new")];
	const ratios = after.map((value, index) => value / (before[index] ?? Number.NaN)).sort((a, b) => a - b);
	return { scenario, label, unit, old: median(before), new: median(after), ratio: median(ratios), ratios };
}

export function renderComparison(lines: readonly ComparedLine[]): string {
	const rows = lines.map((line, index) => [
		line.scenario === lines[index - 1]?.scenario ? "" : line.scenario,
		line.label,
		formatValue(line.old, line.unit),
		formatValue(line.new, line.unit),
		formatRatio(line.ratio, DIGITS),
		line.ratios.length < 2 ? "" : `${formatRatio(line.ratios[0], DIGITS)}–${formatRatio(line.ratios.at(-1), DIGITS)}`,
	]);
	return renderText({ header: HEADER, rows, rightAligned: RIGHT_ALIGNED }, { groups: true });
}
