// What a test and a conformance check of a webhook send, and their results.
import type { Graded } from "../core/conformance/grade.ts";
import type { AttemptResponse } from "../ports/sender.ts";

/** The sample that a test sends. At least one of the fields is not null. */
export interface TestSample {
	/** The type of the event; null for that of Fanfare's own sample. */
	readonly eventType: string | null;
	/** The data, as the JSON text that was sent; null for the example of the type. */
	readonly dataJson: string | null;
}

/** The result of a test of a webhook. */
export interface WebhookTest {
	readonly status: "Ok" | "Failed";
	/** The status of the last response; 0 if there was no response. */
	readonly responseCode: number;
	readonly latencyMs: number;
	readonly attemptCount: number;
	/** The body of the last response; null if it was empty or there was no response. */
	readonly body: string | null;
	/** Why the test failed; null if it succeeded. */
	readonly reason: string | null;
	/**
	 * Whose failure the last attempt was: `fanfare` if this server could not make it, which says nothing about the receiver.
	 * Null if the test succeeded.
	 */
	readonly failedBy: "receiver" | "fanfare" | null;
	/** The last attempt. */
	readonly exchange: TestExchange;
}

/** The request of an attempt as it was sent, and what came back. */
export interface TestExchange {
	readonly endpoint: string;
	/** Lower-case names. The values of the webhook's own headers are hidden. */
	readonly requestHeaders: Readonly<Record<string, string>>;
	readonly requestBody: Uint8Array;
	readonly responseCode: number;
	/** Null if no response came. */
	readonly response: AttemptResponse | null;
}

/** The options of a conformance check. Null means the default. */
export interface ConformanceAsked extends TestSample {
	/** The names of the checks that are made beside the basic ones; null for all. */
	readonly checks: readonly string[] | null;
	/** How many requests come at once. */
	readonly burst: number | null;
	/** How long an answer may take. */
	readonly slowMs: number | null;
}

/** The result of a conformance check of a receiver. */
export interface Conformance {
	/** Whether all checks that were asked for were made and passed. */
	readonly conforms: boolean;
	/** Why the rest was skipped, which says nothing about the receiver; null if it was not. */
	readonly endedEarly: string | null;
	readonly requestCount: number;
	readonly checks: readonly Graded[];
}
