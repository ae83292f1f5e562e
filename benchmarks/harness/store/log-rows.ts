// The contents of a prepared store's rows: a mixture as real logs have it, the same in every run.
import type { StorePlan } from "./store-copy.ts";

export const HOUR_MS = 3_600_000;
/** Shorter than the default retention of 30 days. */
export const LOG_SPAN_MS = 25 * 24 * HOUR_MS;
const YEAR_MS = 365 * 24 * HOUR_MS;

export const COMMON_TYPE = "order.line.shipped";
export const RARE_TYPE = "account.closed";
const TYPES = 20;
/** One of this many events has the rare type. */
const RARE_EVERY = 20_000;

const FAILURES = [500, 404, 0, 503];

/** What has become of a delivery. A response code of 0 means that no response came. */
export type Fate =
	| { readonly kind: "due" }
	/** The first attempt has failed, and the next one is due later. */
	| { readonly kind: "later"; readonly at: number }
	| { readonly kind: "succeeded" | "failed" | "cancelled"; readonly responseCode: number }
	| { readonly kind: "held" };

/** The customer of a labelled log. Each tenth webhook belongs to it. */
export const CUSTOMER = "acme";

export function customerOfWebhook(number: number): string | null {
	return number % 10 === 0 ? CUSTOMER : null;
}

/** Tags of a labelled log: of every second event, and of every hundredth. Each event has one of its own, too. */
export const OFTEN_TAG = "region:eu";
export const SOME_TAG = "campaign:spring";

export function ownTag(index: number): string {
	return `order:${index}`;
}

/** The tags of event `index`. Which they are does not follow from its webhook or its type. */
export function tagsOf(index: number): string[] {
	return [
		ownTag(index),
		...(Math.floor(index / 13) % 2 === 0 ? [OFTEN_TAG] : []),
		...(Math.floor(index / 11) % 100 === 0 ? [SOME_TAG] : []),
	];
}

/** The fate of delivery `index`. In a log, 970 of 1,000 deliveries have succeeded. */
export function fateOf(state: StorePlan["state"], index: number, now: number): Fate {
	if (state !== "log") return state === "due" ? { kind: "due" } : { kind: "later", at: now + HOUR_MS };
	// The lowest digits are not used, because they decide the webhook: each webhook gets deliveries in every state.
	const place = Math.floor(index / 7) % 1_000;
	const responseCode = FAILURES[index % FAILURES.length] ?? 500;
	if (place < 15) return { kind: "failed", responseCode };
	if (place < 20) return { kind: "cancelled", responseCode };
	if (place < 25) return { kind: "held" };
	if (place < 30) return { kind: "later", at: now + YEAR_MS };
	return { kind: "succeeded", responseCode: place % 50 === 0 ? 204 : 200 };
}

/** Half of the events have one type; the rest have ten others, and very few the rare one. */
export function eventTypeOf(index: number): string {
	if (index % RARE_EVERY === RARE_EVERY / 2) return RARE_TYPE;
	const number = Math.floor(index / 3) % TYPES;
	return number < TYPES / 2 ? COMMON_TYPE : `order.step-${number}.done`;
}
