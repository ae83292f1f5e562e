// Measurements and limits as text.
import type { Limit, Unit } from "../scenario.ts";

/** Units that are not written behind a limit. */
const UNNAMED: ReadonlySet<Unit> = new Set(["×", "each", "perSecond", "count"]);

export function formatValue(value: number, unit: Unit): string {
	if (!Number.isFinite(value)) return "–";
	switch (unit) {
		case "perSecond":
		case "count":
			return Math.round(value).toLocaleString("en-US");
		case "bytes":
			return `${Math.round(value).toLocaleString("en-US")} B`;
		case "µs":
			return `${value.toFixed(1)} µs`;
		case "ms":
			return `${value.toFixed(value < 10 ? 2 : 1)} ms`;
		case "s":
			return `${value.toFixed(2)} s`;
		case "×":
		case "each":
			return value.toFixed(2);
		case "MB":
			return `${Math.round(value)} MB`;
		case "%":
			return `${value.toFixed(2)} %`;
	}
}

/** A dash if there is no ratio, such as when both sides are 0. */
export function formatRatio(ratio: number | undefined, digits = 2): string {
	return ratio === undefined || !Number.isFinite(ratio) ? "–" : ratio.toFixed(digits);
}

export function formatLimit(limit: Limit, unit: Unit): string {
	if ("atLeastOfFloor" in limit) return `≥ ${limit.atLeastOfFloor} of floor`;
	const [sign, value] = "atMost" in limit ? ["≤", limit.atMost] : ["≥", limit.atLeast];
	return UNNAMED.has(unit) ? `${sign} ${value}` : `${sign} ${value} ${unit}`;
}
