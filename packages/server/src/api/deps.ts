// The parts that the API needs, its limits, and the line that it logs for each request.
import type { Clock } from "../core/clock.ts";
import type { Engine } from "../engine/calls.ts";
import type { RequestLine } from "../ports/log.ts";
import type { Store } from "../ports/store/store.ts";

/** The reads that the API makes from the store itself. Every change goes through the engine. */
export type ApiStore = Pick<
	Store,
	"events" | "event" | "eventBody" | "deliveries" | "delivery" | "attempts" | "auditEntries"
>;

/**
 * Finds the IP address of a client for the log; null if it is not known. `peer` is the remote address of the connection,
 * `forwardedFor` the value of `X-Forwarded-For`. Access must never depend on the result.
 */
export type ClientAddress = (peer: string | undefined, forwardedFor: string | undefined) => string | null;

export interface ApiDeps {
	readonly engine: Engine;
	readonly store: ApiStore;
	/** The metrics in the text format of Prometheus. */
	readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
	/** Called once for each request, when its response is ready. Must not throw. */
	readonly requestLog: (line: RequestLine) => void;
	readonly clientAddress: ClientAddress;
	/** Returns a new id for a request: see `createRequestIds`. */
	readonly makeRequestId: () => string;
	/** Measures how long requests take. */
	readonly clock: Pick<Clock, "monotonicMs">;
	/** The version of the server, such as `0.1.0`. */
	readonly version: string;
	/** The address that people use, such as `https://fanfare.example.com`, for the documents; null if it is not known. */
	readonly publicUrl: string | null;
	readonly limits?: Partial<ApiLimits>;
}

export interface ApiLimits {
	/** Bytes of request bodies in memory at once, over all requests. A request that would exceed it gets a 503. */
	readonly bodyBytesInHand: number;
}

export const DEFAULT_LIMITS: ApiLimits = { bodyBytesInHand: 64 * 1_024 * 1_024 };
