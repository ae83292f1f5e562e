// The table that grows while events are sent: a row every half second, and in a terminal one that is up to date.
import type { Screen } from "./screen.ts";
import { PATIENCE_MS, type Figures, type Tally } from "./tally.ts";

const ROW_EVERY_MS = 500;
const REFRESH_EVERY_MS = 100;
const HEADERS = ["time", "sent", "delivered", "retried", "duplicates", "lost", "p50", "p99"];
const WIDTHS = [7, 8, 11, 9, 12, 7, 10, 10];

export class Table {
	readonly #screen: Screen;
	readonly #tally: Tally;
	readonly #startedAt = Date.now();
	readonly #timer: NodeJS.Timeout;
	#nextRowAt = this.#startedAt + ROW_EVERY_MS;

	constructor(screen: Screen, tally: Tally) {
		this.#screen = screen;
		this.#tally = tally;
		screen.line();
		screen.line(screen.style("bold", cells(HEADERS)));
		this.#timer = setInterval(() => this.#refresh(), REFRESH_EVERY_MS);
	}

	/** Something that happened between two rows. */
	note(text: string): void {
		this.#screen.line(this.#screen.style("yellow", `${cells([this.#elapsed()])}  ${text}`));
	}

	/** Adds the last row. From here on, what has not arrived is lost. */
	finish(): Figures {
		clearInterval(this.#timer);
		const figures = this.#tally.figures();
		this.#screen.line(this.#screen.style("bold", this.#row(figures, this.#tally.missing(0).length)));
		return figures;
	}

	/** Ends without a last row. */
	[Symbol.dispose](): void {
		clearInterval(this.#timer);
	}

	#refresh(): void {
		const row = this.#row(this.#tally.figures(), this.#tally.missing(PATIENCE_MS).length);
		// A tick comes a little late now and then; the next one would be much too late.
		if (Date.now() < this.#nextRowAt - REFRESH_EVERY_MS / 2) {
			this.#screen.live(row);
			return;
		}
		this.#screen.line(row);
		this.#nextRowAt += ROW_EVERY_MS;
	}

	#row({ sent, delivered, retried, duplicates, latency }: Figures, lost: number): string {
		const counts = [sent, delivered, retried, duplicates, lost].map(count);
		return cells([this.#elapsed(), ...counts, milliseconds(latency?.p50), milliseconds(latency?.p99)]);
	}

	#elapsed(): string {
		return seconds(Date.now() - this.#startedAt);
	}
}

/** `12,345`, in every locale. */
export function count(value: number): string {
	return value.toLocaleString("en-US");
}

/** `1 event`, `1,000 events`. */
export function countOf(value: number, what: string): string {
	return `${count(value)} ${what}${value === 1 ? "" : "s"}`;
}

export function milliseconds(value: number | undefined): string {
	return value === undefined ? "–" : `${count(value)} ms`;
}

export function seconds(ms: number): string {
	return `${(ms / 1_000).toFixed(1)} s`;
}

function cells(texts: readonly string[]): string {
	return texts.map((text, i) => text.padStart(WIDTHS[i] ?? 0)).join("");
}
