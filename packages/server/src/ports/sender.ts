// The ports for HTTP: the sender makes attempts, and the guard checks endpoints before they are registered.
import type { AttemptConnection } from "../core/delivery.ts";
import type { AttemptErrorName, ErrorCause } from "../core/log/attempt-cause.ts";

/**
 * Why an attempt says nothing about its receiver. It uses up no retry and is made again.
 *
 * - aborted: it was cut short, for example by a stop.
 * - shortage: this process could get no descriptor or no memory for its connection or look-up.
 * - queued: its time was over before it came to the head of one of the sender's own lines, so that nothing was sent.
 * - away: the client of a relay was not connected, or has not answered.
 */
export const OWN_FAILURES = ["aborted", "shortage", "queued", "away"] as const;
export type OwnFailure = (typeof OWN_FAILURES)[number];
export type AttemptError = AttemptErrorName | OwnFailure;

export function isOwnFailure(error: AttemptError | null): error is OwnFailure {
	return error === "aborted" || error === "shortage" || error === "queued" || error === "away";
}

/** One HTTP POST, complete and signed. */
export interface AttemptRequest {
	/** Whose webhook it is: the operator can allow a host for one project. Projects share no connections. */
	projectId: string;
	/** The customer whose webhook it is: what the operator allows need not count for customers. Null or omitted for none. */
	customerId?: string | null;
	/** Absolute `http:` or `https:` URL, or the endpoint of a relay. */
	url: string;
	/** Lower-case names. `content-length` and `host` are added by the sender. */
	headers: Readonly<Record<string, string>>;
	body: Uint8Array;
	/** The time from the call of `send` to the last byte of the response that is read. */
	timeoutMs: number;
	/** What the client of a relay is told of the attempt. Omitted for other endpoints and for tests. */
	attempt?: RelayedAttempt;
	/** Ends the attempt early with the error `aborted`. */
	signal?: AbortSignal;
}

/** An attempt to a relay. */
export interface RelayedAttempt {
	/** See `relayRequestId` of core/receivers/relay.ts. */
	readonly requestId: string;
	readonly deliveryId: string;
	readonly number: number;
	readonly trigger: string;
}

/** How one attempt ended. */
export interface AttemptOutcome {
	/** The status of the response; 0 if no response came. */
	responseCode: number;
	error: AttemptError | null;
	/** What went wrong, in words, such as `connection refused by 203.0.113.7:443`; null if the response is complete. */
	reason: string | null;
	/**
	 * What only the operator may see, for the log: the address that is not public and that a name resolved to; null if there
	 * is nothing more than the reason.
	 */
	detail: string | null;
	/** What exactly has failed. Null if the response is complete, and for an own failure. */
	cause: ErrorCause | null;
	durationMs: number;
	/** The time until the first byte of the response; null if none came. */
	firstByteMs: number | null;
	/** Null if the attempt got no connection, and none was tried for it. */
	connection: AttemptConnection | null;
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

export type AttemptEnded = (outcome: AttemptOutcome) => void;

/** Makes one attempt, for those who make few: resolves with its outcome, and never rejects. */
export function attemptOnce(sender: Pick<Sender, "send">, request: AttemptRequest): Promise<AttemptOutcome> {
	return new Promise((resolve) => sender.send(request, resolve));
}

/** Sends attempts. */
export interface Sender {
	/**
	 * Makes one HTTP request and calls `ended` once with how it ended, at once or later. Never throws: every failure is an outcome. Follows
	 * no redirect, decompresses nothing, and reads at most 64 KiB of the response body. `ended` must not throw. It is a callback
	 * and no promise, as everything from the claim of a delivery to its commit.
	 */
	send(request: AttemptRequest, ended: AttemptEnded): void;
	/**
	 * Ends each attempt under way with the error `aborted`, those that still wait for a connection too. Later calls of
	 * `send` are not affected.
	 */
	abort(): void;
	/** Closes idle connections and aborts the attempts under way. Later attempts are `aborted` at once. May be called twice. */
	close(): Promise<void>;
}

/** A host that the operator lets be called whatever its addresses are. */
export interface AllowedHost {
	/** A name or an address, as `URL` writes it: in lower case, an IPv6 address in brackets. */
	readonly host: string;
	/** Null for all projects. */
	readonly projectId: string | null;
}

/** Checks endpoints before they are registered. The sender checks the address again on each connection. */
export interface EndpointGuard {
	/**
	 * Returns null if a project may register the URL for itself, or for the customer if there is one, otherwise a sentence that says why not and what to do. Checks only
	 * the URL itself: scheme, user info, fragment, an address in any notation, a name without a dot. Makes no DNS lookup.
	 */
	reject(endpoint: string, projectId: string, customerId?: string | null): string | null;
}
