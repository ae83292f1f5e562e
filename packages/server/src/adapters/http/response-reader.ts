// What is kept of an answer: enough for people to see what happened, never more than a receiver may make us hold.
import { isUtf8 } from "node:buffer";

import type { AttemptResponse } from "../../ports/sender.ts";

type HeaderValues = Readonly<Record<string, string | string[] | undefined>>;

/** An answer is read to this many bytes, so that its connection can be used again; then it is dropped. */
const MAX_READ_BYTES = 65_536;
const MAX_KEPT_BYTES = 4_096;
const MAX_HEADER_BYTES = 8_192;

/** Gathers one answer as it comes in. */
export class ResponseReader {
	readonly #headers: HeaderValues;
	readonly #kept: Buffer[] = [];
	#keptBytes = 0;
	/** The bytes of the body that have come so far. */
	totalBytes = 0;

	constructor(headers: HeaderValues) {
		this.#headers = headers;
	}

	/** Takes the next part of the body; false if that is enough and the rest is not wanted. */
	add(chunk: Buffer): boolean {
		this.totalBytes += chunk.length;
		if (this.#keptBytes < MAX_KEPT_BYTES) {
			const part = chunk.subarray(0, MAX_KEPT_BYTES - this.#keptBytes);
			this.#kept.push(part);
			this.#keptBytes += part.length;
		}
		return this.totalBytes <= MAX_READ_BYTES;
	}

	/** What is kept; `isComplete` tells whether the whole answer came. A note on binary counts as showing what it counts. */
	response(isComplete: boolean): AttemptResponse {
		const isCut = this.totalBytes > this.#keptBytes;
		return {
			headers: keepHeaders(this.#headers),
			body: this.#text(isCut || !isComplete) ?? `[binary, ${this.#size(isComplete)} bytes]`,
			bodyTruncated: isCut || !isComplete,
		};
	}

	/** The kept bytes as text; null if they are not UTF-8, or have a NUL, which PostgreSQL's text cannot hold. */
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

/** `bytes` without the start of a character whose end was cut off. */
function withoutCutCharacter(bytes: Buffer): Buffer {
	for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
		const byte = bytes[bytes.length - back] ?? 0;
		if (byte < 0x80) return bytes;
		if (byte < 0xc0) continue; // inside a character: look further back for its start
		const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
		return length > back ? bytes.subarray(0, -back) : bytes;
	}
	return bytes;
}

/** The headers that fit, in their order; `retry-after` always does, as the next attempt depends on it. */
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
