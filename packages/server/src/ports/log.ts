// The log: its levels, and the line that is written for each request.

/** From the most to the least detailed. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A logger of another program, such as pino's: each method gets fields and a message. */
export type GivenLogger = Readonly<
	Record<Exclude<LogLevel, "silent" | "trace">, (fields: object, message: string) => void>
>;

/** One request that was responded to. Contains no query, body, header or key. */
export interface RequestLine {
	readonly requestId: string;
	/** Whether it asks for health, readiness or metrics: monitoring asks every few seconds. */
	readonly isProbe: boolean;
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
	/** The portal session whose token made the request; null if it was made otherwise. */
	readonly portalSessionId: string | null;
	/** The session of the page in which it was made with the key; null if it was made in none. */
	readonly sessionId: string | null;
	/** The project whose data the caller may use; null if there is none, or if the request was refused before that was checked. */
	readonly projectId: string | null;
	/** The webhook that the path names; null if it names none. */
	readonly webhookId: string | null;
	/** The error code of the response; null if it is not an error. */
	readonly code: string | null;
	/** Why the request was refused, as the response says; null if it is not an error. */
	readonly reason: string | null;
	/** What failed, for the log only; null if nothing did, also if the request was refused. */
	readonly cause: unknown;
}
