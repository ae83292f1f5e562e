// Reads the head of a response, or its trailers: a status line and headers, in pieces of any size.
import { InvalidResponse } from "./invalid-response.ts";

/** Names and values of a head together, and of trailers. */
const MAX_HEADER_BYTES = 16_384;
/** Headers of a head, and of trailers. */
const MAX_HEADERS = 500;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const ZERO = 0x30;
const NINE = 0x39;
const DELETE = 0x7f;

/** How each status line begins. The last digit of the version and the status follow. */
const PREFIX = "HTTP/1.";
/** Where the parts of a status line are: `HTTP/1.1 200`. */
const VERSION_AT = PREFIX.length;
const SPACE_AT = VERSION_AT + 1;
const STATUS_AT = SPACE_AT + 1;
const STATUS_END = STATUS_AT + 3;

/** What a character is in a header's name. */
const NOT_IN_NAME = 0;
const IN_NAME = 1;
const UPPER_CASE = 2;
const NAME_CHARACTERS = new Uint8Array(256);
for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
	NAME_CHARACTERS[character.charCodeAt(0)] = IN_NAME;
}
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZ") NAME_CHARACTERS[character.charCodeAt(0)] = UPPER_CASE;

// The states of the parser, see below.
const STATUS_LINE = 0;
const REASON = 1;
const LINE = 2;
const NAME = 3;
const BEFORE_VALUE = 4;
const VALUE = 5;
const LINE_LF = 6;
const LAST_LF = 7;
const COMPLETE = 8;

/**
 * Reads one head after another, each after `begin`. Text is Latin-1, as HTTP has it: one character is one byte.
 *
 * ```
 * STATUS_LINE ─▶ REASON ─▶ LINE_LF ─▶ LINE ─▶ NAME ─▶ BEFORE_VALUE ─▶ VALUE ─▶ LINE_LF …
 *      └─────────────────────▲          └──▶ LAST_LF ─▶ COMPLETE
 * ```
 *
 * - STATUS_LINE: in `HTTP/1.1 200`. A head begins here.
 * - REASON: in the words after it, which are not kept.
 * - LINE: at the beginning of a line: a header, or the end. Trailers begin here.
 * - NAME: in the name of a header.
 * - BEFORE_VALUE: after the colon, in white space, which does not count.
 * - VALUE: in the value.
 * - LINE_LF, LAST_LF: the CR of the line, or of the empty line at the end, has come.
 * - COMPLETE: entered after the empty line.
 *
 * It throws `InvalidResponse` for everything that recipients could read in different ways: a bare CR or LF, a NUL or another control
 * character, a continued line, white space before a colon, a line without a colon or without a name.
 */
export class HeadParser {
	/** 0 until it is known. */
	status = 0;
	/** The last digit of the version, 0 or 1. */
	minorVersion = 1;
	/** By lower-case names; values of the same name are joined by `, `. */
	headers: Record<string, string> = {};
	#state = COMPLETE;
	/** The characters of the status line that have come. */
	#position = 0;
	/** What has come of a name or a value that goes on in the next text. */
	#part = "";
	#name = "";
	/** Whether the name has a letter in upper case. */
	#isMixedCase = false;
	#size = 0;
	#count = 0;

	get isComplete(): boolean {
		return this.#state === COMPLETE;
	}

	/** Begins to read the head of a response. */
	begin(): void {
		this.status = 0;
		this.#position = 0;
		this.#beginHeaders(STATUS_LINE);
	}

	/** Begins to read trailers. */
	beginTrailers(): void {
		this.#beginHeaders(LINE);
	}

