// A parser for server-sent events as defined by the HTML standard: takes text in pieces, returns complete messages.

/** One message of a stream. */
export interface SseMessage {
	/** The event's name, `message` if the stream gives none. */
	readonly event: string;
	/** Empty for a message without data, which only updates the id. */
	readonly data: string;
	/** The last id received so far; "" if there was none. */
	readonly id: string;
}

/** The most characters of one message. Fanfare never sends longer ones. */
const MAX_MESSAGE_LENGTH = 1_048_576;

/**
 * Keeps incomplete messages until the rest arrives. Unlike a browser, it also returns messages without data, because of
 * their ids.
 *
 * @example
 * const parser = new SseParser();
 * parser.push("id: 1\nda"); // []
 * parser.push("ta: a\n\n"); // [{ event: "message", data: "a", id: "1" }]
 */
export class SseParser {
	#rest = "";
	#begun = false;
	/** The last piece ended with a CR, so an LF may follow. */
	#endedInCr = false;
	#event = "";
	#data: string[] = [];
	#length = 0;
	#touched = false;
	#id = "";
	#retryMs: number | null = null;

	/** The reconnection delay that the server asks for, in milliseconds; null if it has not asked for one. */
	get retryMs(): number | null {
		return this.#retryMs;
	}

	/** Returns the messages that this piece completes. Throws a `RangeError` if a message is too long. */
	push(piece: string): SseMessage[] {
		let text = piece;
		if (!this.#begun && text !== "") {
			this.#begun = true;
			if (text.startsWith("\ufeff")) text = text.slice(1);
		}
		if (this.#endedInCr && text.startsWith("\n")) text = text.slice(1);
		if (piece !== "") this.#endedInCr = piece.endsWith("\r");
		const lines = (this.#rest + text).split(/\r\n|\r|\n/);
		this.#rest = lines.pop() ?? "";
		const messages = lines.flatMap((line) => this.#line(line) ?? []);
		if (this.#length + this.#rest.length > MAX_MESSAGE_LENGTH) {
			throw new RangeError(`a message is longer than ${MAX_MESSAGE_LENGTH} characters`);
		}
		return messages;
	}

	#line(line: string): SseMessage | null {
		if (line === "") return this.#end();
		this.#length += line.length;
		const colon = line.indexOf(":");
		if (colon === 0) return null;
		const name = colon === -1 ? line : line.slice(0, colon);
		const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
		this.#field(name, value);
		return null;
	}

	#field(name: string, value: string): void {
		switch (name) {
			case "event":
				this.#event = value;
				break;
			case "data":
				this.#data.push(value);
				break;
			case "id":
				if (value.includes("\0")) return;
				this.#id = value;
				break;
			case "retry":
				if (/^\d{1,9}$/.test(value)) this.#retryMs = Number(value);
				return;
			default:
				return;
		}
		this.#touched = true;
	}

	#end(): SseMessage | null {
		const message = { event: this.#event || "message", data: this.#data.join("\n"), id: this.#id };
		const isMessage = this.#touched;
		this.#event = "";
		this.#data = [];
		this.#length = 0;
		this.#touched = false;
		return isMessage ? message : null;
	}
}
