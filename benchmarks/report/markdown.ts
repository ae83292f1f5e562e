// Writes the tables of docs/performance.md. Only the text between its markers is replaced.
import { readFileSync, writeFileSync } from "node:fs";

import type { Machine } from "@fanfare/testkit/report/machine";
import { replaceSection } from "@fanfare/testkit/report/marked-section";
import { renderMarkdown } from "@fanfare/testkit/report/table";

import type { Round } from "../rounds.ts";
import { formatLimit, formatRatio, formatValue } from "./format.ts";
import type { SummaryLine } from "./summary.ts";
import { renderMachine, renderNotes, renderShares } from "./table.ts";

const SECTIONS = ["budgets", "results", "machine"] as const;
type Section = (typeof SECTIONS)[number];

/** Throws if the file lacks a pair of markers. */
export function writeMarkdown(
	file: string,
	lines: readonly SummaryLine[],
	rounds: readonly Round[],
	machine: Machine,
	machineNote: string,
): void {
	const parts: Record<Section, string> = {
		budgets: budgetTable(lines.filter(({ limit }) => limit !== null)),
		results: unlimitedTable(lines.filter(({ limit }) => limit === null)),
		machine: codeBlock([renderMachine(machine), machineNote, renderShares(rounds), renderNotes(rounds)]),
	};
	let text = readFileSync(file, "utf8");
	for (const section of SECTIONS) text = replaceSection(file, text, `bench:${section}`, parts[section]);
	writeFileSync(file, text);
}

function budgetTable(lines: readonly SummaryLine[]): string {
	const rows = lines.map((line) => [
		`\`${line.scenario}\``,
		line.label,
		formatLimit(line.limit ?? { atMost: Number.NaN }, line.unit),
		formatValue(line.median, line.unit),
		line.ratio === null ? "" : formatRatio(line.ratio),
		line.met === null ? "not measured" : line.met ? "met" : "**missed**",
	]);
	return renderMarkdown({ header: ["scenario", "measurement", "budget", "measured", "÷ floor", ""], rows });
}

/** The measurements without a limit. */
function unlimitedTable(lines: readonly SummaryLine[]): string {
	const rows = lines.map((line) => [`\`${line.scenario}\``, line.label, formatValue(line.median, line.unit)]);
	return renderMarkdown({ header: ["scenario", "measurement", "measured"], rows });
}

function codeBlock(parts: readonly string[]): string {
	return ["```text", ...parts.filter((part) => part !== ""), "```"].join("\n");
}
