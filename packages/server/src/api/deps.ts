// What the api is given, and its limits.
import type { Engine } from "../engine/calls.ts";
import type { RequestLine } from "../ports/log.ts";
import type { Store } from "../ports/store/store.ts";

/** The parts of the store that the api reads by itself; all that changes something goes through the engine. */
export type ApiStore = Pick<
	Store,
	"events" | "event" | "eventBody" | "deliveries" | "delivery" | "attempts" | "auditEntries"
>;

export interface ApiDeps {
	readonly engine: Engine;
	readonly store: ApiStore;
	/** The metrics page, as Prometheus reads it. */
	readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
	/** Called once for each request when it is answered. Must not throw. */
	readonly requestLog: (line: RequestLine) => void;
	/** Of the server, such as `0.1.0`. */
	readonly version: string;
	readonly limits?: Partial<ApiLimits>;
}

export interface ApiLimits {
	/** Bytes of request bodies in hand at once, over all requests; beyond it a request is answered 503. */
	readonly bodyBytesInHand: number;
}

export const DEFAULT_LIMITS: ApiLimits = { bodyBytesInHand: 64 * 1_024 * 1_024 };
