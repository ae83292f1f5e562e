// Exports: whole lists as files, streamed page by page, as fast as the client reads.
import type { Page, PageRequest } from "../../../core/page.ts";
import type { AppDeps } from "../../deps.ts";
import { authenticate, authorize, type AuthDeps } from "../../request/auth.ts";
import type { Access, Call, Reply } from "../../request/route.ts";
import { csvLine, type Cell } from "./csv.ts";
import type { ExportPlace } from "./export-places.ts";

/** Rows that are read at once, unless a list says otherwise. All that an export holds in memory is such a page. */
export const ROWS_AT_ONCE = 500;

export const EXPORT_FORMATS = ["ndjson", "csv"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
export const EXPORT_CONTENT_TYPES: Readonly<Record<ExportFormat, string>> = {
	ndjson: "application/x-ndjson",
	csv: "text/csv",
};

/** The columns of a CSV file, in their order. */
export type Columns<Row> = Readonly<Record<string, (row: Row) => Cell>>;

/** A list that can be exported. */
export interface ExportedList<Row extends { readonly id: string }> {
	/** The name of the file, without its extension. */
	readonly name: string;
	readonly columns: Columns<Row>;
	/** The rows that are read at once, if they can be so large that `ROWS_AT_ONCE` of them take too much memory. */
	readonly rowsAtOnce?: number;
	/** Reads a page of rows, as the list of the API shows them. */
	readonly read: (request: PageRequest) => Promise<Page<Row>>;
}

/** What an export needs of its call. */
export type ExportCall = Pick<Call, "connection" | "params"> & {
	readonly deps: AuthDeps & Pick<AppDeps, "exportPlaces">;
	/** Null for an export of the workspace. */
	readonly scope: Parameters<AppDeps["exportPlaces"]["take"]>[0];
};

/**
 * Exports a list, in its order. The first page is read before the response begins, so that a refusal has its status. A later failure
 * cuts the response off, so that nobody takes a part for the whole.
 *
 * `access` is checked again before each page: an export ends when its caller's key or session does.
 */
export async function exportReply<Row extends { readonly id: string }>(
	call: ExportCall,
	access: Access,
	format: ExportFormat,
	list: ExportedList<Row>,
): Promise<Reply> {
	const run = new ExportRun(call, access, { rowsAtOnce: ROWS_AT_ONCE, ...list, ...linesOf(format, list.columns) });
	await run.readFirst();
	return {
		status: 200,
		body: run.stream(),
		contentType: `${EXPORT_CONTENT_TYPES[format]}; charset=utf-8`,
		headers: {
			"content-disposition": `attachment; filename="${list.name}.${format}"`,
			// Otherwise proxies such as nginx buffer the response.
			"x-accel-buffering": "no",
		},
	};
}

interface Lines<Row> {
	readonly head: string;
	readonly line: (row: Row) => string;
}

function linesOf<Row>(format: ExportFormat, columns: Columns<Row>): Lines<Row> {
	if (format === "ndjson") return { head: "", line: (row) => `${JSON.stringify(row)}\n` };
	const cells = Object.values(columns);
	return { head: csvLine(Object.keys(columns)), line: (row) => csvLine(cells.map((cell) => cell(row))) };
}

type RunList<Row extends { readonly id: string }> = Lines<Row> &
	Required<Pick<ExportedList<Row>, "read" | "rowsAtOnce">>;

/**
 * One export. States: reading ⇄ waiting for its client ──last page is read, client has gone, failure, place given up──▶ ended.
 * It holds its place until it has ended, and reads nothing afterwards.
 */
class ExportRun<Row extends { readonly id: string }> {
	readonly #call: ExportCall;
	readonly #access: Access;
	readonly #list: RunList<Row>;
	readonly #place: ExportPlace;
	readonly #encoder = new TextEncoder();
	/** Where the next page begins; null for the first one. */
	#cursor: PageRequest["cursor"] = null;
	/** What is to be sent next. */
	#text: string;
	#hasMore = true;
	#isEnded = false;
	#controller: ReadableStreamDefaultController<Uint8Array> | null = null;

	constructor(call: ExportCall, access: Access, list: RunList<Row>) {
		this.#call = call;
		this.#access = access;
		this.#list = list;
		this.#text = list.head;
		this.#place = call.deps.exportPlaces.take(call.scope, () => {
			this.#fail(new Error("the export has given up its place, since its client read nothing"));
		});
	}

	/** Reads the first page. Throws what the store throws. */
	async readFirst(): Promise<void> {
		try {
			await this.#readPage();
		} catch (error) {
			this.#end();
			throw error;
		}
		this.#place.waits(true);
	}

	/** The response. It reads only when the client has read everything before. */
	stream(): ReadableStream<Uint8Array> {
		return new ReadableStream<Uint8Array>(
			{
				start: (controller) => {
					this.#controller = controller;
				},
				pull: () => this.#pull(),
				cancel: () => this.#end(),
			},
			{ highWaterMark: 0 },
		);
	}

	async #pull(): Promise<void> {
		this.#place.waits(false);
		try {
			while (this.#text === "" && this.#hasMore && !this.#isEnded) {
				this.#checkAccess();
				await this.#readPage();
			}
		} catch (error) {
			return this.#fail(error);
		}
		if (this.#isEnded) return;
		const text = this.#text;
		this.#text = "";
		if (text !== "") this.#controller?.enqueue(this.#encoder.encode(text));
		this.#place.waits(true);
		if (this.#hasMore) return;
		this.#end();
		this.#controller?.close();
	}

	/** Reads a page, which can be without rows if few match. */
	async #readPage(): Promise<void> {
		const { rowsAtOnce, read, line } = this.#list;
		const request = { limit: rowsAtOnce, cursor: this.#cursor };
		const { rows, hasOlder, stoppedAt } = await this.#place.read(() => read(request));
		const last = stoppedAt ?? rows.at(-1)?.id;
		this.#hasMore = hasOlder && last !== undefined;
		if (last !== undefined) this.#cursor = { direction: "older", id: last };
		this.#text += rows.map(line).join("");
	}

	#checkAccess(): void {
		if (this.#access === null) return;
		const { deps, connection, params } = this.#call;
		const principal = authenticate(deps, connection.header);
		const { projectId } = params as { readonly projectId?: string };
		authorize(deps.engine, principal, this.#access, projectId);
	}

	/** Cuts the response off. */
	#fail(error: unknown): void {
		if (this.#isEnded) return;
		this.#end();
		// Where there is a socket, its end cancels the stream. An error of the stream would be written into the response.
		if (!this.#call.connection.abandon()) this.#controller?.error(error);
	}

	#end(): void {
		this.#isEnded = true;
		this.#place.release();
	}
}
