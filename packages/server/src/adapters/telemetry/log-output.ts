// The log's destination: standard output. If it is slow, full or closed, the server keeps running,
// and its memory stays bounded.
import { fstatSync, write, writeSync } from "node:fs";

import { pino, type DestinationStream } from "pino";

import type { Clock } from "../../core/clock.ts";

/** Writes text, perhaps only a part of it. `done` gets an error, or the part that was not written. */
type Put = (text: Buffer, done: (error: NodeJS.ErrnoException | null, left: Buffer) => void) => void;

/** Where the log goes. */
interface Output {
	readonly put: Put;
	/** Writes as much of the text as can be written at once, at the end of the process. */
	readonly putLast: (text: Buffer) => void;
	readonly end?: () => void;
}

/**
 * Each write costs two wake-ups of threads, so lines are gathered for this long, or until there are so many bytes of them.
 * (At 200 events per second, 400 lines, 0.93 × the CPU per event.)
 */
const GATHER_MS = 100;
const GATHER_BYTES = 16 * 1_024;
/** Lines of this level and above do not wait: somebody may be looking for them. */
const URGENT_LEVEL = pino.levels.values["warn"] ?? 40;
/** Limit for lines in memory: more than a second of lines under full load. */
const MAX_WAITING_BYTES = 8 * 1_024 * 1_024;
/** Delay before the next try after a temporary failure, such as a full disk. */
const RETRY_AFTER_MS = 1_000;
const STANDARD_OUTPUT = 1;
const NOTHING = Buffer.alloc(0);

/**
 * A destination for log lines. It accepts lines at once and writes them when it can, several together. While nobody reads
 * them, or the disk is full, it keeps a limited number and drops the rest; as soon as writing works again, it reports how
 * many were dropped.
 *
 * States: held ──release──▶ idle ──line──▶ gathering ──due──▶ writing ──no line left──▶ idle
 *                                             ▲               │  ▲ └──write failed──▶ failing
 *                                             └─lines, not due┘  └────────retry──────────┘
 *
 * - held: lines are kept until `release` or `close`, so that something else can be printed before the first of them. Only at
 *   the start, and only if the constructor is told so.
 * - idle: nothing to write.
 * - gathering: lines wait for others. They are due after `GATHER_MS`, with `GATHER_BYTES` of them, with a warning or an
 *   error, and when the output is closed.
 * - writing: one chunk is being written; new lines are kept for the next chunk.
 * - failing: the last write failed, and is retried after a delay, or at once by `close`.
 * - gone: the reader has closed the pipe. All lines are dropped from now on.
 * - ending: the process is about to end. What was left has been written, and each line that still comes is written at once.
 */
export class LogOutput implements DestinationStream {
	/** Called with the number of dropped lines. */
	onLoss: (lines: number) => void = () => {};
	/** Has pino set `lastLevel` before each call of `write`. */
	readonly [pino.symbols.needsMetadataGsym] = true;
	lastLevel = 0;
	readonly #clock: Clock;
	readonly #output: Output;
	#lines: string[] = [];
	#lineBytes = 0;
	/** One of `#lines` does not wait for others. */
	#urgent = false;
	/** The chunk that is being written. */
	#chunk: Buffer = NOTHING;
	#state: "held" | "idle" | "gathering" | "writing" | "failing" | "gone" | "ending" = "idle";
	#lost = 0;
	#whenIdle: (() => void)[] = [];
	/** Ends the timer of gathering or failing. */
	#cancelWait = (): void => {};
	#closing = false;

	constructor(clock: Clock, options: { readonly output?: Output; readonly held?: boolean } = {}) {
		const { output, held = false } = options;
		if (held) this.#state = "held";
		this.#clock = clock;
		this.#output = output ?? openStandardOutput(() => this.writeLast());
	}

