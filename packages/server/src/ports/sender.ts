// The ports for HTTP: the sender makes attempts, and the guard checks endpoints before they are registered.

/**
 * Why an attempt got no complete response. A complete response is never an error, whatever its status. A response that
 * broke off is an error, and its status is reported too.
 */
export const ATTEMPT_ERRORS = [
	"timeout",
	"dns",
	"refused",
	"reset",
	"tls",
	"blocked_address",
	"protocol",
	"unreachable",
	"aborted",
] as const;
export type AttemptError = (typeof ATTEMPT_ERRORS)[number];

/** One HTTP POST, complete and signed. */
export interface AttemptRequest {
	/** Absolute `http:` or `https:` URL. */
	url: string;
	/** Lower-case names. `content-length` and `host` are added by the sender. */
	headers: Readonly<Record<string, string>>;
	body: Uint8Array;
	/** The time from the call of `send` to the last byte of the response that is read. */
	timeoutMs: number;
	/** Ends the attempt early with the error `aborted`. */
	signal?: AbortSignal;
}

/** How one attempt ended. */
export interface AttemptOutcome {
	/** The status of the response; 0 if no response came. */
	responseCode: number;
	error: AttemptError | null;
	/** What went wrong, in words, such as `connection refused by 203.0.113.7:443`; null if the response is complete. */
	reason: string | null;
	durationMs: number;
	/** Null if no response came. */
	response: AttemptResponse | null;
}

/** The part of a response that the log keeps. */
export interface AttemptResponse {
	/** Lower-case names; values of the same name are joined by `, `; at most 8 KiB in total. */
	headers: Readonly<Record<string, string>>;
	/** The first 4 KiB as text; a note such as `[binary, 1,234 bytes]` if the body is not text; "" if it is empty. */
	body: string;
	/** True if the response body is longer than `body`. */
	bodyTruncated: boolean;
}

/** Sends attempts. */
export interface Sender {
	/**
	 * Makes one HTTP request and reports how it ended. Never rejects: every failure is an outcome. Follows no redirect,
	 * decompresses nothing, and reads at most 64 KiB of the response body.
	 */
	send(request: AttemptRequest): Promise<AttemptOutcome>;
	/**
	 * Ends each attempt under way with the error `aborted`, those that still wait for a connection too. Later calls of
	 * `send` are not affected.
	 */
	abort(): void;
	/** Closes idle connections and aborts the attempts under way. Later attempts are `aborted` at once. May be called twice. */
	close(): Promise<void>;
}

/** Checks endpoints before they are registered. The sender checks the address again on each connection. */
export interface EndpointGuard {
	/**
	 * Returns null if the URL may be called, otherwise a sentence that says why not and what to do. Checks only the URL
	 * itself: scheme, user info, fragment, and an address in any notation. Makes no DNS lookup.
	 */
	reject(endpoint: string): string | null;
}
