// The log's destination: standard output. If it is slow, full or closed, the server keeps running,
// and its memory stays bounded.
import { fstatSync, write } from "node:fs";

import type { DestinationStream } from "pino";

import type { Clock } from "../../core/clock.ts";

/** Writes text, perhaps only a part of it. `done` gets an error, or the part that was not written. */
type Put = (text: Buffer, done: (error: NodeJS.ErrnoException | null, left: Buffer) => void) => void;

/** Limit for lines in memory: more than a second of lines under full load. */
const MAX_WAITING_BYTES = 8 * 1_024 * 1_024;
/** Delay before the next try after a temporary failure, such as a full disk. */
const RETRY_AFTER_MS = 1_000;
const STANDARD_OUTPUT = 1;
const NOTHING = Buffer.alloc(0);

/**
 * A destination for log lines. It accepts lines at once and writes them when it can. While nobody reads them, or the
 * disk is full, it keeps a limited number and drops the rest; as soon as writing works again, it reports how many were
 * dropped.
 *
 * States:
 * - idle: nothing to write.
 * - writing: one chunk is being written; new lines are kept for the next chunk.
 * - failing: the last write failed, and is retried after a delay, or at once by `close`.
 * - gone: the reader has closed the pipe. All lines are dropped from now on.
 */
export class LogOutput implements DestinationStream {
	/** Called with the number of dropped lines. */
	onLoss: (lines: number) => void = () => {};
	readonly #clock: Clock;
	readonly #put: Put;
	readonly #end: () => void;
	#lines: string[] = [];
	#lineBytes = 0;
	/** The chunk that is being written. */
	#chunk: Buffer = NOTHING;
	#state: "idle" | "writing" | "failing" | "gone" = "idle";
	#lost = 0;
	#whenIdle: (() => void)[] = [];
	#cancelRetry = (): void => {};
	#closing = false;

	constructor(clock: Clock, output: { readonly put: Put; readonly end?: () => void } = openStandardOutput()) {
		this.#clock = clock;
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

	/**
	 * Resolves when all lines are written, at the latest after `graceMs`. Does not stop a write under way, but a write that
	 * fails is not retried any more: nothing might keep the process alive until then.
	 */
	async close(graceMs: number): Promise<void> {
		this.#closing = true;
		if (this.#state !== "idle" && this.#state !== "gone") {
			await new Promise<void>((resolve) => {
				const cancel = this.#clock.after(graceMs, resolve);
				this.#whenIdle.push(() => {
					cancel();
					resolve();
				});
				if (this.#state === "failing") {
					this.#cancelRetry();
					this.#next();
				}
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
		// The line about the loss comes before all lines accepted from now on.
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
		if (this.#closing) for (const resolve of this.#whenIdle.splice(0)) resolve();
		else this.#cancelRetry = this.#clock.after(RETRY_AFTER_MS, () => this.#next());
	}
}

/**
 * Pipes and sockets are written through Node's stream: `fs.write` to a pipe that nobody reads would block a thread, and
 * with it the end of the process. Files and terminals are written with `fs.write`, in a thread: there, the stream would
 * block the event loop, and would stop for good after an error.
 */
function openStandardOutput(): { readonly put: Put; readonly end?: () => void } {
	const stats = fstatSync(STANDARD_OUTPUT);
	if (!stats.isFIFO() && !stats.isSocket()) {
		return {
			put: (text, done) => write(STANDARD_OUTPUT, text, (error, count) => done(error, text.subarray(count ?? 0))),
		};
	}
	// The write's callback handles the error. Without this listener, the error event would end the process.
	const ignore = () => {};
	process.stdout.on("error", ignore);
	return {
		put: (text, done) => void process.stdout.write(text, (error) => done(error ?? null, NOTHING)),
		end: () => void process.stdout.off("error", ignore),
	};
}
