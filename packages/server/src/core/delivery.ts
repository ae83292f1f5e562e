// Deliveries: one event on its way to one webhook. Every change of a status is made by `transition`, and nowhere else.
//
//   Pending ──success──▶ Succeeded
//      │  ▲──────────── retry by hand ◀── Failed ◀── exhausted / webhook gone (410)
//      │  └── resume ── Held ◀── hold (webhook paused or disabled)
//      └──cancel (a person, or the webhook was deleted)──▶ Cancelled
import { retryDelayMs, type RetryPolicy } from "./policies/retry-policy.ts";

export const DELIVERY_STATUSES = ["Pending", "Succeeded", "Failed", "Held", "Cancelled"] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

export const ATTEMPT_TRIGGERS = ["auto", "manual", "replay"] as const;
export type AttemptTrigger = (typeof ATTEMPT_TRIGGERS)[number];

/** The part of a delivery that changes. */
export interface DeliveryState {
	readonly status: DeliveryStatus;
	/** Why it is in this status, in words; null where the status says it all. */
	readonly reason: string | null;
	/** All attempts whose outcome is known. */
	readonly attemptCount: number;
	/** Those of the automatic schedule, which `maxRetries` limits. */
	readonly autoAttemptCount: number;
	/** When the next attempt is due; null unless Pending. */
	readonly nextAttemptAt: number | null;
	/** Until when somebody is at work on it; nobody else touches it before. Null if nobody is. */
	readonly leaseUntil: number | null;
	/** What the next attempt is made for. */
	readonly trigger: AttemptTrigger;
	/** While an attempt by hand goes before the automatic schedule: when that schedule goes on. Null if it doesn't. */
	readonly scheduleResumesAt: number | null;
	/** The last attempt's response code: 0 if none came; null before the first attempt. */
	readonly responseCode: number | null;
}

/** A delivery as the log shows it. */
export interface Delivery extends DeliveryState {
	readonly id: string;
	readonly projectId: string;
	readonly eventId: string;
	readonly eventType: string;
	readonly webhookId: string;
	readonly createDate: number;
	readonly updateDate: number;
}

/** One HTTP request of a delivery, as the log keeps it. */
export interface Attempt {
	readonly id: string;
	readonly number: number;
	readonly trigger: AttemptTrigger;
	readonly startDate: number;
	readonly durationMs: number;
	/** 0 if no answer came. */
	readonly responseCode: number;
	readonly error: string | null;
	readonly reason: string | null;
	readonly requestHeaders: Readonly<Record<string, string>>;
	readonly response: {
		readonly headers: Readonly<Record<string, string>>;
		readonly body: string;
		readonly bodyTruncated: boolean;
	} | null;
}

/** How an attempt ended, as far as the delivery's way on depends on it. */
export type AttemptVerdict =
	| { readonly kind: "success"; readonly responseCode: number }
	| { readonly kind: "gone"; readonly responseCode: number }
	| {
			readonly kind: "failure";
			readonly responseCode: number;
			readonly reason: string;
			/** What the receiver asked for; it can only lengthen the wait. */
			readonly retryAfterMs: number | null;
	  };

/** What can happen to a delivery. */
export type DeliveryChange =
	| { readonly type: "lease"; readonly until: number }
	| { readonly type: "release" }
	| {
			readonly type: "attempted";
			readonly at: number;
			readonly trigger: AttemptTrigger;
			readonly verdict: AttemptVerdict;
			readonly policy: RetryPolicy;
			/** 0 ≤ random < 1, drawn once, so that the change can be applied again with the same result. */
			readonly random: number;
	  }
	| { readonly type: "hold"; readonly reason: string }
	| { readonly type: "resume"; readonly at: number }
	| { readonly type: "cancel"; readonly reason: string }
	| { readonly type: "retry"; readonly at: number };

/** A new delivery, due at once; leased if the maker goes on to attempt it. */
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
 * The delivery after `change`; the very same object if the change does not apply to it (cancelling what has succeeded).
 * An outcome that comes in late, after a cancellation say, is counted but does not undo what a person decided.
 */
export function transition(state: DeliveryState, change: DeliveryChange): DeliveryState {
	switch (change.type) {
		case "lease":
			return state.status === "Pending" ? { ...state, leaseUntil: change.until } : state;
		case "release":
			return state.leaseUntil === null ? state : { ...state, leaseUntil: null };
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

/** The earliest time at which anybody may take the delivery up; null if nobody may. */
export function dueAt(state: DeliveryState): number | null {
	return state.status === "Pending" ? (state.leaseUntil ?? state.nextAttemptAt) : null;
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
	if (verdict.kind === "gone") return end(counted, "Failed", "the receiver answered 410: the webhook is gone");
	if (byHand) return afterFailureByHand(counted, verdict.reason);
	const isExhausted = counted.autoAttemptCount > change.policy.maxRetries;
	const backoffMs = retryDelayMs(change.policy, counted.autoAttemptCount, () => change.random);
	const nextAttemptAt = change.at + Math.max(backoffMs, verdict.retryAfterMs ?? 0);
	// Asked for while this attempt was under way, after a cancellation or a pause: it is still to come
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

/** A retry by hand that fails leaves things as they were: back to the automatic schedule, or to Failed. */
function afterFailureByHand(state: DeliveryState, reason: string): DeliveryState {
	if (state.scheduleResumesAt === null) return end(state, "Failed", reason);
	if (state.status === "Held") return { ...state, trigger: "auto", scheduleResumesAt: null };
	return { ...state, reason, nextAttemptAt: state.scheduleResumesAt, trigger: "auto", scheduleResumesAt: null };
}

function retryByHand(state: DeliveryState, at: number): DeliveryState {
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
			// Leased: an attempt is on its way already. Manual: somebody else has just asked for the same.
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
