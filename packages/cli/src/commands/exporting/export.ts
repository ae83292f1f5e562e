// `fanfare … export`: all rows of a list that match, in one go, as JSON lines or as a table for spreadsheets.
import type { Command, Option } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { usageError } from "../../frame/failure.ts";
import { wordOf } from "../../frame/values.ts";
import { printableJson } from "../../text/printable.ts";
import { writeNewFile } from "./new-file.ts";

const FORMATS = ["ndjson", "csv"] as const;
type Format = (typeof FORMATS)[number];

/** The word jsonl means the same as ndjson, as in the API. */
const parseFormat = Object.assign((text: string) => wordOf(text === "jsonl" ? "ndjson" : text, FORMATS), {
	values: FORMATS,
});

interface ExportOptions extends CommonOptions {
	readonly format?: Format;
	readonly output?: string;
}

/** The calls of the SDK that export a list. */
interface Exporter<Filter> {
	export(filter: Filter): AsyncIterable<{ readonly id: string }>;
	exportCsv(filter: Filter): AsyncIterable<string>;
}

/** A list that can be exported. */
interface ExportedList<Options, Filter> {
	/** What it has, such as "deliveries". */
	readonly nouns: string;
	/** Their order. Defaults to "newest first". */
	readonly order?: string;
	/** What else the help should say. */
	readonly remarks?: string;
	/** The options of the filter, those of the list. */
	readonly options: readonly Option[];
	/** The filter that they say. */
	readonly filterOf: (call: Call<Options & CommonOptions>) => Filter | Promise<Filter>;
	readonly exporterOf: (call: Call<Options & CommonOptions>) => Exporter<Filter> | Promise<Exporter<Filter>>;
	/** An example, up to the name of the file. */
	readonly example: string;
}

/** Adds the command to the group of the list. */
export function addExport<Options, Filter>(
	group: Command,
	{ nouns, order = "newest first", remarks, options, filterOf, exporterOf, example }: ExportedList<Options, Filter>,
): void {
	const description =
		"They are read from one streaming response. If it is cut off, the exit code is 5. The file gets its name when it is complete, so that no part is taken for the whole.";
	leaf<Options & ExportOptions>(
		group,
		{
			usage: "export",
			summary: `Write all ${nouns} that match, however many, ${order}.`,
			description: remarks === undefined ? description : `${remarks} ${description}`,
			options: [
				...options,
				option(
					"--format <format>",
					"ndjson: one JSON object a line; csv: for spreadsheets. Default: ndjson.",
					parseFormat,
				),
				option("-o, --output <file>", "Write a new file. Default: standard output."),
			],
			examples: [example],
		},
		async (call) => {
			const { format = "ndjson", output: file } = call.options;
			if (format === "csv" && call.output.mode !== "people") {
				throw usageError("Pass --format csv alone: --json and --quiet print something else.");
			}
			const [filter, exporter] = [await filterOf(call), await exporterOf(call)];
			const pieces = format === "csv" ? exporter.exportCsv(filter) : linesOf(call, exporter.export(filter));
			if (file !== undefined) return writeNewFile(file, pieces);
			for await (const piece of pieces) await call.output.raw(piece);
		},
	);
}

async function* linesOf(
	{ output }: Pick<Call, "output">,
	rows: AsyncIterable<{ readonly id: string }>,
): AsyncGenerator<string> {
	for await (const row of rows) yield `${output.mode === "quiet" ? row.id : printableJson(row)}\n`;
}
