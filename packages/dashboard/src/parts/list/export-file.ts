// All rows of a list that match as a file: a table for spreadsheets, or each as a line of JSON.
import type { RequestOptions } from "@fanfare/sdk";

export type ExportForm = "csv" | "jsonl";

/** Excel reads a table without it in the code page of the computer, and not as UTF-8. */
const BYTE_ORDER_MARK = "\uFEFF";
const LINES_A_PART = 1_000;
const TYPES = { csv: "text/csv;charset=utf-8", jsonl: "application/x-ndjson" } as const satisfies Record<
	ExportForm,
	string
>;

/** The calls of the SDK that export a list. */
export interface Exporter<Filter> {
	export(filter: Filter, options: RequestOptions): AsyncIterable<object>;
	exportCsv(filter: Filter, options: RequestOptions): AsyncIterable<string>;
}

interface ExportOptions {
	readonly signal: AbortSignal;
	/** Called with the number of rows that the file has so far. */
	readonly onProgress: (written: number) => void;
}

/** Reads all rows that match, in the order of the list. The browser keeps the parts of the file, so that a large one takes little memory here. */
export async function exportToFile<Filter>(
	exporter: Exporter<Filter>,
	filter: Filter,
	form: ExportForm,
	{ signal, onProgress }: ExportOptions,
): Promise<{ readonly file: Blob; readonly count: number }> {
	const options = { signal };
	const written = form === "csv" ? table(exporter, filter, options) : lines(exporter, filter, options);
	const parts = form === "csv" ? [new Blob([BYTE_ORDER_MARK])] : [];
	let count = 0;
	for await (const { text, rows } of written) {
		parts.push(new Blob([text]));
		count += rows;
		onProgress(count);
	}
	return { file: new Blob(parts, { type: TYPES[form] }), count };
}

interface Part {
	readonly text: string;
	/** How many rows end in it. */
	readonly rows: number;
}

/** As the server writes it, which lets no cell become a formula. */
async function* table<Filter>(
	exporter: Exporter<Filter>,
	filter: Filter,
	options: RequestOptions,
): AsyncGenerator<Part> {
	const ends = new LineEnds();
	// The first line has the names of the columns.
	let names = 1;
	for await (const text of exporter.exportCsv(filter, options)) {
		const count = ends.in(text);
		yield { text, rows: Math.max(0, count - names) };
		names = Math.max(0, names - count);
	}
}

async function* lines<Filter>(
	exporter: Exporter<Filter>,
	filter: Filter,
	options: RequestOptions,
): AsyncGenerator<Part> {
	let part: string[] = [];
	for await (const row of exporter.export(filter, options)) {
		part.push(`${JSON.stringify(row)}\n`);
		if (part.length < LINES_A_PART) continue;
		yield { text: part.join(""), rows: part.length };
		part = [];
	}
	yield { text: part.join(""), rows: part.length };
}

/** Counts the ends of lines of a table that comes in pieces. Those inside of quotes belong to a cell. */
export class LineEnds {
	#isQuoted = false;

	/** How many are in the next piece. */
	in(piece: string): number {
		let count = 0;
		for (const character of piece) {
			if (character === '"') this.#isQuoted = !this.#isQuoted;
			else if (character === "\n" && !this.#isQuoted) count++;
		}
		return count;
	}
}
