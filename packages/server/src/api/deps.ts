// The parts that the API needs, its limits, and the line that it logs for each request.
import type { Engine } from "../engine/calls.ts";
import type { Store } from "../ports/store/store.ts";

/** The reads that the API makes from the store itself. Every change goes through the engine. */
export type ApiStore = Pick<
	Store,
	"events" | "event" | "eventBody" | "deliveries" | "delivery" | "attempts" | "auditEntries"
>;

export interface ApiDeps {
	readonly engine: Engine;
	readonly store: ApiStore;
	/** The metrics in the text format of Prometheus. */
	readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
	/** Called once for each request, when its response is ready. Must not throw. */
	readonly requestLog: (line: RequestLine) => void;
	/** The version of the server, such as `0.1.0`. */
	readonly version: string;
	readonly limits?: Partial<ApiLimits>;
}

export interface ApiLimits {
	/** Bytes of request bodies in memory at once, over all requests. A request that would exceed it gets a 503. */
	readonly bodyBytesInHand: number;
}

export const DEFAULT_LIMITS: ApiLimits = { bodyBytesInHand: 64 * 1_024 * 1_024 };

/** One log line about a request. It never contains the query, the body, a header or a key. */
export interface RequestLine {
	readonly requestId: string;
	readonly method: string;
	/** The path, without the query. It may be anything, so it is cut to 200 characters. */
	readonly path: string;
	/** The route's path, with parameter names in braces; null if no route matches. */
	readonly route: string | null;
	readonly status: number;
	readonly durationMs: number;
	readonly bodyBytes: number;
	readonly keyId: string | null;
	/** The code of the error; null if the request succeeded. */
	readonly code: string | null;
	/** The error behind a 5xx, for the log only; otherwise null. */
	readonly cause: unknown;
}
