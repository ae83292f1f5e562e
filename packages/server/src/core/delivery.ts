// Deliveries: one event on its way to one webhook. Only `transition` changes the status of a delivery.
//
//   Pending ── success ─▶ Succeeded
//   Pending ── retries exhausted, or the receiver responded with 410 ─▶ Failed
//   Pending ── hold: the webhook was paused or disabled ─▶ Held ── resume ─▶ Pending
//   Pending or Held ── cancel: by hand, or the webhook was deleted ─▶ Cancelled
//   Failed or Cancelled ── retry by hand, 100 times at most ─▶ Pending
//
// Succeeded, Failed and Cancelled are final. An attempt can still be in flight when its delivery is held or cancelled,
// or when its lease ended and another attempt began: `transition` says what its late outcome does.
import type { AttemptCause } from "./log/attempt-cause.ts";
import { retryDelayMs, type RetryPolicy } from "./policies/retry-policy.ts";

export const DELIVERY_STATUSES = ["Pending", "Succeeded", "Failed", "Held", "Cancelled"] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

export const ATTEMPT_TRIGGERS = ["auto", "manual", "replay"] as const;
export type AttemptTrigger = (typeof ATTEMPT_TRIGGERS)[number];

/** The largest number of retries of one delivery by hand. */
export const MAX_RETRIES_BY_HAND = 100;

/** The part of a delivery that changes. */
export interface DeliveryState {
	readonly status: DeliveryStatus;
	/**
	 * Why the delivery is in this status, in words; for Pending, why its last attempt failed. Null if there is nothing to
	 * say.
	 */
	readonly reason: string | null;
	/** All recorded attempts. */
	readonly attemptCount: number;
	/** Recorded attempts of the automatic schedule, whose number `maxRetries` limits. */
	readonly autoAttemptCount: number;
	/** When the next attempt is due; null unless Pending. */
	readonly nextAttemptAt: number | null;
	/**
	 * Until when a process has reserved the delivery; no other process attempts it before then. Null if it is not leased.
	 */
	readonly leaseUntil: number | null;
	/** What causes the next attempt. */
	readonly trigger: AttemptTrigger;
	/** If a manual attempt comes before the next automatic one: when the automatic one is due. Otherwise null. */
	readonly scheduleResumesAt: number | null;
	/** The response code of the last attempt: 0 if no response came; null before the first attempt. */
	readonly responseCode: number | null;
}

/** A delivery in the log. */
export interface Delivery extends DeliveryState {
	readonly id: string;
	readonly projectId: string;
	readonly eventId: string;
	readonly eventType: string;
	readonly webhookId: string;
	/** The customer of its webhook. */
	readonly customerId: string | null;
	readonly createDate: number;
	readonly updateDate: number;
}

/** How long the steps of opening a connection took, in ms. Null for a step that was not needed or did not end. */
export interface ConnectionOpening {
	readonly lookupMs: number | null;
	/** Through a proxy: until the tunnel was open. */
	readonly connectMs: number | null;
	readonly tlsMs: number | null;
}

/** The connection of an attempt, also one that could not be opened. */
export interface AttemptConnection {
	/** The receiver's address. Null if none was reached, or if it is not public: such addresses are the operator's business. */
	readonly remoteAddress: string | null;
	/** When the receiver's certificate expires; null without TLS. */
	readonly certificateExpireDate: number | null;
	/** Null if an earlier attempt has used the connection, too. */
	readonly opening: ConnectionOpening | null;
}

/** One HTTP request of a delivery, in the log. */
export interface Attempt {
	readonly id: string;
	/** Counts the attempts of the delivery from 1. */
	readonly number: number;
	readonly trigger: AttemptTrigger;
	readonly startDate: number;
	readonly durationMs: number;
	/** 0 if no response came. */
	readonly responseCode: number;
	/** One of `ATTEMPT_ERRORS` of log/attempt-cause.ts; null if the response is complete. */
	readonly error: string | null;
	/** The error in words; null if the response is complete. */
	readonly reason: string | null;
	/** Why it failed; null if it succeeded. */
	readonly cause: AttemptCause | null;
	/** The revision of the webhook that was called; null if it is not known, as of attempts of version 0.1. */
	readonly webhookRevision: number | null;
	/** From the start to the first byte of the response, in ms; null if none came, or if it is not known. */
	readonly firstByteMs: number | null;
	/** Null if it is not known, or if there was none yet. */
	readonly connection: AttemptConnection | null;
	/** With `HIDDEN_VALUE` instead of the values of custom headers. */
	readonly requestHeaders: Readonly<Record<string, string>>;
	/** The part of the response that is kept; null if no response came. */
	readonly response: {
		readonly headers: Readonly<Record<string, string>>;
		readonly body: string;
		readonly bodyTruncated: boolean;
	} | null;
}

