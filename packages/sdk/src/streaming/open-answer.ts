// A streaming response: its text as it arrives, until either side ends it.
import { ConnectionError, TimeoutError, UnexpectedResponseError } from "../errors.ts";
import { throwIfAborted, type AbortSignalLike, type FetchResponse, type StreamReaderLike } from "../platform.ts";

/** A response whose body is still arriving. */
export class OpenAnswer {
	readonly #what: string;
	readonly #reader: StreamReaderLike;
	readonly #signal: AbortSignalLike | undefined;
	readonly #abort: () => void;

	/** `abort` ends the request. `signal` is the caller's; aborting it calls `abort`. */
	constructor(what: string, response: FetchResponse, signal: AbortSignalLike | undefined, abort: () => void) {
		const body = response.body ?? null;
		if (body === null) {
			const message = `${what} returned a response without a readable body. Streams need a fetch whose responses have one.`;
			throw new UnexpectedResponseError(message, { status: response.status, requestId: null });
		}
		this.#what = what;
		this.#reader = body.getReader();
		this.#signal = signal;
		this.#abort = abort;
		signal?.addEventListener("abort", abort);
	}

	/**
	 * Yields the text in pieces. Throws a `ConnectionError` if the connection is lost, and a `TimeoutError` if nothing arrives for
	 * `silenceMs`.
	 */
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
				if (isSilent) throw new TimeoutError(`${this.#what} received nothing for ${silenceMs} ms.`, { cause });
				throw new ConnectionError(`${this.#what} was cut off.`, { cause });
			} finally {
				clearTimeout(timer);
			}
			if (piece.done) return;
			if (piece.value !== undefined) yield decoder.decode(piece.value, { stream: true });
		}
	}

	/** Ends the request if it has not ended yet. */
	close(): void {
		this.#signal?.removeEventListener("abort", this.#abort);
		this.#abort();
	}
}
