// A call of the client and its request and response, as data.
import type { Client } from "../src/index.ts";

/** One call of the client, with its HTTP request and response. */
export interface WireCase {
	readonly call: (client: Client) => PromiseLike<unknown>;
	/** Method, path and, if there is one, body. */
	readonly sends: readonly [method: string, url: string, body?: unknown];
	/** The body of the response. */
	readonly answer: unknown;
	/** The value that the call returns. Defaults to `answer`. */
	readonly gives?: unknown;
}

const wireValues = {
	accepted: 3,
	attempts: { succeeded: 2, failed: 1 },
	succeeded: 2,
	exhausted: 1,
	latencyMs: { p50: 12, p95: 80, p99: null },
};
export const wireStats = {
	object: "stats",
	width: "day",
	from: 86_400_000,
	to: 172_800_000,
	data: [{ start: 86_400_000, ...wireValues }],
	totals: wireValues,
	deliveries: { Pending: 0, Succeeded: 2, Failed: 1, Held: 0, Cancelled: 0 },
};

export const wireSeries = {
	object: "webhookStats",
	width: "day",
	from: 86_400_000,
	to: 172_800_000,
	data: [{ webhookId: "webhook_1", attempts: { succeeded: [2], failed: [1] } }],
};

export const emptyPage = { nextPage: null, prevPage: null, data: [] };
