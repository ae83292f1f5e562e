// An answer that goes on: its text as it comes, until either side ends it.
import { ConnectionError, UnexpectedResponseError } from "./errors.ts";
import { throwIfAborted, type AbortSignalLike, type FetchResponse, type StreamReaderLike } from "./platform.ts";

export class OpenAnswer {
	readonly #what: string;
	readonly #reader: StreamReaderLike;
	readonly #signal: AbortSignalLike | undefined;
	readonly #abort: () => void;

	/** `abort` ends the request; `signal` is the caller's, and does the same. */
	constructor(what: string, response: FetchResponse, signal: AbortSignalLike | undefined, abort: () => void) {
		const body = response.body ?? null;
		if (body === null) {
			const message = `${what} gave no body to read from: a stream needs a fetch whose responses have one.`;
			throw new UnexpectedResponseError(message, { status: response.status, requestId: null });
		}
		this.#what = what;
		this.#reader = body.getReader();
		this.#signal = signal;
		this.#abort = abort;
		signal?.addEventListener("abort", abort);
	}

	/** Throws a `ConnectionError` if it breaks off, or if nothing comes for `silenceMs`. */
	async *pieces(silenceMs: number): AsyncGenerator<string, void, undefined> {
		const decoder = new TextDecoder();
		for (;;) {
			let isSilent = false;
			const timer = setTimeout(() => {
				isSilent = true;
				this.#abort();
			}, silenceMs);
			let piece: Awaited<ReturnType<StreamReaderLike["read"]>>;
			try {
				piece = await this.#reader.read();
			} catch (cause) {
				throwIfAborted(this.#signal);
				const trouble = isSilent ? `has brought nothing for ${silenceMs} ms` : "was cut off";
				throw new ConnectionError(`${this.#what} ${trouble}.`, { cause });
			} finally {
				clearTimeout(timer);
			}
			if (piece.done) return;
			if (piece.value !== undefined) yield decoder.decode(piece.value, { stream: true });
		}
	}

	/** Ends the request, if it has not ended. */
	close(): void {
		this.#signal?.removeEventListener("abort", this.#abort);
		this.#abort();
	}
}