/**
 * What the outcome of an attempt means for its delivery. `gone` is a response with 410. All kinds have all properties, in this
 * order, so that V8 has one shape for them: otherwise it throws optimised code away at the first failures.
 */
export type AttemptVerdict =
	| { readonly kind: "success"; readonly responseCode: number; readonly reason: null; readonly retryAfterMs: null }
	| { readonly kind: "gone"; readonly responseCode: number; readonly reason: null; readonly retryAfterMs: null }
	| {
			readonly kind: "failure";
			readonly responseCode: number;
			readonly reason: string;
			/** The wait that the receiver asked for, in ms; it can only lengthen the back-off. */
			readonly retryAfterMs: number | null;
	  };

/** A change of a delivery, for `transition`. */
export type DeliveryChange =
	/** A process reserves the delivery for itself. */
	| { readonly type: "lease"; readonly until: number }
	/** The lease ends without an attempt: with `leaseUntil`, only if it is that lease. */
	| { readonly type: "release"; readonly leaseUntil?: number }
	/** The outcome of an attempt is recorded. */
	| {
			readonly type: "attempted";
			readonly at: number;
			readonly trigger: AttemptTrigger;
			readonly verdict: AttemptVerdict;
			readonly policy: RetryPolicy;
			/** 0 ≤ random < 1. Part of the change, so that applying it again gives the same result. */
			readonly random: number;
	  }
	/** The webhook was paused or disabled. */
	| { readonly type: "hold"; readonly reason: string }
	/** The webhook is Enabled again. */
	| { readonly type: "resume"; readonly at: number }
	| { readonly type: "cancel"; readonly reason: string }
	/** Another attempt was asked for by hand. Does not apply if `isRetryLimitReached`. */
	| { readonly type: "retry"; readonly at: number };

/** A new delivery that is due at `at`. `leaseUntil` is null unless the caller is about to attempt it. */
export function newDelivery(at: number, leaseUntil: number | null, trigger: AttemptTrigger = "auto"): DeliveryState {
	return {
		status: "Pending",
		reason: null,
		attemptCount: 0,
		autoAttemptCount: 0,
		nextAttemptAt: at,
		leaseUntil,
		trigger,
		scheduleResumesAt: null,
		responseCode: null,
	};
}

/** A new delivery for a webhook that is paused or disabled. */
export function newHeldDelivery(reason: string): DeliveryState {
	return { ...newDelivery(0, null), status: "Held", reason, nextAttemptAt: null };
}

/**
 * The state of a delivery after `change`. Returns the same object if the change does not apply, such as cancelling a
 * Succeeded delivery.
 *
 * A late outcome always counts. It does not change a Cancelled or Succeeded delivery, a late success makes a Failed or
 * Held one Succeeded, and a late failure leaves a Held one Held unless it exhausts the retries. The late failure of a
 * retry by hand whose other attempt has restored the schedule does not end that schedule.
 */
export function transition(state: DeliveryState, change: DeliveryChange): DeliveryState {
	switch (change.type) {
		case "lease":
			return state.status === "Pending" ? { ...state, leaseUntil: change.until } : state;
		case "release":
			if (state.leaseUntil === null || state.leaseUntil !== (change.leaseUntil ?? state.leaseUntil)) return state;
			return { ...state, leaseUntil: null };
		case "attempted":
			return attempted(state, change);
		case "hold":
			if (state.status !== "Pending") return state;
			return { ...state, status: "Held", reason: change.reason, nextAttemptAt: null, leaseUntil: null };
		case "resume":
			if (state.status !== "Held") return state;
			return { ...state, status: "Pending", reason: null, nextAttemptAt: change.at };
		case "cancel":
			if (state.status !== "Pending" && state.status !== "Held") return state;
			return end(state, "Cancelled", change.reason);
		case "retry":
			return retryByHand(state, change.at);
	}
}

