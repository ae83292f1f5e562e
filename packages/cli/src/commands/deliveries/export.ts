// `fanfare deliveries export`: all deliveries that match, in one go, as JSON lines or as a table for spreadsheets.

import type { Command } from "commander";

import type { Call } from "../../frame/call.ts";
import { choice, leaf, option } from "../../frame/command.ts";
import { usageError } from "../../frame/failure.ts";
import { filterOf, filterOptions, type FilterOptions } from "./filter.ts";
import { writeNewFile } from "./new-file.ts";

interface Options extends FilterOptions {
	readonly format?: "jsonl" | "csv";
	readonly output?: string;
}

/** Adds the command to the group. */
export function addExport(group: Command): void {
	leaf<Options>(
		group,
		{
			usage: "export",
			summary: "Write all deliveries that match, however many, newest first.",
			description:
				"They are read from one streaming response. If it is cut off, the exit code is 5. The file gets its name when it is complete, so that no part is taken for the whole.",
			options: [
				...filterOptions(),
				choice("--format <format>", "jsonl: one JSON object a line; csv: for spreadsheets. Default: jsonl.", [
					"jsonl",
					"csv",
				]),
				option("-o, --output <file>", "Write a new file. Default: standard output."),
			],
			examples: ["fanfare deliveries export --status Failed --after 7d --format csv --output failed.csv"],
		},
		run,
	);
}

async function run(call: Call<Options>): Promise<void> {
	const { format = "jsonl", output: file } = call.options;
	if (format === "csv" && call.output.mode !== "people") {
		throw usageError("Pass --format csv alone: --json and --quiet print something else.");
	}
	const project = await call.project();
	const filter = await filterOf(call, project);
	const pieces =
		format === "csv" ? project.deliveries.exportCsv(filter) : linesOf(call, project.deliveries.export(filter));
	if (file !== undefined) return writeNewFile(file, pieces);
	for await (const piece of pieces) await call.output.raw(piece);
}

async function* linesOf(call: Call<Options>, rows: AsyncIterable<{ readonly id: string }>): AsyncGenerator<string> {
	for await (const row of rows) yield `${call.output.mode === "quiet" ? row.id : JSON.stringify(row)}\n`;
}
