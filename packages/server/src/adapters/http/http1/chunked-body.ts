// Reads a body that comes in chunks (RFC 9112, 7.1), up to its trailers.
import { InvalidResponse } from "./invalid-response.ts";

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const SEMICOLON = 0x3b;
const DELETE = 0x7f;

// The states, see below.
const FIRST_DIGIT = 0;
const SIZE = 1;
const EXTENSION = 2;
const SIZE_LF = 3;
const DATA = 4;
const DATA_CR = 5;
const DATA_LF = 6;
const LAST = 7;

/** Receives the data of a body. */
interface BodySink {
	/** Returns false if no more is wanted. */
	onBody(bytes: Buffer): boolean;
}

/**
 * Reads one body after another, each after `begin`.
 *
 * ```
 * FIRST_DIGIT ─▶ SIZE ─▶ EXTENSION ─▶ SIZE_LF ─▶ DATA ─▶ DATA_CR ─▶ DATA_LF ─▶ FIRST_DIGIT …
 *                  └────────────────────▲  └──▶ LAST
 * ```
 *
 * - FIRST_DIGIT: a chunk's size is to come, at least one digit.
 * - SIZE: in its further digits.
 * - EXTENSION: after a semicolon. What an extension says is skipped.
 * - SIZE_LF: the CR after the size has come.
 * - DATA: in the data of a chunk.
 * - DATA_CR, DATA_LF: the data is complete; its line break is to come.
 * - LAST: entered after the chunk of size 0. Trailers follow.
 *
 * Throws `InvalidResponse` for a size that is no hexadecimal number or does not fit, for white space around it, and for a line break
 * that is not CR LF.
 */
export class ChunkedBody {
	#state = FIRST_DIGIT;
	/** The size of the chunk, or what is still to come of it. */
	#left = 0;

	/** Whether the last chunk has come. */
	get isComplete(): boolean {
		return this.#state === LAST;
	}

	begin(): void {
		this.#state = FIRST_DIGIT;
		this.#left = 0;
	}

	/**
	 * Reads `bytes` from `from` on, and gives the data to the sink. Returns where it has stopped: after the last chunk, or at the end of the
	 * bytes. Returns -1 if the sink wants no more.
	 */
	add(bytes: Buffer, from: number, sink: BodySink): number {
		let at = from;
		while (at < bytes.length && this.#state !== LAST) {
			if (this.#state !== DATA) {
				this.#readFraming(bytes[at] ?? 0);
				at += 1;
				continue;
			}
			const end = Math.min(at + this.#left, bytes.length);
			this.#left -= end - at;
			if (this.#left === 0) this.#state = DATA_CR;
			if (!sink.onBody(bytes.subarray(at, end))) return -1;
			at = end;
		}
		return at;
	}

	#readFraming(byte: number): void {
		switch (this.#state) {
			case FIRST_DIGIT:
				this.#addDigit(byte);
				this.#state = SIZE;
				return;
			case SIZE:
				if (byte === CR) this.#state = SIZE_LF;
				else if (byte === SEMICOLON) this.#state = EXTENSION;
				else this.#addDigit(byte);
				return;
			case EXTENSION:
				if (byte === CR) this.#state = SIZE_LF;
				else if ((byte < SPACE && byte !== TAB) || byte === DELETE) throw new InvalidResponse("chunk");
				return;
			case SIZE_LF:
				if (byte !== LF) throw new InvalidResponse("chunk");
				this.#state = this.#left === 0 ? LAST : DATA;
				return;
			case DATA_CR:
				if (byte !== CR) throw new InvalidResponse("chunk");
				this.#state = DATA_LF;
				return;
			default:
				if (byte !== LF) throw new InvalidResponse("chunk");
				this.#state = FIRST_DIGIT;
		}
	}

	#addDigit(byte: number): void {
		const digit = hexDigit(byte);
		this.#left = this.#left * 16 + digit;
		if (digit < 0 || this.#left > Number.MAX_SAFE_INTEGER) throw new InvalidResponse("chunk");
	}
}

/** The value of a hexadecimal digit; -1 if it is not one. */
function hexDigit(byte: number): number {
	if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
	const lower = byte | 0x20;
	return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
