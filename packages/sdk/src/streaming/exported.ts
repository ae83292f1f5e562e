// Exports as they arrive: the rows of NDJSON, or the text of CSV.
import { UnexpectedResponseError } from "../errors.ts";
import { throwIfAborted } from "../platform.ts";
import type { ApiRequest, RequestOptions, Transport } from "../transport.ts";

/** An export that sends nothing for so long is lost. The server may look at millions of rows between two that match. */
const SILENCE_MS = 90_000;
const CONTENT_TYPES = { ndjson: "application/x-ndjson", csv: "text/csv" } as const;

/** What to export: the path of the call, and its filters. */
interface Exported {
	readonly path: string;
	readonly query: NonNullable<ApiRequest["query"]>;
	readonly options: RequestOptions;
}

/** The rows of an export. Each iteration makes a request, and ends it when the loop is left. `read` converts what was sent to a row. */
export function exportedRows<Row>(
	transport: Transport,
	exported: Exported,
	read: (sent: unknown) => Row = (sent) => sent as Row,
): AsyncIterable<Row> {
	return { [Symbol.asyncIterator]: () => rowsIn(piecesOf(transport, exported, "ndjson"), exported.path, read) };
}

/** The text of an export as CSV, in pieces. The same holds for its request. */
export function exportedCsv(transport: Transport, exported: Exported): AsyncIterable<string> {
	return { [Symbol.asyncIterator]: () => piecesOf(transport, exported, "csv") };
}

async function* piecesOf(
	transport: Transport,
	{ path, query, options }: Exported,
	format: keyof typeof CONTENT_TYPES,
): AsyncGenerator<string, void, undefined> {
	const request = { method: "GET", path, query: { ...query, format } } as const;
	const answer = await transport.openWithRetries(request, CONTENT_TYPES[format], options);
	try {
		yield* answer.pieces(SILENCE_MS);
	} finally {
		answer.close();
	}
	// An aborted request can look like an end.
	throwIfAborted(options.signal);
}

async function* rowsIn<Row>(
	pieces: AsyncIterable<string>,
	path: string,
	read: (sent: unknown) => Row,
): AsyncGenerator<Row, void, undefined> {
	let rest = "";
	for await (const piece of pieces) {
		const lines = (rest + piece).split("\n");
		rest = lines.pop() ?? "";
		for (const line of lines) yield read(rowIn(line, path));
	}
	if (rest !== "") yield read(rowIn(rest, path));
}

function rowIn(line: string, path: string): unknown {
	try {
		return JSON.parse(line) as unknown;
	} catch {
		const message = `GET ${path} was answered with a line that is not JSON. Check whether a proxy in between changes it.`;
		throw new UnexpectedResponseError(message, { status: 200, requestId: null });
	}
}
