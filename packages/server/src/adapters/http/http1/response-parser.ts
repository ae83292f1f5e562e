// Reads HTTP/1.1 responses to POST requests, in pieces of any size, and finds where each of them ends.
import { ChunkedBody } from "./chunked-body.ts";
import { HeadParser } from "./head-parser.ts";
import { InvalidResponse } from "./invalid-response.ts";

/** Is told of a response as it arrives. If a method returns false, the parser stops. */
export interface ResponseSink {
	/** The first byte of a response has come, of an informational one too. It may turn out not to be one. */
	onResponseStarted(): void;
	/** An informational response (1xx) has come; it is no answer to the request. */
	onInformational(): boolean;
	/** The head is complete. Names are in lower case; values of the same name are joined by `, `. */
	onHead(status: number, headers: Readonly<Record<string, string>>): void;
	/** The next part of the body. The bytes are the caller's own. */
	onBody(bytes: Buffer): boolean;
}

/** At most this much is read as text at once: a head is mostly shorter, and a body need not be text. */
const TEXT_BYTES = 2_048;

const LF = 0x0a;
const CR = 0x0d;

// The states, see below.
const GAP = 0;
const HEAD = 1;
const LENGTH = 2;
const CHUNKS = 3;
const TRAILERS = 4;
const TO_CLOSE = 5;
const COMPLETE = 6;
const STOPPED = 7;

/**
 * Reads one response after another, each after `begin`.
 *
 * ```
 *          ┌─────1xx─────┐
 * begin ─▶ GAP ─▶ HEAD ──┴─┬──▶ LENGTH ────────────────▶ COMPLETE
 *                          ├──▶ CHUNKS ──▶ TRAILERS ──────▲ ▲
 *                          ├──▶ TO_CLOSE ─────finish──────┘ │
 *                          └──▶ (no body) ────────────────────┘
 * ```
 *
 * - GAP: nothing but line breaks has come, which are read over (RFC 9112, 2.2).
 * - HEAD: in the head. An informational one is followed by another head (RFC 9110, 15.2).
 * - LENGTH: in a body whose length is known.
 * - CHUNKS, TRAILERS: in a chunked body, and in what follows its last chunk, which is checked and dropped.
 * - TO_CLOSE: in a body that ends when the receiver closes the connection.
 * - COMPLETE: the response has ended. No byte after it belongs to it.
 * - STOPPED: the sink wants no more. Entered from any other state.
 *
 * Keeps no more in memory than 16 KiB of headers. How long a body and the parts that are skipped may be is the sink's and the
 * caller's concern.
 */
export class ResponseParser {
	/** Whether the connection can carry another request, as far as the response says. Known when it is complete. */
	isKept = false;
	/** For how many seconds the receiver keeps the idle connection; null if it does not say so. */
	keepAliveS: number | null = null;
	readonly #head = new HeadParser();
	readonly #chunks = new ChunkedBody();
	#state = COMPLETE;
	/** What is still to come of a body whose length is known. */
	#left = 0;

	/** Begins to read the response to a request. */
	begin(): void {
		this.#state = GAP;
	}

	/**
	 * Reads the bytes that have come. Returns how many of them belong to the response if it is complete, otherwise -1. Throws
	 * `InvalidResponse`.
	 */
	add(bytes: Buffer, sink: ResponseSink): number {
		let at = 0;
		while (at < bytes.length && this.#state < COMPLETE) at = this.#step(bytes, at, sink);
		return this.#state === COMPLETE ? at : -1;
	}

	/** The receiver has closed the connection. Returns whether the response is complete. */
	finish(): boolean {
		if (this.#state === TO_CLOSE) this.#state = COMPLETE;
		return this.#state === COMPLETE;
	}

	#step(bytes: Buffer, at: number, sink: ResponseSink): number {
		switch (this.#state) {
			case GAP:
				return this.#skipLineBreak(bytes, at, sink);
			case HEAD:
				return this.#readHead(bytes, at, sink);
			case LENGTH:
				return this.#readLength(bytes, at, sink);
			case CHUNKS:
				return this.#readChunks(bytes, at, sink);
			case TRAILERS:
				return this.#readTrailers(bytes, at);
			default:
				if (!sink.onBody(bytes.subarray(at))) this.#state = STOPPED;
				return bytes.length;
		}
	}

	#skipLineBreak(bytes: Buffer, at: number, sink: ResponseSink): number {
		const byte = bytes[at];
		if (byte === CR || byte === LF) return at + 1;
		this.#state = HEAD;
		this.#head.begin();
		sink.onResponseStarted();
		return at;
	}

