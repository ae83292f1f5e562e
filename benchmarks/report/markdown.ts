// The tables of docs/performance.md: what stands between two markers of a file is replaced, all else stays.
import { readFileSync, writeFileSync } from "node:fs";

import type { Machine } from "@fanfare/testkit/report/machine";

import type { Round } from "../rounds.ts";
import { formatLimit, formatRatio, formatValue } from "./format.ts";
import type { Line } from "./summary.ts";
import { renderMachine, renderNotes, renderShares } from "./table.ts";

const SECTIONS = ["budgets", "figures", "machine"] as const;
type Section = (typeof SECTIONS)[number];

/** Throws if the file lacks a pair of markers. */
export function writeMarkdown(
	file: string,
	lines: readonly Line[],
	rounds: readonly Round[],
	machine: Machine,
	machineNote: string,
): void {
	const parts: Record<Section, string> = {
		budgets: budgetTable(lines.filter(({ limit }) => limit !== null)),
		figures: figureTable(lines.filter(({ limit }) => limit === null)),
		machine: codeBlock([renderMachine(machine), machineNote, renderShares(rounds), renderNotes(rounds)]),
	};
	let text = readFileSync(file, "utf8");
	for (const section of SECTIONS) text = replaceSection(file, text, `bench:${section}`, parts[section]);
	writeFileSync(file, text);
}

/**
 * Throws if the text lacks the pair of markers; `file` is for its sentence.
 *
 * @example replaceSection("a.md", "<!-- bench:budgets -->\nold\n<!-- /bench:budgets -->", "bench:budgets", "new")
 */
export function replaceSection(file: string, text: string, section: string, content: string): string {
	const [open, close] = [`<!-- ${section} -->`, `<!-- /${section} -->`];
	const [from, to] = [text.indexOf(open), text.indexOf(close)];
	if (from === -1 || to < from) throw new Error(`${file} must have ${open} and, below it, ${close}`);
	return `${text.slice(0, from + open.length)}\n\n${content}\n\n${text.slice(to)}`;
}

function budgetTable(lines: readonly Line[]): string {
	const rows = lines.map((line) => [
		`\`${line.scenario}\``,
		line.label,
		formatLimit(line.limit ?? { atMost: Number.NaN }, line.unit),
		formatValue(line.median, line.unit),
		line.ratio === null ? "" : formatRatio(line.ratio),
		line.met === true ? "met" : "**missed**",
	]);
	return table(["scenario", "figure", "budget", "measured", "÷ floor", ""], rows);
}

function figureTable(lines: readonly Line[]): string {
	const rows = lines.map((line) => [`\`${line.scenario}\``, line.label, formatValue(line.median, line.unit)]);
	return table(["scenario", "figure", "measured"], rows);
}

/** Padded as the formatter pads it, so that it has nothing to change. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
	const widths = header.map((name, column) => Math.max(3, name.length, ...rows.map((row) => row[column]?.length ?? 0)));
	const line = (cells: readonly string[]) =>
		`| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
	const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
	return [line(header), rule, ...rows.map(line)].join("\n");
}

function codeBlock(parts: readonly string[]): string {
	return ["```text", ...parts.filter((part) => part !== ""), "```"].join("\n");
}
