// What the domain needs of HTTP: one attempt out, its outcome back; and a judgement on addresses.

/**
 * Why an attempt got no whole answer. A whole answer is never an error, whatever its status; one that broke off is,
 * beside the status that had come.
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

/** One HTTP POST, ready to go: already signed, body and headers final. */
export interface AttemptRequest {
	/** Absolute `http:` or `https:` URL. */
	url: string;
	/** Lower-case names. `content-length` and `host` are added by the sender. */
	headers: Readonly<Record<string, string>>;
	body: Uint8Array;
	/** The total time from now to the last byte of the answer that is wanted. */
	timeoutMs: number;
	/** Ends the attempt early with the error `aborted`. */
	signal?: AbortSignal;
}

/** How one attempt ended. */
export interface AttemptOutcome {
	/** The status of the answer, 0 if none came. */
	responseCode: number;
	error: AttemptError | null;
	/** A sentence for people on what went wrong, such as `connection refused by 203.0.113.7:443`; null if a whole answer came. */
	reason: string | null;
	durationMs: number;
	response: AttemptResponse | null;
}

/** What is kept of an answer. */
export interface AttemptResponse {
	/** Lower-case names; several values of one name joined by `, `; at most 8 KiB in all. */
	headers: Readonly<Record<string, string>>;
	/** The first 4 KiB as text; a note such as `[binary, 1,234 bytes]` if it is not text; "" if it is empty. */
	body: string;
	/** True if the answer had more than `body` shows. */
	bodyTruncated: boolean;
}

/** Sends attempts. */
export interface Sender {
	/**
	 * Makes one HTTP request and reports how it ended. Never rejects: each failure is an outcome.
	 * Follows no redirect, expands no compression, reads at most 64 KiB of the answer.
	 */
	send(request: AttemptRequest): Promise<AttemptOutcome>;
	/** Closes idle connections and aborts what is still under way. May be called twice. */
	close(): Promise<void>;
}

/** Judges endpoints before they are registered. Names are judged again on each connection. */
export interface EndpointGuard {
	/**
	 * Returns null if the URL may be called, else a sentence that says why not and what to do.
	 * Looks at the URL alone: scheme, user info, fragment, and an address written in any notation. No look-up is made.
	 */
	reject(endpoint: string): string | null;
}