	#readHead(bytes: Buffer, at: number, sink: ResponseSink): number {
		const end = at + this.#head.add(bytes.toString("latin1", at, Math.min(at + TEXT_BYTES, bytes.length)));
		if (!this.#head.isComplete) return end;
		if (this.#head.status >= 200) this.#beginBody(sink);
		else this.#readOver(sink);
		return end;
	}

	/** After an informational response, there is another one. */
	#readOver(sink: ResponseSink): void {
		const { status, headers } = this.#head;
		if (status === 101) throw new InvalidResponse(headers["upgrade"] === undefined ? "status" : "upgrade");
		this.#state = sink.onInformational() ? GAP : STOPPED;
	}

	/** Finds out how the body ends (RFC 9112, 6.3). What is not clear is refused. */
	#beginBody(sink: ResponseSink): void {
		const { status, headers, minorVersion } = this.#head;
		const codings = headers["transfer-encoding"];
		const length = headers["content-length"];
		if (length !== undefined && (codings !== undefined || !LENGTH_TEXT.test(length))) {
			throw new InvalidResponse("length");
		}
		this.isKept = isKept(headers["connection"], minorVersion);
		this.keepAliveS = keepAliveIn(headers["keep-alive"]);
		this.#left = length === undefined ? 0 : Number(length);
		if (status === 204 || status === 304) {
			// There is no body, whatever they say. A receiver that announces one may also send it, so nothing more is read.
			if (this.#left > 0 || codings !== undefined) this.isKept = false;
			this.#state = COMPLETE;
		} else if (codings === undefined) {
			this.#state = length === undefined ? TO_CLOSE : this.#left === 0 ? COMPLETE : LENGTH;
		} else {
			this.#state = endsChunked(codings) ? CHUNKS : TO_CLOSE;
			this.#chunks.begin();
			// HTTP/1.0 has no chunks: a proxy on the way may have added the header without a change of the body.
			if (minorVersion === 0) this.isKept = false;
		}
		if (this.#state === TO_CLOSE) this.isKept = false;
		sink.onHead(status, headers);
	}

	#readLength(bytes: Buffer, at: number, sink: ResponseSink): number {
		const end = Math.min(at + this.#left, bytes.length);
		this.#left -= end - at;
		if (!sink.onBody(bytes.subarray(at, end))) this.#state = STOPPED;
		else if (this.#left === 0) this.#state = COMPLETE;
		return end;
	}

	#readChunks(bytes: Buffer, at: number, sink: ResponseSink): number {
		const end = this.#chunks.add(bytes, at, sink);
		if (end === -1) {
			this.#state = STOPPED;
			return bytes.length;
		}
		if (this.#chunks.isComplete) {
			this.#head.beginTrailers();
			this.#state = TRAILERS;
		}
		return end;
	}

	#readTrailers(bytes: Buffer, at: number): number {
		const end = at + this.#head.add(bytes.toString("latin1", at, Math.min(at + TEXT_BYTES, bytes.length)));
		if (this.#head.isComplete) this.#state = COMPLETE;
		return end;
	}
}

/** A length that is surely read alike by everybody: digits, and few enough to be exact. */
const LENGTH_TEXT = /^\d{1,15}$/;
const KEEP_ALIVE = /timeout=(\d{1,9})/;

/** Whether the connection persists (RFC 9112, 9.3). */
function isKept(connection: string | undefined, minorVersion: number): boolean {
	if (connection === undefined) return minorVersion === 1;
	// The usual value, without the work of taking a list apart.
	if (connection === "keep-alive") return true;
	const options = tokensOf(connection);
	return !options.includes("close") && (minorVersion === 1 || options.includes("keep-alive"));
}

function keepAliveIn(value: string | undefined): number | null {
	const [, seconds] = value === undefined ? [] : (KEEP_ALIVE.exec(value) ?? []);
	return seconds === undefined ? null : Number(seconds);
}

/**
 * Whether the last coding is `chunked`. If it is another one, the body ends with the connection. Throws if `chunked` is named before:
 * nobody can say what that means.
 */
function endsChunked(codings: string): boolean {
	const names = tokensOf(codings);
	const first = names.indexOf("chunked");
	if (first !== -1 && first < names.length - 1) throw new InvalidResponse("length");
	return first !== -1;
}

function tokensOf(list: string): string[] {
	return list
		.toLowerCase()
		.split(",")
		.map((token) => token.trim());
}
