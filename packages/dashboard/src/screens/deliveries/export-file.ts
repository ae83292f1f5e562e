// All deliveries of a search as a file: a table for spreadsheets, or each as a line of JSON.
import type { DeliveryFilter, ProjectHandle, RequestOptions } from "@fanfare/sdk";

export type ExportForm = "csv" | "jsonl";

const LINES_A_PART = 1_000;
const TYPES = { csv: "text/csv;charset=utf-8", jsonl: "application/x-ndjson" } as const satisfies Record<
	ExportForm,
	string
>;

interface ExportOptions {
	readonly signal: AbortSignal;
	/** Called with the number of deliveries that the file has so far. */
	readonly onProgress: (written: number) => void;
}

/** Reads all deliveries that match, newest first. The browser keeps the parts of the file, so that a large one takes little memory here. */
export async function exportDeliveries(
	project: ProjectHandle,
	filter: DeliveryFilter,
	form: ExportForm,
	{ signal, onProgress }: ExportOptions,
): Promise<{ readonly file: Blob; readonly count: number }> {
	const options = { signal };
	const written = form === "csv" ? table(project, filter, options) : lines(project, filter, options);
	const parts: Blob[] = [];
	let count = 0;
	for await (const { text, deliveries } of written) {
		parts.push(new Blob([text]));
		count += deliveries;
		onProgress(count);
	}
	return { file: new Blob(parts, { type: TYPES[form] }), count };
}

interface Part {
	readonly text: string;
	/** How many deliveries end in it. */
	readonly deliveries: number;
}

/** As the server writes it, which lets no cell become a formula. */
async function* table(project: ProjectHandle, filter: DeliveryFilter, options: RequestOptions): AsyncGenerator<Part> {
	const ends = new LineEnds();
	// The first line has the names of the columns.
	let names = 1;
	for await (const text of project.deliveries.exportCsv(filter, options)) {
		const count = ends.in(text);
		yield { text, deliveries: Math.max(0, count - names) };
		names = Math.max(0, names - count);
	}
}

async function* lines(project: ProjectHandle, filter: DeliveryFilter, options: RequestOptions): AsyncGenerator<Part> {
	let part: string[] = [];
	for await (const delivery of project.deliveries.export(filter, options)) {
		part.push(`${JSON.stringify(delivery)}\n`);
		if (part.length < LINES_A_PART) continue;
		yield { text: part.join(""), deliveries: part.length };
		part = [];
	}
	yield { text: part.join(""), deliveries: part.length };
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
