// Where the log goes: standard output. Whatever becomes of it, the server does not wait for it, grow or end.
import { fstatSync, write } from "node:fs";

import type { DestinationStream } from "pino";

/** Puts text out as far as it can: `done` gets an error, or what is left of it. */
type Put = (text: Buffer, done: (error: NodeJS.ErrnoException | null, left: Buffer) => void) => void;

/** More than a second of lines under full load. */
const MAX_WAITING_BYTES = 8 * 1_024 * 1_024;
/** After a failure that can pass, such as a full disk. */
const RETRY_AFTER_MS = 1_000;
const STANDARD_OUTPUT = 1;
const NOTHING = Buffer.alloc(0);

/**
 * A destination for the log, which takes lines at once and writes them when it can. While nobody reads them, or the disk for them
 * is full, it keeps some and leaves out the rest; how many it has left out it tells as soon as lines get through again. When their
 * reader is gone for good, so are they.
 */
export class LogOutput implements DestinationStream {
	/** Told of how many lines were left out. */
	onLoss: (lines: number) => void = () => {};
	readonly #put: Put;
	readonly #end: () => void;
	#lines: string[] = [];
	#lineBytes = 0;
	/** What is being written. */
	#chunk: Buffer = NOTHING;
	#state: "idle" | "writing" | "failing" | "gone" = "idle";
	#lost = 0;
	#whenIdle: (() => void)[] = [];

	constructor(output: { readonly put: Put; readonly end?: () => void } = openStandardOutput()) {
		this.#put = output.put;
		this.#end = output.end ?? (() => {});
	}

	write(line: string): void {
		if (this.#state === "gone") return;
		const bytes = Buffer.byteLength(line);
		if (this.#lineBytes + this.#chunk.length + bytes > MAX_WAITING_BYTES) {
			this.#lost++;
			return;
		}
		this.#lines.push(line);
		this.#lineBytes += bytes;
		if (this.#state === "idle") this.#next();
	}

	/** Resolves when all is written, or after this time. Nothing is left out because of it. */
	async close(graceMs: number): Promise<void> {
		if (this.#state !== "idle" && this.#state !== "gone") {
			await new Promise<void>((resolve) => {
				const timer = setTimeout(resolve, graceMs);
				this.#whenIdle.push(() => {
					clearTimeout(timer);
					resolve();
				});
			});
		}
		this.#end();
	}

	#next(): void {
		if (this.#chunk.length === 0) {
			this.#chunk = Buffer.from(this.#lines.join(""));
			this.#lines = [];
			this.#lineBytes = 0;
		}
		if (this.#chunk.length === 0) {
			this.#state = "idle";
			for (const resolve of this.#whenIdle.splice(0)) resolve();
			return;
		}
		this.#state = "writing";
		this.#put(this.#chunk, (error, left) => (error === null ? this.#written(left) : this.#failed(error)));
	}

	#written(left: Buffer): void {
		this.#chunk = left;
		const lost = this.#lost;
		// Its line comes before those that are taken from now on.
		if (lost > 0 && left.length === 0) {
			this.#lost = 0;
			this.onLoss(lost);
		}
		this.#next();
	}

	#failed(error: NodeJS.ErrnoException): void {
		if (error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED") {
			this.#chunk = NOTHING;
			this.#lines = [];
			this.#state = "gone";
			for (const resolve of this.#whenIdle.splice(0)) resolve();
			return;
		}
		this.#state = "failing";
		setTimeout(() => this.#next(), RETRY_AFTER_MS).unref();
	}
}

/**
 * Pipes are written through Node's stream: a write of our own to one that nobody reads would keep a thread, and with it the
 * process, for as long. Files and terminals are written in a thread: the stream would stop the server while it writes there, and
 * would write no more after an error.
 */
function openStandardOutput(): { readonly put: Put; readonly end?: () => void } {
	const stats = fstatSync(STANDARD_OUTPUT);
	if (!stats.isFIFO() && !stats.isSocket()) {
		return {
			put: (text, done) => write(STANDARD_OUTPUT, text, (error, count) => done(error, text.subarray(count ?? 0))),
		};
	}
	// A write's own error is told to its callback; this is for the event that comes with it, which would end the process.
	const ignore = () => {};
	process.stdout.on("error", ignore);
	return {
		put: (text, done) => void process.stdout.write(text, (error) => done(error ?? null, NOTHING)),
		end: () => void process.stdout.off("error", ignore),
	};
}
