// Reports how far the move of rows of an earlier version is: in the log, in responses, and to whoever has started the server.
import type { Logger } from "pino";

import type { Clock } from "../core/clock.ts";
import type { UpgradeProgress } from "./profile.ts";

/** A line is logged so often. */
const EVERY_MS = 5_000;

export class MoveReport {
	readonly #logger: Logger;
	readonly #clock: Pick<Clock, "monotonicMs">;
	readonly #tell: (line: string) => void;
	#progress: UpgradeProgress | null = null;
	#beganAt = 0;
	#nextAt = 0;

	/** `tell` gets each line that is logged, as a sentence. */
	constructor(logger: Logger, clock: Pick<Clock, "monotonicMs">, tell: (line: string) => void) {
		this.#logger = logger;
		this.#clock = clock;
		this.#tell = tell;
	}

	/** Whether there was an update. */
	get hasBegun(): boolean {
		return this.#progress !== null;
	}

	/** Such as `42 % (420,000 of 1,000,000 rows)`. */
	get text(): string {
		return describe(this.#progress);
	}

	update(progress: UpgradeProgress): void {
		const now = this.#clock.monotonicMs();
		if (this.#progress === null) this.#beganAt = now;
		this.#progress = progress;
		if (now < this.#nextAt) return;
		this.#nextAt = now + EVERY_MS;
		this.#write("moving the stored rows to the form of this version", progress);
	}

	/** The store is open. */
	end(): void {
		if (this.#progress === null) return;
		const seconds = Math.round((this.#clock.monotonicMs() - this.#beganAt) / 1_000);
		this.#write(`the stored rows were moved in ${seconds} s`, this.#progress);
	}

	#write(message: string, progress: UpgradeProgress): void {
		this.#logger.info({ movedRows: progress.moved, totalRows: progress.total }, message);
		this.#tell(`${message}: ${describe(progress)}`);
	}
}

function describe(progress: UpgradeProgress | null): string {
	if (progress === null || progress.total === null) return "0 %";
	const { moved, total } = progress;
	const percent = total === 0 ? 100 : Math.floor((100 * moved) / total);
	return `${percent} % (${moved.toLocaleString("en-US")} of ${total.toLocaleString("en-US")} rows)`;
}
