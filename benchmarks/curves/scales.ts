// Maps values to positions in the picture: x on a logarithmic axis with 0 at its left end, y on a linear axis from 0.

export interface Scales {
	readonly x: (value: number) => number;
	readonly y: (value: number) => number;
	readonly xTicks: readonly number[];
	readonly yTicks: readonly number[];
}

interface Plot {
	readonly left: number;
	readonly right: number;
	readonly top: number;
	readonly bottom: number;
}

/** The steps of the y axis are one of these, times a power of ten. */
const NICE_STEPS = [1, 2, 2.5, 5, 10];
const Y_STEPS = 5;
/** Distance from the plot's edges to the first and the last point. */
const INSET = 24;

export function newScales(points: readonly { readonly x: number; readonly high: number }[], plot: Plot): Scales {
	const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
	const positive = xs.filter((x) => x > 0);
	const [least = 1, most = 10] = [positive[0], positive.at(-1)];
	// 0 has no logarithm; it is drawn one decade before the lowest value.
	const from = Math.log10(least) - (xs[0] === 0 ? 1 : 0);
	const to = Math.max(Math.log10(most), from + 1);
	const [left, right] = [plot.left + INSET, plot.right - INSET];
	const step = niceStep(Math.max(1, ...points.map(({ high }) => high)) / Y_STEPS);
	const top = step * Math.ceil(Math.max(1, ...points.map(({ high }) => high)) / step);
	return {
		x: (value) => round(value === 0 ? left : left + ((Math.log10(value) - from) / (to - from)) * (right - left)),
		y: (value) => round(plot.bottom - (value / top) * (plot.bottom - plot.top)),
		xTicks: xs,
		yTicks: Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step),
	};
}

function niceStep(atLeast: number): number {
	const power = 10 ** Math.floor(Math.log10(atLeast));
	return (NICE_STEPS.find((nice) => nice * power >= atLeast) ?? 10) * power;
}

function round(value: number): number {
	return Math.round(value * 10) / 10;
}
