// What the SDK uses of the platform, declared as its own smallest types, so that its .d.ts files need neither the DOM's
// types nor Node's. Everything here exists in Node, Deno, Bun, edge runtimes and browsers.

/** The part of an `AbortSignal` that is used. Every real `AbortSignal` fits. */
export interface AbortSignalLike {
	readonly aborted: boolean;
	readonly reason?: unknown;
	addEventListener(type: "abort", listener: () => void): void;
	removeEventListener(type: "abort", listener: () => void): void;
}

/** The platform's own `AbortSignal` type where it has one. */
export type PlatformAbortSignal = typeof globalThis extends { AbortSignal: { prototype: infer T } }
	? T
	: AbortSignalLike;

/** What is handed to `fetch` with each try. */
export interface FetchInit {
	readonly method: string;
	readonly headers: Record<string, string>;
	readonly body?: string;
	readonly redirect: "manual";
	readonly signal: PlatformAbortSignal;
}

/** The part of a `Response` that is used. */
export interface FetchResponse {
	readonly status: number;
	readonly headers: { get(name: string): string | null };
	text(): Promise<string>;
	/** Needed for streams alone. */
	readonly body?: { getReader(): StreamReaderLike } | null;
}

/** The part of a body's reader that is used. */
export interface StreamReaderLike {
	read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
}

/** A `fetch`: the platform's, or one that adds a proxy, a log line or a certificate. */
export type FetchLike = (url: string, init: FetchInit) => Promise<FetchResponse>;

/** Time, chance and the network, as the client meets them. Tests hand in their own; nobody else needs to. */
export interface Runtime {
	readonly fetch: FetchLike;
	/** Milliseconds since the epoch. */
	readonly now: () => number;
	/** 0 ≤ random < 1 */
	readonly random: () => number;
	/** Resolves after `ms`, or rejects with the signal's reason as soon as it is aborted. */
	readonly sleep: (ms: number, signal: AbortSignalLike | undefined) => Promise<void>;
}

export const platformRuntime: Runtime = {
	// Looked up at each call, so that what instruments or replaces the global later is used.
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

/** Throws what an aborted call rejects with: the signal's own reason, as `fetch` does, or an error with it. */
export function throwIfAborted(signal: AbortSignalLike | undefined): void {
	if (signal?.aborted === true) throw abortReason(signal);
}

function abortReason(signal: AbortSignalLike | undefined): Error {
	const reason = signal?.reason;
	return reason instanceof Error ? reason : new Error("The call was aborted.", { cause: reason });
}

/** Whether a `user-agent` may be set: pages and their workers keep their own, and a CORS preflight would refuse ours. */
export function mayNameItself(): boolean {
	return !("document" in globalThis || "importScripts" in globalThis);
}