/** The time from which a process may lease the delivery; null unless it is Pending. */
export function dueAt(state: DeliveryState): number | null {
	return state.status === "Pending" ? (state.leaseUntil ?? state.nextAttemptAt) : null;
}

/**
 * Whether the delivery has had all its retries by hand. False while the last of them is still due, since asking for it
 * again is not another retry. An attempt counts when its outcome is recorded, so one that was in flight when its
 * delivery was cancelled, or whose lease ended, can come on top.
 */
export function isRetryLimitReached({ trigger, attemptCount, autoAttemptCount }: DeliveryState): boolean {
	return trigger !== "manual" && attemptCount - autoAttemptCount >= MAX_RETRIES_BY_HAND;
}

function attempted(state: DeliveryState, change: DeliveryChange & { type: "attempted" }): DeliveryState {
	const { verdict } = change;
	const byHand = change.trigger === "manual";
	const counted: DeliveryState = {
		...state,
		attemptCount: state.attemptCount + 1,
		autoAttemptCount: state.autoAttemptCount + (byHand ? 0 : 1),
		leaseUntil: null,
		responseCode: verdict.responseCode,
	};
	if (state.status === "Cancelled" || state.status === "Succeeded") return counted;
	if (verdict.kind === "success") return end(counted, "Succeeded", null);
	if (state.status === "Failed") return counted;
	if (verdict.kind === "gone") return end(counted, "Failed", "the receiver responded with 410: the webhook is gone");
	if (byHand) return state.trigger === "manual" ? afterFailureByHand(counted, verdict.reason) : counted;
	const isExhausted = counted.autoAttemptCount > change.policy.maxRetries;
	const backoffMs = retryDelayMs(change.policy, counted.autoAttemptCount, () => change.random);
	const nextAttemptAt = change.at + Math.max(backoffMs, verdict.retryAfterMs ?? 0);
	// A manual retry was requested while this attempt was in flight (after a cancellation or a pause): it is still due.
	if (state.trigger === "manual") {
		const goesOn = state.scheduleResumesAt !== null && !isExhausted;
		return { ...counted, scheduleResumesAt: goesOn ? nextAttemptAt : null };
	}
	if (isExhausted) {
		return end(counted, "Failed", exhaustedReason(counted.autoAttemptCount, verdict.reason));
	}
	if (state.status === "Held") return { ...counted, trigger: "auto" };
	return { ...counted, reason: verdict.reason, nextAttemptAt, trigger: "auto" };
}

function exhaustedReason(attempts: number, reason: string): string {
	return `exhausted after ${attempts} ${attempts === 1 ? "attempt" : "attempts"}: ${reason}`;
}

/**
 * A failed manual retry restores the state from before: the automatic schedule continues, or the delivery is Failed.
 */
function afterFailureByHand(state: DeliveryState, reason: string): DeliveryState {
	if (state.scheduleResumesAt === null) return end(state, "Failed", reason);
	if (state.status === "Held") return { ...state, trigger: "auto", scheduleResumesAt: null };
	return { ...state, reason, nextAttemptAt: state.scheduleResumesAt, trigger: "auto", scheduleResumesAt: null };
}

function retryByHand(state: DeliveryState, at: number): DeliveryState {
	if (isRetryLimitReached(state)) return state;
	switch (state.status) {
		case "Failed":
		case "Cancelled":
			return {
				...state,
				status: "Pending",
				reason: null,
				nextAttemptAt: at,
				trigger: "manual",
				scheduleResumesAt: null,
			};
		case "Pending":
			// If it is leased, an attempt is already under way. If it is manual, somebody else has just requested a retry.
			if (state.leaseUntil !== null || state.trigger === "manual") return state;
			return { ...state, nextAttemptAt: at, trigger: "manual", scheduleResumesAt: state.nextAttemptAt };
		case "Succeeded":
		case "Held":
			return state;
	}
}

function end(state: DeliveryState, status: DeliveryStatus, reason: string | null): DeliveryState {
	return { ...state, status, reason, nextAttemptAt: null, leaseUntil: null, trigger: "auto", scheduleResumesAt: null };
}
