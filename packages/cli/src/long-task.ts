// Commands that take long: how far they are, and their end by a signal.
import type { CopyProgress } from "@fanfare/server";

import { reportAndExit } from "./report.ts";

const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
/** On a terminal the line is written anew so often; elsewhere each is a line of a log. */
const EVERY_MS = { terminal: 200, elsewhere: 5_000 } as const;
const TEXTS = {
	copying: "Copying",
	checking: "Checking",
	upgrading: "Upgrading the rows of an earlier version",
} as const;

/**
 * Runs the work of a command, and ends the process with exit code 1 if it fails. The first SIGINT or SIGTERM aborts the work, after which
 * `whatIsLeft` is said; a second one ends the process at once. Both exit with the code of the signal.
 */
export async function withSignals(
	work: (signal: AbortSignal) => Promise<void>,
	whatIsLeft = "what had begun is removed",
): Promise<void> {
	const abort = new AbortController();
	let exitCode: number | null = null;
	for (const signal of ["SIGINT", "SIGTERM"] as const) {
		process.on(signal, () => {
			if (exitCode !== null) process.exit(exitCode);
			exitCode = SIGNAL_EXIT_CODES[signal];
			abort.abort();
		});
	}
	// Whoever reads it may go away.
	process.stderr.on("error", () => {});
	try {
		await work(abort.signal);
	} catch (error) {
		if (exitCode === null) reportAndExit(error);
		process.stderr.write(`fanfare: ended by a signal; ${whatIsLeft}\n`);
		process.exit(exitCode);
	}
	// The listeners would keep nothing alive, but a channel to a process of its own may.
	process.exit(0);
}

/** Says on standard error how far a task is: in one line on a terminal, elsewhere every few seconds. */
export class ProgressLine {
	readonly isTerminal = process.stderr.isTTY;
	#lastAt = performance.now();
	#hasLine = false;

	/** Whether it is time to say something. */
	get isDue(): boolean {
		return performance.now() - this.#lastAt >= (this.isTerminal ? EVERY_MS.terminal : EVERY_MS.elsewhere);
	}

	/** Something was said elsewhere. */
	restart(): void {
		this.#lastAt = performance.now();
	}

	write(text: string): void {
		this.restart();
		process.stderr.write(this.isTerminal ? `\r\u001B[K${text}` : `${text}\n`);
		this.#hasLine = true;
	}

	/** Removes the line from the terminal. */
	end(): void {
		if (this.isTerminal && this.#hasLine) process.stderr.write("\r\u001B[K");
	}
}

/** Says how far a copy is. */
export class CopyReport extends ProgressLine {
	update({ step, fraction }: CopyProgress): void {
		if (this.isDue) this.write(`${TEXTS[step]}${fraction === null ? "" : `: ${Math.floor(fraction * 100)} %`}`);
	}
}

export function inMegabytes(bytes: number): string {
	return `${Math.max(0.1, bytes / 1_000_000).toLocaleString("en-US", { maximumFractionDigits: 1 })} MB`;
}
