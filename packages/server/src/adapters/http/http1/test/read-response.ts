// Reads the bytes of a connection with the parser, in pieces, and notes all that it says.
import { InvalidResponse, type Fault } from "../invalid-response.ts";
import { ResponseParser, type ResponseSink } from "../response-parser.ts";

/** What the parser has said of one response. */
export interface ReadResponse {
	/** How often a response has begun, and how many of them were informational. */
	started: number;
	informational: number;
	/** 0 if no head was complete. */
	status: number;
	headers: Readonly<Record<string, string>>;
	body: Buffer;
	/** `open` if the response has not ended. */
	end: "complete" | "open" | Fault;
	/** How many bytes belong to it, if it is complete. */
	length: number;
	isKept: boolean;
	keepAliveS: number | null;
}

/** `isClosed` says that the connection is closed after the last piece. */
export function readResponse(pieces: readonly Buffer[], isClosed = false): ReadResponse {
	const parser = new ResponseParser();
	const parts: Buffer[] = [];
	const read: ReadResponse = {
		started: 0,
		informational: 0,
		status: 0,
		headers: {},
		body: Buffer.alloc(0),
		end: "open",
		length: 0,
		isKept: false,
		keepAliveS: null,
	};
	const sink: ResponseSink = {
		onResponseStarted: () => void (read.started += 1),
		onInformational: () => (read.informational += 1) > 0,
		onHead: (status, headers) => Object.assign(read, { status, headers }),
		onBody: (bytes) => parts.push(bytes) > 0,
	};
	parser.begin();
	try {
		for (const piece of pieces) {
			const end = parser.add(piece, sink);
			read.length += end === -1 ? piece.length : end;
			if (end === -1) continue;
			read.end = "complete";
			break;
		}
		if (isClosed && parser.finish()) read.end = "complete";
	} catch (error) {
		if (!(error instanceof InvalidResponse)) throw error;
		read.end = error.fault;
		read.length = 0;
	}
	read.body = Buffer.concat(parts);
	if (read.end === "complete") Object.assign(read, { isKept: parser.isKept, keepAliveS: parser.keepAliveS });
	return read;
}

/** The pieces of some bytes, cut at these places. */
export function piecesOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
	const places = [0, ...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length];
	return places.slice(1).map((end, n) => bytes.subarray(places[n], end));
}
