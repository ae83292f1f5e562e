// The table that grows while events are sent: a new row every half second, and in a terminal also a current one below them.
import { renderRow, type Column } from "@fanfare/testkit/report/table";

import { PATIENCE_MS, type Counts, type Ledger } from "./ledger.ts";
import type { Screen } from "./screen.ts";

const ROW_EVERY_MS = 500;
const REFRESH_EVERY_MS = 100;
const HEADERS = ["time", "sent", "delivered", "retried", "duplicates", "lost", "p50", "p99"];
const COLUMNS = [7, 6, 9, 7, 10, 5, 8, 8].map((width): Column => ({ width, align: "right" }));

export class Table {
	readonly #screen: Screen;
	readonly #ledger: Ledger;
	readonly #startedAt = Date.now();
	readonly #timer: NodeJS.Timeout;
	#nextRowAt = this.#startedAt + ROW_EVERY_MS;

	constructor(screen: Screen, ledger: Ledger) {
		this.#screen = screen;
		this.#ledger = ledger;
		screen.line();
		screen.line(screen.style("bold", renderRow(HEADERS, COLUMNS)));
		this.#timer = setInterval(() => this.#refresh(), REFRESH_EVERY_MS);
	}

	/** Prints something that happened between two rows. */
	note(text: string): void {
		this.#screen.line(this.#screen.style("yellow", renderRow([this.#elapsed(), text], COLUMNS.slice(0, 1))));
	}

	/** Adds the last row. From here on, events that have not arrived count as lost. */
	finish(): Counts {
		clearInterval(this.#timer);
		const counts = this.#ledger.counts();
		this.#screen.line(this.#screen.style("bold", this.#row(counts, this.#ledger.missing(0).length)));
		return counts;
	}

	/** Stops the table without a last row. */
	[Symbol.dispose](): void {
		clearInterval(this.#timer);
	}

	#refresh(): void {
		const row = this.#row(this.#ledger.counts(), this.#ledger.missing(PATIENCE_MS).length);
		// A tick may come a little late. If this one did not print the row, the next one would print it much too late.
		if (Date.now() < this.#nextRowAt - REFRESH_EVERY_MS / 2) {
			this.#screen.live(row);
			return;
		}
		this.#screen.line(row);
		this.#nextRowAt += ROW_EVERY_MS;
	}

	#row({ sent, delivered, retried, duplicates, latency }: Counts, lost: number): string {
		const numbers = [sent, delivered, retried, duplicates, lost].map(count);
		return renderRow([this.#elapsed(), ...numbers, milliseconds(latency?.p50), milliseconds(latency?.p99)], COLUMNS);
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