	#beginHeaders(state: number): void {
		this.headers = {};
		this.#state = state;
		this.#part = "";
		this.#size = 0;
		this.#count = 0;
	}

	/** Reads `text`, and returns where it has stopped: after the head, or at the end of the text. */
	add(text: string): number {
		let at = 0;
		while (at < text.length && this.#state !== COMPLETE) at = this.#step(text, at);
		return at;
	}

	#step(text: string, at: number): number {
		switch (this.#state) {
			case STATUS_LINE:
				return this.#readStatusLine(text, at);
			case REASON:
				return this.#skipReason(text, at);
			case LINE:
				return this.#beginLine(text, at);
			case NAME:
				return this.#readName(text, at);
			case BEFORE_VALUE:
				return this.#skipWhiteSpace(text, at);
			case VALUE:
				return this.#readValue(text, at);
			default:
				return this.#endLine(text, at);
		}
	}

	#readStatusLine(text: string, from: number): number {
		let at = from;
		for (; at < text.length && this.#position < STATUS_END; at += 1) {
			this.#readStatusCharacter(text.charCodeAt(at));
			this.#position += 1;
		}
		if (at === text.length) return at;
		if (this.status < 100) throw new InvalidResponse("status");
		const code = text.charCodeAt(at);
		if (code === CR) this.#state = LINE_LF;
		else if (code === SPACE) this.#state = REASON;
		else throw new InvalidResponse("not_http");
		return at + 1;
	}

	#readStatusCharacter(code: number): void {
		const position = this.#position;
		const isDigit = code >= ZERO && code <= NINE;
		if (position < VERSION_AT) {
			if (code !== PREFIX.charCodeAt(position)) throw new InvalidResponse("not_http");
		} else if (position === VERSION_AT) {
			this.minorVersion = code - ZERO;
			if (this.minorVersion !== 0 && this.minorVersion !== 1) throw new InvalidResponse("not_http");
		} else if (position === SPACE_AT) {
			if (code !== SPACE) throw new InvalidResponse("not_http");
		} else if (isDigit) {
			this.status = this.status * 10 + code - ZERO;
		} else {
			throw new InvalidResponse("not_http");
		}
	}

	#skipReason(text: string, from: number): number {
		const at = endOfText(text, from);
		if (at < text.length) this.#state = LINE_LF;
		return at + 1;
	}

	#beginLine(text: string, at: number): number {
		const code = text.charCodeAt(at);
		if (code === CR) {
			this.#state = LAST_LF;
			return at + 1;
		}
		// White space would continue the line before, a colon would follow a name of no characters.
		if (this.#count === MAX_HEADERS) throw new InvalidResponse("too_many");
		this.#count += 1;
		this.#isMixedCase = false;
		if (kindIn(code) === NOT_IN_NAME) throw new InvalidResponse("header");
		this.#state = NAME;
		return at;
	}

	#readName(text: string, from: number): number {
		for (let at = from; at < text.length; at += 1) {
			const code = text.charCodeAt(at);
			const kind = kindIn(code);
			if (kind === IN_NAME) continue;
			if (kind === UPPER_CASE) {
				this.#isMixedCase = true;
			} else if (code === COLON) {
				const name = this.#take(text, from, at);
				this.#name = this.#isMixedCase ? name.toLowerCase() : name;
				this.#state = BEFORE_VALUE;
				return at + 1;
			} else {
				throw new InvalidResponse("header");
			}
		}
		return this.#keep(text, from);
	}

	#skipWhiteSpace(text: string, from: number): number {
		let at = from;
		while (at < text.length && isWhiteSpace(text.charCodeAt(at))) at += 1;
		if (at < text.length) this.#state = VALUE;
		return at;
	}

	#readValue(text: string, from: number): number {
		const at = endOfText(text, from);
		if (at === text.length) return this.#keep(text, from);
		this.#addHeader(this.#name, withoutTrailingWhiteSpace(this.#take(text, from, at)));
		this.#state = LINE_LF;
		return at + 1;
	}

	/** A header named `__proto__` is not kept: a string is no prototype, so the assignment does nothing. */
	#addHeader(name: string, value: string): void {
		const earlier: unknown = this.headers[name];
		this.headers[name] = typeof earlier === "string" ? `${earlier}, ${value}` : value;
	}

	#endLine(text: string, at: number): number {
		if (text.charCodeAt(at) !== LF) throw new InvalidResponse("header");
		this.#state = this.#state === LAST_LF ? COMPLETE : LINE;
		return at + 1;
	}

	/** The whole of a name or a value that ends here. */
	#take(text: string, from: number, to: number): string {
		this.#countBytes(to - from);
		const part = text.slice(from, to);
		if (this.#part === "") return part;
		const whole = this.#part + part;
		this.#part = "";
		return whole;
	}

	/** Keeps the beginning of a name or a value. */
	#keep(text: string, from: number): number {
		this.#countBytes(text.length - from);
		this.#part += text.slice(from);
		return text.length;
	}

	#countBytes(length: number): void {
		this.#size += length;
		if (this.#size >= MAX_HEADER_BYTES) throw new InvalidResponse("too_large");
	}
}

function kindIn(code: number): number {
	return NAME_CHARACTERS[code] ?? NOT_IN_NAME;
}

function isWhiteSpace(code: number): boolean {
	return code === SPACE || code === TAB;
}

/** Where the CR is that ends the text of a line; the end of `text` if there is none. Throws if a character is not allowed before it. */
function endOfText(text: string, from: number): number {
	for (let at = from; at < text.length; at += 1) {
		const code = text.charCodeAt(at);
		if (code === CR) return at;
		if ((code < SPACE && code !== TAB) || code === DELETE) throw new InvalidResponse("header");
	}
	return text.length;
}

function withoutTrailingWhiteSpace(value: string): string {
	let end = value.length;
	while (end > 0 && isWhiteSpace(value.charCodeAt(end - 1))) end -= 1;
	return end === value.length ? value : value.slice(0, end);
}
