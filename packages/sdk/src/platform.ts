// The parts of the platform that the SDK uses, as its own minimal types, so that its .d.ts files need neither the DOM's
// types nor Node's. All of this exists in Node, Deno, Bun, edge runtimes and browsers.

/** The part of an `AbortSignal` that the SDK uses. Every `AbortSignal` is assignable. */
export interface AbortSignalLike {
	readonly aborted: boolean;
	readonly reason?: unknown;
	addEventListener(type: "abort", listener: () => void): void;
	removeEventListener(type: "abort", listener: () => void): void;
}

/** The platform's own `AbortSignal` type if there is one. */
export type PlatformAbortSignal = typeof globalThis extends { AbortSignal: { prototype: infer T } }
	? T
	: AbortSignalLike;

/** The options passed to `fetch` on each try. */
export interface FetchInit {
	readonly method: string;
	readonly headers: Record<string, string>;
	readonly body?: string;
	readonly redirect: "manual";
	readonly signal: PlatformAbortSignal;
}

/** The part of a `Response` that the SDK uses. */
export interface FetchResponse {
	readonly status: number;
	readonly headers: { get(name: string): string | null };
	text(): Promise<string>;
	/** Needed only for streams. */
	readonly body?: { getReader(): StreamReaderLike } | null;
}

/** The part of a body's reader that the SDK uses. */
export interface StreamReaderLike {
	read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
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
