// The result as text, within 100 columns.
import type { Machine } from "../harness/machine.ts";
import { median } from "../harness/stats.ts";
import type { Round } from "../rounds.ts";
import type { Figure, Limit, Measurements } from "../scenario.ts";
import type { Line } from "./summary.ts";

type Row = readonly string[];

const HEADER: Row = ["scenario", "figure", "measured", "floor", "ratio", "budget", ""];
const NUMERIC = new Set([2, 3, 4]);
const GAP = "  ";

/** One line a figure, with a rule between scenarios. `judged` is false for runs whose figures say nothing. */
export function renderTable(lines: readonly Line[], judged: boolean): string {
	const rows = lines.map((line, index) => rowOf(line, line.scenario !== lines[index - 1]?.scenario, judged));
	const widths = HEADER.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
	const write = (row: Row) =>
		row
			.map((cell, column) =>
				NUMERIC.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
			)
			.join(GAP)
			.trimEnd();
	const rule = "─".repeat(widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length));
	const body = rows.flatMap((row) => (row[0] === "" ? [write(row)] : [rule, write(row)]));
	return [write(HEADER), ...body, rule].join("\n");
}

function rowOf(line: Line, isFirst: boolean, judged: boolean): Row {
	return [
		isFirst ? line.scenario : "",
		line.label,
		formatValue(line.median, line.unit),
		line.floor === null ? "" : formatValue(line.floor, line.unit),
		line.ratio === null ? "" : line.ratio.toFixed(2),
		line.limit === null ? "" : formatLimit(line.limit, line.unit),
		verdict(line.met, judged),
	];
}

function verdict(met: boolean | null, judged: boolean): string {
	if (met === null || !judged) return "";
	return met ? "met" : "MISSED";
}

function formatLimit(limit: Limit, unit: Figure["unit"]): string {
	return "atMost" in limit ? `≤ ${limit.atMost} ${unit}` : `≥ ${limit.atLeastOfFloor} of floor`;
}

function formatValue(value: number, unit: Figure["unit"]): string {
	switch (unit) {
		case "perSecond":
		case "count":
			return Math.round(value).toLocaleString("en-US");
		case "µs":
			return `${value.toFixed(1)} µs`;
		case "ms":
			return `${value.toFixed(value < 10 ? 2 : 1)} ms`;
		case "MB":
			return `${Math.round(value)} MB`;
		case "%":
			return `${value.toFixed(2)} %`;
	}
}

/** Who used the cores: on two of them everything shares, and a harness that is busy all the time is the limit itself. */
export function renderShares(rounds: readonly Round[]): string {
	const floors = rounds.flatMap(({ floor }) => (floor === null ? [] : [floor]));
	const lines = floors.length === 0 ? [] : [sharesLine("floor", "pump", floors, ["pumpCores", "receiverCores"])];
	for (const name of Object.keys(rounds[0]?.scenarios ?? {})) {
		const runs = rounds.map(({ scenarios }): Measurements => scenarios[name] ?? {});
		if (runs.every((run) => "loadCores" in run)) {
			lines.push(sharesLine(name, "server", runs, ["serverCores", "receiverCores", "loadCores"]));
		}
	}
	return lines.join("\n");
}

function sharesLine(name: string, first: string, runs: readonly Measurements[], keys: readonly string[]): string {
	const roles = [first, "receiver", "generator"];
	const shares = keys.map((key, index) => `${roles[index]} ${median(runs.map((run) => run[key] ?? 0)).toFixed(2)}`);
	return `cores used, ${name}: ${shares.join(", ")}`;
}

export function renderMachine(machine: Machine): string {
	const { cpu, cores, memoryGb, loadAverage, node, sqlite, kernel, filesystem, syncMs, date, commit } = machine;
	return [
		`machine     ${cpu}, ${cores} cores, ${memoryGb.toFixed(1)} GiB; load average before: ${loadAverage.toFixed(2)}`,
		`software    node ${node}, SQLite ${sqlite}, ${kernel}`,
		`data on     ${filesystem}; 4 KiB written and synced in ${syncMs.toFixed(2)} ms (median)`,
		`when        ${date}, commit ${commit}`,
	].join("\n");
}
