// Reads the lines of a stream, with a limit, since a line may never end.

/** A line of a stream. */
export interface StreamLine {
	/** Counts from 1. */
	readonly number: number;
	/** Its length, with the line feed. */
	readonly bytes: number;
	/** Null if it is no text that can be used; `problem` then says why. */
	readonly text: string | null;
	readonly problem: string | null;
}

const FIRST_CAPACITY = 65_536;
const LINE_FEED = 0x0a;

/**
 * Splits bytes at line feeds, and only there: U+2028 is a character of JSON strings. Of a line that is longer than `maxBytes`, nothing more
 * is kept, so that the memory is bounded whatever comes.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<StreamLine> {
	const line = new GrowingLine(maxBytes);
	for await (const chunk of chunks) {
		for (let from = 0; from < chunk.length;) {
			const end = chunk.indexOf(LINE_FEED, from);
			line.add(chunk.subarray(from, end === -1 ? chunk.length : end));
			if (end === -1) break;
			yield line.take(1);
			from = end + 1;
		}
	}
	if (line.bytes > 0) yield line.take(0);
}

/** The line that is being read. */
class GrowingLine {
	/** How long it is, also if it is not kept any more. */
	bytes = 0;
	readonly #maxBytes: number;
	readonly #decoder = new TextDecoder("utf-8", { fatal: true });
	#kept = new Uint8Array(FIRST_CAPACITY);
	#number = 0;

	constructor(maxBytes: number) {
		this.#maxBytes = maxBytes;
	}

	add(piece: Uint8Array): void {
		const start = this.bytes;
		this.bytes += piece.length;
		if (this.bytes > this.#maxBytes) return;
		if (this.bytes > this.#kept.length) {
			const larger = new Uint8Array(Math.min(this.#maxBytes, Math.max(this.bytes, 2 * this.#kept.length)));
			larger.set(this.#kept.subarray(0, start));
			this.#kept = larger;
		}
		this.#kept.set(piece, start);
	}

	/** The line as it is, after which the next one begins. */
	take(ending: 0 | 1): StreamLine {
		const { bytes } = this;
		this.bytes = 0;
		this.#number++;
		const line = { number: this.#number, bytes: bytes + ending };
		if (bytes > this.#maxBytes) return { ...line, text: null, problem: `longer than ${this.#maxBytes} bytes` };
		try {
			return { ...line, text: this.#decoder.decode(this.#kept.subarray(0, bytes)), problem: null };
		} catch {
			return { ...line, text: null, problem: "not UTF-8" };
		}
	}
}