	write(line: string): void {
		if (this.#state === "gone") return;
		if (this.#state === "ending") {
			this.#output.putLast(Buffer.from(line));
			return;
		}
		const bytes = Buffer.byteLength(line);
		if (this.#lineBytes + this.#chunk.length + bytes > MAX_WAITING_BYTES) {
			this.#lost++;
			return;
		}
		this.#lines.push(line);
		this.#lineBytes += bytes;
		if (this.lastLevel >= URGENT_LEVEL) this.#urgent = true;
		if (this.#state === "idle" || this.#state === "gathering") this.#next();
	}

	/** Ends the state held. Lines that were kept are due at once. */
	release(): void {
		if (this.#state !== "held") return;
		this.#urgent = this.#lines.length > 0;
		this.#next();
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
				if (this.#state !== "writing") this.#next();
			});
		}
		this.#output.end?.();
	}

	/**
	 * Writes what is left, because the process is about to end: by `process.exit`, or by an exception that nobody has caught.
	 * What is being written is on its way already.
	 */
	writeLast(): void {
		if (this.#state === "gone") return;
		const chunk = this.#state === "writing" ? NOTHING : this.#chunk;
		const text = Buffer.concat([chunk, this.#takeLines()]);
		this.#cancelWait();
		this.#state = "ending";
		if (text.length > 0) this.#output.putLast(text);
	}

	/** Writes the next chunk, if there are lines that need not wait for others. Nothing is being written. */
	#next(): void {
		if (this.#chunk.length === 0 && !this.#areLinesDue()) {
			this.#wait();
			return;
		}
		this.#cancelWait();
		if (this.#chunk.length === 0) this.#chunk = this.#takeLines();
		this.#state = "writing";
		this.#output.put(this.#chunk, (error, left) => {
			if (this.#state === "ending") return;
			if (error === null) this.#written(left);
			else this.#failed(error);
		});
	}

	#areLinesDue(): boolean {
		return this.#lines.length > 0 && (this.#urgent || this.#closing || this.#lineBytes >= GATHER_BYTES);
	}

	#takeLines(): Buffer {
		const text = Buffer.from(this.#lines.join(""));
		this.#lines = [];
		this.#lineBytes = 0;
		this.#urgent = false;
		return text;
	}

	/** Waits for lines, or for more of them. */
	#wait(): void {
		if (this.#lines.length === 0) {
			this.#state = "idle";
			for (const resolve of this.#whenIdle.splice(0)) resolve();
		} else if (this.#state !== "gathering") {
			this.#state = "gathering";
			this.#cancelWait = this.#clock.after(GATHER_MS, () => {
				this.#urgent = true;
				this.#next();
			});
		}
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
			this.#takeLines();
			this.#state = "gone";
			for (const resolve of this.#whenIdle.splice(0)) resolve();
			return;
		}
		this.#state = "failing";
		if (this.#closing) for (const resolve of this.#whenIdle.splice(0)) resolve();
		else this.#cancelWait = this.#clock.after(RETRY_AFTER_MS, () => this.#next());
	}
}

/**
 * Pipes and sockets are written through Node's stream: `fs.write` to a pipe that nobody reads would block a thread, and
 * with it the end of the process. Files and terminals are written with `fs.write`, in a thread: there, the stream would
 * block the event loop, and would stop for good after an error.
 *
 * At the end of the process the stream still hands to the kernel what a pipe has room for; the rest is lost.
 */
function openStandardOutput(writeLast: () => void): Output {
	process.on("exit", writeLast);
	const stats = fstatSync(STANDARD_OUTPUT);
	if (!stats.isFIFO() && !stats.isSocket()) {
		return {
			put: (text, done) => write(STANDARD_OUTPUT, text, (error, count) => done(error, text.subarray(count ?? 0))),
			putLast: writeAllSync,
			end: () => void process.off("exit", writeLast),
		};
	}
	// The write's callback handles the error. Without this listener, the error event would end the process.
	const ignore = () => {};
	process.stdout.on("error", ignore);
	return {
		put: (text, done) => void process.stdout.write(text, (error) => done(error ?? null, NOTHING)),
		putLast: (text) => void process.stdout.write(text),
		end() {
			process.stdout.off("error", ignore);
			process.off("exit", writeLast);
		},
	};
}

function writeAllSync(text: Buffer): void {
	try {
		for (let at = 0; at < text.length;) at += writeSync(STANDARD_OUTPUT, text, at);
	} catch {
		// The process ends, and there is nobody to tell: the disk is full, or the terminal is gone.
	}
}
