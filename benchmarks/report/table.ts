// A run's result as text for a terminal, at most 110 columns wide.
import type { Machine } from "@fanfare/testkit/report/machine";
import { median } from "@fanfare/testkit/report/percentiles";
import { renderText, type Row } from "@fanfare/testkit/report/table";

import type { Round, RoundFloor } from "../rounds.ts";
import type { Measurements } from "../scenario.ts";
import { formatLimit, formatValue } from "./format.ts";
import type { SummaryLine } from "./summary.ts";

const HEADER: Row = ["scenario", "measurement", "measured", "floor", "ratio", "budget", ""];
const RIGHT_ALIGNED = new Set([2, 3, 4]);

/** One line per result, grouped by scenario. With `judged` false, no line says whether its budget was met. */
export function renderTable(lines: readonly SummaryLine[], judged: boolean): string {
	const rows = lines.map((line, index) => rowOf(line, line.scenario !== lines[index - 1]?.scenario, judged));
	return renderText({ header: HEADER, rows, rightAligned: RIGHT_ALIGNED }, { groups: true });
}

function rowOf(line: SummaryLine, isFirst: boolean, judged: boolean): Row {
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

/** Which process used how much of the cores. On two cores all of them compete, and a harness that is always busy is itself the limit. */
export function renderShares(rounds: readonly Round[]): string {
	const floors = rounds.flatMap(({ floor }) => (floor === null ? [] : [floor]));
	const lines = floors.length === 0 ? [] : [sharesLine("floor", "pump", floors, ["pumpCores", "receiverCores"])];
	for (const name of Object.keys(rounds[0]?.scenarios ?? {})) {
		const runs = rounds.map(({ scenarios }): Measurements => scenarios[name] ?? {});
		if (runs.every((run) => "loadCores" in run)) {
			lines.push(sharesLine(name, "server", runs, ["serverCores", "receiverCores", "loadCores"]));
		}
	}
	if (floors.length > 0) lines.push(receiverLine(floors));
	return lines.join("\n");
}

function sharesLine(name: string, first: string, runs: readonly Measurements[], keys: readonly string[]): string {
	const roles = [first, "receiver", "generator"];
	const shares = keys.map((key, index) => `${roles[index]} ${median(runs.map((run) => run[key] ?? 0)).toFixed(2)}`);
	return `cores used, ${name}: ${shares.join(", ")}`;
}

function receiverLine(floors: readonly RoundFloor[]): string {
	const limit = median(floors.map(({ receiverLimitPerS }) => receiverLimitPerS));
	const times = median(floors.map(({ receiverLimitPerS, deliveredPerS }) => receiverLimitPerS / deliveredPerS));
	return `the receiver's own limit, from bare sockets: ${formatValue(limit, "perSecond")}/s, ${times.toFixed(1)} × the floor`;
}

/** The scenarios' notes of the last round. */
export function renderNotes(rounds: readonly Round[]): string {
	return Object.entries(rounds.at(-1)?.notes ?? {})
		.flatMap(([name, notes]) => notes.map((note) => `${name}: ${note}`))
		.join("\n");
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
