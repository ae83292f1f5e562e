// The attempts of a delivery: what was sent, what came back, and why one failed.
import type * as wire from "../../wire/generated/types.ts";

/** The kind of failure because of which no complete response came. */
export type AttemptError =
	| "timeout"
	| "dns"
	| "refused"
	| "reset"
	| "tls"
	| "blocked_address"
	| "protocol"
	| "unreachable";

/** Why an attempt failed. docs/causes.md has the likely reason and the cure of each. */
export type AttemptCause = wire.Attempt["cause"] & string;

/** The last attempt of a delivery in short. */
export interface LastAttempt {
	/** When it began, in milliseconds since the epoch. */
	readonly startDate: number;
	/** From the start to the end of the response, or to the failure, in milliseconds. */
	readonly durationMs: number;
	/** The HTTP status; 0 if there was no response. */
	readonly responseCode: number;
	/** An `AttemptError`; null if there was a complete response. */
	readonly error: string | null;
	/** Null if it succeeded. */
	readonly cause: AttemptCause | null;
	/** `auto`: the schedule; `manual`: a retry by hand; `replay`: a replay. */
	readonly trigger: "auto" | "manual" | "replay";
}

/**
 * How long the steps of an attempt took, in milliseconds. The first three are those of the connection, for the first attempt that
 * uses it. They are null if the connection was kept from an earlier attempt, and for a step that was not needed or did not end.
 */
export interface AttemptTimings {
	/** Looking up the name. */
	readonly lookupMs: number | null;
	/** Connecting; through a proxy, until its tunnel was open. */
	readonly connectMs: number | null;
	/** The TLS handshake. */
	readonly tlsMs: number | null;
	/** From the start of the attempt to the first byte of the response; null if none came. */
	readonly firstByteMs: number | null;
}

/** One HTTP request of a delivery. */
export interface Attempt {
	/** Such as `atm_…`. */
	readonly id: string;
	/** Always `"attempt"`. */
	readonly object: "attempt";
	/** Counts from 1. */
	readonly number: number;
	/** `auto`: the schedule; `manual`: a retry by hand; `replay`: a replay. */
	readonly trigger: "auto" | "manual" | "replay";
	/** When it began, in milliseconds since the epoch. */
	readonly startDate: number;
	/** From the start to the end of the response, or to the failure. */
	readonly durationMs: number;
	/** The URL that was called, which the webhook may have changed since; null if it is not known (any more). */
	readonly endpoint: string | null;
	/** The IP address that was called; null if none was reached, or if it is not public. */
	readonly remoteAddress: string | null;
	/** How long its steps took. */
	readonly timings: AttemptTimings;
	/** When the receiver's certificate expires, in milliseconds since the epoch; null if no TLS handshake has succeeded. */
	readonly certificateExpireDate: number | null;
	/** The HTTP status; 0 if there was no response. */
	readonly responseCode: number;
	/** `timeout`, `dns`, `refused`, `reset`, `tls`, `blocked_address` …; null if there was a complete response. */
	readonly error: string | null;
	/** Why it failed: `connect_timeout`, `name_not_found`, `certificate_expired`, `status_5xx` …; null if it succeeded. */
	readonly cause: AttemptCause | null;
	/** Describes the error as a sentence; null if there was none. */
	readonly reason: string | null;
	/** The request, as it was sent. */
	readonly request: {
		/** With names in lower case. Values that the webhook has set are shown as `***`. */
		readonly headers: Readonly<Record<string, string>>;
	};
	/** The response; null if there was none. */
	readonly response: {
		/** With names in lower case. */
		readonly headers: Readonly<Record<string, string>>;
		/** The first 4 KiB as text, or a note if it is not text. */
		readonly body: string;
		/** Whether the response body was longer. */
		readonly bodyTruncated: boolean;
	} | null;
}
