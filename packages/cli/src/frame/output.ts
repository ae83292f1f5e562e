// What a command prints: data to standard output, everything else to standard error.
import { once } from "node:events";

import { printableJson } from "../text/printable.ts";
import { onStderr } from "../text/style.ts";
import { renderFields, renderTable, type Column } from "../text/table.ts";

/** How data is printed: for people, as JSON, or as ids only. */
export type Mode = "people" | "json" | "quiet";

/** A list to print. */
export interface ListView<T> {
	readonly columns: readonly Column<T>[];
	readonly id: (row: T) => string;
	/** The most rows; Infinity for all. */
	readonly limit: number;
	/** What to say if there is nothing, such as `No webhooks.`. */
	readonly empty: string;
}

/** The rows that are laid out as one table; later ones get the same columns, laid out anew. */
const ROWS_AT_ONCE = 1_000;

/** The outputs of one command. */
export class Output {
	readonly mode: Mode;

	constructor(mode: Mode) {
		this.mode = mode;
	}

	/** Prints one object: its id, its JSON, or the fields that `view` shows. */
	async object(
		object: object,
		id: string,
		view: () => readonly (readonly [name: string, value: string | null])[],
	): Promise<void> {
		if (this.mode === "json") await this.data(printableJson(object));
		else if (this.mode === "quiet") await this.data(id);
		else await this.data(renderFields(view(), terminalWidth()).join("\n"));
	}

	/** Prints a list: a table, one JSON object a line, or one id a line. */
	async list<T extends object>(rows: AsyncIterable<T> | Iterable<T>, view: ListView<T>): Promise<void> {
		let waiting: T[] = [];
		let count = 0;
		let hasMore = false;
		const flush = async () => {
			if (waiting.length > 0) await this.data(renderTable(view.columns, waiting, terminalWidth()).join("\n"));
			waiting = [];
		};
		for await (const row of rows) {
			if (count === view.limit) {
				hasMore = true;
				break;
			}
			count++;
			if (this.mode === "json") await this.data(printableJson(row));
			else if (this.mode === "quiet") await this.data(view.id(row));
			else if (waiting.push(row) === ROWS_AT_ONCE) await flush();
		}
		await flush();
		if (count === 0) this.note(view.empty);
		if (hasMore) this.note(`These are the first ${count}; there are more: --limit <count>, or --all.`);
	}

	/** Writes data to standard output, with a line feed, and waits while its reader is slow. */
	async data(text: string): Promise<void> {
		await this.raw(`${text}\n`);
	}

	/** The same for text or bytes, as they are. */
	async raw(piece: string | Uint8Array): Promise<void> {
		if (!process.stdout.write(piece)) await once(process.stdout, "drain");
	}

	/** Says something that is not data, to people. */
	note(text: string): void {
		if (this.mode !== "people") return;
		process.stderr.write(`${text}\n`);
	}

	/** Says that something has been done. */
	done(text: string): void {
		this.note(`${onStderr("green", "✓")} ${text}`);
	}

	/** Says what people must know, in every mode. */
	warn(text: string): void {
		process.stderr.write(`${onStderr("yellow", "!")} ${text}\n`);
	}
}

/** The width of the terminal that standard output is; Infinity if it is not a terminal. */
function terminalWidth(): number {
	return process.stdout.isTTY ? Math.max(20, process.stdout.columns || 80) : Infinity;
}
