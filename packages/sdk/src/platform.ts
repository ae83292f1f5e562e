// The parts of the platform that the SDK uses, as its own minimal types, so that its .d.ts files need neither the DOM's
// types nor Node's. All of this exists in Node, Deno, Bun, edge runtimes and browsers.

/** The part of an `AbortSignal` that the SDK uses. Every `AbortSignal` is assignable. */
export interface AbortSignalLike {
	/** Whether it is aborted. */
	readonly aborted: boolean;
	/** Why it is aborted. */
	readonly reason?: unknown;
	/** Registers a listener for its abort. */
	addEventListener(type: "abort", listener: () => void): void;
	/** Removes a listener. */
	removeEventListener(type: "abort", listener: () => void): void;
}

/** The platform's own `AbortSignal` type if there is one. */
export type PlatformAbortSignal = typeof globalThis extends { AbortSignal: { prototype: infer T } }
	? T
	: AbortSignalLike;

/** The options passed to `fetch` on each try. */
export interface FetchInit {
	/** The HTTP method. */
	readonly method: string;
	/** The headers, with names in lower case. They contain the key. */
	readonly headers: Record<string, string>;
	/** The body, as JSON. Omitted if the call has none. */
	readonly body?: string;
	/** Redirects are not followed: they would carry the key elsewhere. */
	readonly redirect: "manual";
	/** Aborted at the time limit of the call, or by its own signal. */
	readonly signal: PlatformAbortSignal;
}

/** The part of a `Response` that the SDK uses. */
export interface FetchResponse {
	/** The HTTP status. */
	readonly status: number;
	/** The headers of the response. */
	readonly headers: {
		/** Returns the value of a header; null if there is none. */
		get(name: string): string | null;
	};
	/** Reads the whole body as text. */
	text(): Promise<string>;
	/** Needed only for streams. */
	readonly body?: {
		/** Starts to read the body piece by piece. */
		getReader(): StreamReaderLike;
	} | null;
}

/** A piece of a body. */
export interface StreamPieceLike {
	/** Whether the body has ended. */
	readonly done: boolean;
	/** The bytes; not present at the end. */
	readonly value?: Uint8Array | undefined;
}

/** The part of a body's reader that the SDK uses. */
export interface StreamReaderLike {
	/** Reads the next piece of the body. */
	read(): Promise<StreamPieceLike>;
}

/** A `fetch` function: the platform's, or your own that adds a proxy, a log or a certificate. */
export type FetchLike = (url: string, init: FetchInit) => Promise<FetchResponse>;

/** The clock, randomness and network of a client. For tests, which replace them. */
export interface Runtime {
	readonly fetch: FetchLike;
	/** Milliseconds since the epoch. */
	readonly now: () => number;
	/** 0 ≤ random < 1 */
	readonly random: () => number;
	/** Resolves after `ms` milliseconds, or rejects with the signal's reason as soon as it is aborted. */
	readonly sleep: (ms: number, signal: AbortSignalLike | undefined) => Promise<void>;
}

/** The platform's own clock, randomness and network. */
export const platformRuntime: Runtime = {
	// Looked up on each call, so that a global `fetch` that is replaced or instrumented later is used.
	fetch: (url, init) => globalThis.fetch(url, init),
	now: () => Date.now(),
	random: () => Math.random(),
	sleep,
};

function sleep(ms: number, signal: AbortSignalLike | undefined): Promise<void> {
	return new Promise((resolve, reject) => {
		throwIfAborted(signal);
		const stop = () => {
			clearTimeout(timer);
			reject(abortReason(signal));
		};
		const timer = setTimeout(() => {
			signal?.removeEventListener("abort", stop);
			resolve();
		}, ms);
		signal?.addEventListener("abort", stop);
	});
}

/**
 * Throws if the signal is aborted: its reason, as `fetch` does, or an `Error` with the reason as `cause` if it is not
 * an `Error`.
 */
export function throwIfAborted(signal: AbortSignalLike | undefined): void {
	if (signal?.aborted === true) throw abortReason(signal);
}

function abortReason(signal: AbortSignalLike | undefined): Error {
	const reason = signal?.reason;
	return reason instanceof Error ? reason : new Error("The call was aborted.", { cause: reason });
}

/**
 * Whether the SDK may set `user-agent`. Not in pages and workers: browsers set their own, and a CORS preflight would
 * fail.
 */
export function mayNameItself(): boolean {
	return !("document" in globalThis || "importScripts" in globalThis);
}
