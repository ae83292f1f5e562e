// Draws a line chart as an SVG document: readable in light and dark mode, with a description for people who can't see it.
import type { CurveLine, CurvePoint } from "./curve.ts";
import { newScales, type Scales } from "./scales.ts";

export interface Chart {
	readonly name: string;
	readonly title: string;
	readonly description: string;
	readonly xLabel: string;
	readonly yLabel: string;
	readonly lines: readonly CurveLine[];
	/** For example the machine and the date. */
	readonly footnote: string;
}

const [WIDTH, HEIGHT] = [720, 400];
const PLOT = { left: 84, right: 690, top: 72, bottom: 316 } as const;
const TICK = 5;

/** The colours also differ in lightness, and each has a contrast of at least 3 : 1 with its background. */
const STYLE = `
	svg { --ink: #1f2328; --quiet: #59636e; --grid: #d1d9e0; --paper: #ffffff; --a: #0550ae; --b: #bc4c00; }
	@media (prefers-color-scheme: dark) {
		svg { --ink: #f0f6fc; --quiet: #9198a1; --grid: #3d444d; --paper: #0d1117; --a: #79c0ff; --b: #ffa657; }
	}
	text { font: 13px system-ui, sans-serif; fill: var(--ink); }
	.title { font-size: 16px; font-weight: 600; }
	.quiet { fill: var(--quiet); font-size: 12px; }
	.grid { stroke: var(--grid); }
	.axis { stroke: var(--quiet); }
	.line { fill: none; stroke-width: 2; }
	.a { stroke: var(--a); } .b { stroke: var(--b); stroke-dasharray: 7 4; }
	.mark.a { fill: var(--a); } .mark.b { fill: var(--paper); stroke-dasharray: none; stroke-width: 2; }
	.spread { stroke-dasharray: none; opacity: 0.7; }
`;
const CLASSES = ["a", "b"] as const;

export function drawChart(chart: Chart): string {
	const points = chart.lines.flatMap((line) => line.points);
	const scales = newScales(points, PLOT);
	const parts = [
		`<title id="title">${escape(chart.title)}</title>`,
		`<desc id="desc">${escape(`${chart.description} ${inWords(chart)}`)}</desc>`,
		`<style>${STYLE}</style>`,
		`<rect width="${WIDTH}" height="${HEIGHT}" style="fill: var(--paper)"/>`,
		`<text class="title" x="${PLOT.left}" y="26">${escape(chart.title)}</text>`,
		...legend(chart.lines),
		...yAxis(scales, chart.yLabel),
		...xAxis(scales, chart.xLabel),
		...chart.lines.flatMap((line, index) => drawLine(line, CLASSES[index] ?? "a", scales)),
		`<text class="quiet" x="${PLOT.left}" y="${HEIGHT - 14}">${escape(chart.footnote)}</text>`,
	];
	const attributes = `viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title desc"`;
	return `<svg xmlns="http://www.w3.org/2000/svg" ${attributes}>\n${parts.join("\n")}\n</svg>\n`;
}

/** All values as text, which a screen reader reads out in place of the picture. */
function inWords({ lines, xLabel, yLabel }: Chart): string {
	const all = lines.map(({ label, points }) => {
		const values = points.map(({ x, median }) => `${format(median)} at ${format(x)} ${xLabel}`);
		return `${label}: ${values.join(", ")}`;
	});
	return `In ${yLabel}. ${all.join("; ")}.`;
}

function legend(lines: readonly CurveLine[]): string[] {
	return lines.flatMap(({ label }, index) => {
		const [x, y, kind] = [PLOT.left + index * 210, 48, CLASSES[index] ?? "a"];
		return [
			`<line class="line ${kind}" x1="${x}" y1="${y}" x2="${x + 30}" y2="${y}"/>`,
			`<circle class="mark ${kind}" cx="${x + 15}" cy="${y}" r="4"/>`,
			`<text x="${x + 38}" y="${y + 4}">${escape(label)}</text>`,
		];
	});
}

function yAxis({ yTicks, y }: Scales, label: string): string[] {
	const middle = (PLOT.top + PLOT.bottom) / 2;
	const ticks = yTicks.flatMap((value) => [
		`<line class="grid" x1="${PLOT.left}" x2="${PLOT.right}" y1="${y(value)}" y2="${y(value)}"/>`,
		`<text class="quiet" x="${PLOT.left - 8}" y="${y(value) + 4}" text-anchor="end">${format(value)}</text>`,
	]);
	return [
		...ticks,
		`<text x="20" y="${middle}" text-anchor="middle" transform="rotate(-90 20 ${middle})">${escape(label)}</text>`,
	];
}

function xAxis({ xTicks, x }: Scales, label: string): string[] {
	const ticks = xTicks.flatMap((value) => [
		`<line class="axis" x1="${x(value)}" x2="${x(value)}" y1="${PLOT.bottom}" y2="${PLOT.bottom + TICK}"/>`,
		`<text class="quiet" x="${x(value)}" y="${PLOT.bottom + 20}" text-anchor="middle">${format(value)}</text>`,
	]);
	return [
		`<line class="axis" x1="${PLOT.left}" x2="${PLOT.right}" y1="${PLOT.bottom}" y2="${PLOT.bottom}"/>`,
		...ticks,
		`<text x="${(PLOT.left + PLOT.right) / 2}" y="${PLOT.bottom + 44}" text-anchor="middle">${escape(label)} (logarithmic)</text>`,
	];
}

/** Joins the medians by a line, with a stroke at each from the slowest run to the fastest. */
function drawLine({ points }: CurveLine, kind: string, { x, y }: Scales): string[] {
	const place = (point: CurvePoint) => `${x(point.x)},${y(point.median)}`;
	return [
		`<polyline class="line ${kind}" points="${points.map(place).join(" ")}"/>`,
		...points.map(
			(point) =>
				`<line class="line spread ${kind}" x1="${x(point.x)}" x2="${x(point.x)}" y1="${y(point.low)}" y2="${y(point.high)}"/>`,
		),
		...points.map((point) => `<circle class="mark ${kind}" cx="${x(point.x)}" cy="${y(point.median)}" r="4"/>`),
	];
}

function format(value: number): string {
	return Math.round(value).toLocaleString("en-US");
}

function escape(text: string): string {
	return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
