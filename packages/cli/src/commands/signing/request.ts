// A request that was received, as `fanfare verify` reads it: from one file as it was on the wire, or headers and body from two.
import { usageError } from "../../frame/failure.ts";
import { readBytes } from "../../frame/values.ts";

/** What a signature is about. */
export interface ReceivedRequest {
	/** By their names in lower case; of a name that came several times, all values in order. */
	readonly headers: ReadonlyMap<string, readonly string[]>;
	readonly body: Buffer;
}

const MAX_BYTES = 16 * 1_024 * 1_024;
const HEADER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/;
const FORM = "`Name: value` in each line, an empty line, and then the body as it was received";

/** Reads the request from a file, or from standard input if it is `-`; or the headers and the body from a file each. */
export async function readRequest(file: string, bodyFile: string | undefined): Promise<ReceivedRequest> {
	const bytes = await readBytes("The request", file, MAX_BYTES);
	if (bodyFile !== undefined) {
		return { headers: parseHeaders(bytes.toString("latin1")), body: await readBytes("--body", bodyFile, MAX_BYTES) };
	}
	const end = endOfHead(bytes);
	if (end === null)
		throw usageError(`The request must have ${FORM}; it has no empty line. Or pass the body with --body <file>.`);
	return { headers: parseHeaders(bytes.toString("latin1", 0, end.head)), body: bytes.subarray(end.body) };
}

/** Where the head ends, and where the body begins. */
function endOfHead(bytes: Buffer): { readonly head: number; readonly body: number } | null {
	const found = [
		{ head: bytes.indexOf("\r\n\r\n"), length: 4 },
		{ head: bytes.indexOf("\n\n"), length: 2 },
	].filter(({ head }) => head !== -1);
	const first = found.toSorted((a, b) => a.head - b.head)[0];
	return first === undefined ? null : { head: first.head, body: first.head + first.length };
}

/** Reads headers; a request line before them is skipped. */
function parseHeaders(text: string): ReadonlyMap<string, readonly string[]> {
	const headers = new Map<string, string[]>();
	for (const [index, line] of text.split(/\r?\n/).entries()) {
		if (line.trim() === "" || (index === 0 && /^[A-Z]+ \S+ HTTP\/\d/.test(line))) continue;
		const [, name, value = ""] = HEADER.exec(line) ?? [];
		if (name === undefined) throw usageError(`The request must have ${FORM}; line ${index + 1} is no header.`);
		const known = headers.get(name.toLowerCase());
		if (known === undefined) headers.set(name.toLowerCase(), [value]);
		else known.push(value);
	}
	return headers;
}
