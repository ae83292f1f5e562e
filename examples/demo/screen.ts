// The demo's output: permanent lines, and in a terminal one more line below them that is rewritten.
import { clearLine, cursorTo } from "node:readline";
import type { WriteStream } from "node:tty";
import { styleText } from "node:util";

const MIN_COLUMNS = 80;
const STEP_WIDTH = 15;

type Style = "bold" | "dim" | "green" | "red" | "yellow";

export class Screen {
	readonly #out: WriteStream;
	#hasLiveLine = false;

	constructor(out: WriteStream) {
		this.#out = out;
	}

	/** Prints a permanent line. */
	line(text = ""): void {
		this.#clear();
		this.#out.write(`${text}\n`);
	}

	/** Rewrites the line at the bottom. It is shown only in a terminal that is wide enough. */
	live(text: string): void {
		if (!this.#out.isTTY || this.#out.columns < MIN_COLUMNS || process.env["TERM"] === "dumb") return;
		this.#clear();
		this.#out.write(text);
		this.#hasLiveLine = true;
	}

	/** Prints a step that succeeded. */
	step(name: string, proof: string): void {
		this.good(`${name.padEnd(STEP_WIDTH)}${proof}`);
	}

	good(sentence: string): void {
		this.line(`${this.style("green", "✓")} ${sentence}`);
	}

	bad(sentence: string): void {
		this.line(`${this.style("red", "✗")} ${sentence}`);
	}

	/** The text with a style in a terminal; unchanged with NO_COLOR, and in a file or a pipe. */
	style(style: Style, text: string): string {
		return styleText(style, text, { stream: this.#out });
	}

	#clear(): void {
		if (!this.#hasLiveLine) return;
		clearLine(this.#out, 0);
		cursorTo(this.#out, 0);
		this.#hasLiveLine = false;
	}
}
