// Reads a response and keeps a limited part of it: enough to see what happened, whatever the receiver sends.
import { isUtf8 } from "node:buffer";

import type { Attempt } from "../delivery.ts";

type AttemptResponse = NonNullable<Attempt["response"]>;

type HeaderValues = Readonly<Record<string, string | string[] | undefined>>;

/**
 * A body is read up to this size, so that its connection can be reused. A longer one is dropped with its connection.
 */
const MAX_READ_BYTES = 65_536;
const MAX_KEPT_BYTES = 4_096;
const MAX_HEADER_BYTES = 8_192;

/** Collects one response as it arrives. */
export class ResponseReader {
	readonly #headers: HeaderValues;
	readonly #kept: Buffer[] = [];
	#keptBytes = 0;
	/** The bytes of the body received so far. */
	totalBytes = 0;

	constructor(headers: HeaderValues) {
		this.#headers = headers;
	}

	/** Adds the next part of the body. Returns false once the limit is exceeded and the rest should not be read. */
	add(chunk: Buffer): boolean {
		this.totalBytes += chunk.length;
		if (this.#keptBytes < MAX_KEPT_BYTES) {
			const part = chunk.subarray(0, MAX_KEPT_BYTES - this.#keptBytes);
			this.#kept.push(part);
			this.#keptBytes += part.length;
		}
		return this.totalBytes <= MAX_READ_BYTES;
	}

	/**
	 * The part that is kept. `isComplete` says whether the whole response has arrived. A body that is not text is replaced
	 * by a note with its size, and counts as truncated only if it was longer than the part that is kept.
	 */
	response(isComplete: boolean): AttemptResponse {
		const isCut = this.totalBytes > this.#keptBytes;
		return {
			headers: keepHeaders(this.#headers),
			body: this.#text(isCut || !isComplete) ?? `[binary, ${this.#size(isComplete)} bytes]`,
			bodyTruncated: isCut || !isComplete,
		};
	}

	/** The kept bytes as text; null if they are not UTF-8 or contain a NUL, which not every store can keep in texts. */
	#text(isCut: boolean): string | null {
		const [first] = this.#kept;
		if (first === undefined) return "";
		const kept = this.#kept.length === 1 ? first : Buffer.concat(this.#kept);
		const whole = isCut ? withoutCutCharacter(kept) : kept;
		return isUtf8(whole) && !whole.includes(0) ? whole.toString("utf8") : null;
	}

	#size(isComplete: boolean): string {
		const count = this.totalBytes.toLocaleString("en-US");
		return isComplete ? count : `more than ${count}`;
	}
}

/** `bytes` without an incomplete character at the end. */
function withoutCutCharacter(bytes: Buffer): Buffer {
	for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
		const byte = bytes[bytes.length - back] ?? 0;
		if (byte < 0x80) return bytes;
		if (byte < 0xc0) continue; // a continuation byte: the character starts further back
		const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
		return length > back ? bytes.subarray(0, -back) : bytes;
	}
	return bytes;
}

/**
 * The headers that fit into the limit, in their order. `retry-after` goes first, because the next attempt depends on
 * it.
 */
function keepHeaders(headers: HeaderValues): Record<string, string> {
	const kept: Record<string, string> = {};
	let room = MAX_HEADER_BYTES;
	const keep = (name: string) => {
		const value = headers[name];
		if (value === undefined) return;
		const text = typeof value === "string" ? value : value.join(", ");
		const size = name.length + Buffer.byteLength(text);
		if (size > room) return;
		room -= size;
		kept[name] = text;
	};
	keep("retry-after");
	for (const name of Object.keys(headers)) if (name !== "retry-after") keep(name);
	return kept;
}
