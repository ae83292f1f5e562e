// Server-sent events, as the HTML standard has them: text in pieces comes in, whole messages come out.

export interface SseMessage {
	/** `message` if the stream names none. */
	readonly event: string;
	/** Empty for a message without data, which only moves the id on. */
	readonly data: string;
	/** The last id so far; "" if there was none. */
	readonly id: string;
}

/** Characters of one message, beyond which the stream is none that Fanfare sends. */
const MAX_MESSAGE_LENGTH = 1_048_576;

/**
 * Keeps what is not complete yet. Unlike in a browser, messages without data are given too: they carry ids.
 *
 * @example
 * const parser = new SseParser();
 * parser.push("id: 1\nda"); // []
 * parser.push("ta: a\n\n"); // [{ event: "message", data: "a", id: "1" }]
 */
export class SseParser {
	#rest = "";
	#begun = false;
	/** The last piece ended in a CR, which a LF may follow. */
	#endedInCr = false;
	#event = "";
	#data: string[] = [];
	#length = 0;
	#touched = false;
	#id = "";
	#retryMs: number | null = null;

	/** How long the server asks to wait before coming back; null if it hasn't asked. */
	get retryMs(): number | null {
		return this.#retryMs;
	}

	/** The messages that this piece completes. Throws a `RangeError` if a message never ends. */
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
