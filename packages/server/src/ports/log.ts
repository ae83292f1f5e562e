// The log: its levels, and the line that is written for each request.

/** From the most to the least detailed. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One request that was responded to. Contains no query, body, header or key. */
export interface RequestLine {
	readonly requestId: string;
	readonly method: string;
	/** The path, shortened if it matches no route: it may then contain anything. */
	readonly path: string;
	/** The route's path with parameter names in braces; null if no route matches. */
	readonly route: string | null;
	readonly status: number;
	readonly durationMs: number;
	readonly bodyBytes: number;
	/** The client's IP address; null if it is not known. */
	readonly clientAddress: string | null;
	readonly keyId: string | null;
	/** The error code of the response; null if it is not an error. */
	readonly code: string | null;
	/** Why the response was a 5xx, for the log only. */
	readonly cause: unknown;
}
