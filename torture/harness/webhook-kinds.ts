// The kinds of webhooks that every round has: their settings, how the receiver responds, and how deliveries may end.
import type { DeliveryStatus, WebhookSpec } from "@fanfare/sdk";
import type { Answer } from "@fanfare/testkit/receiver";

/** A request as the receiver of a kind sees it. */
export interface Visit {
	/** The event's number in the round; -1 if the body has none. */
	readonly n: number;
	/** The number of earlier requests for the same event and webhook. */
	readonly earlier: number;
	/** 0 ≤ random() < 1 */
	readonly random: () => number;
}

/** What a receiver does, and how the server must see it. */
export interface Act {
	readonly answer: Answer;
	/** The status code that the server must record; 0 if it must record none. */
	readonly status: number;
	/** False if the response may or may not reach the server. Defaults to true. */
	readonly certain?: boolean;
}

export interface WebhookKind {
	readonly name: string;
	readonly spec: Partial<WebhookSpec>;
	/** Defaults to the round's receiver. */
	readonly endpoint?: string;
	readonly act: (visit: Visit) => Act;
	/** The statuses in which the delivery of event `n` may end. */
	readonly mayEnd: (n: number) => readonly DeliveryStatus[];
	readonly attemptsUntilFailed?: number;
	readonly isHealthy?: boolean;
}

/** The value of a header of the webhook `healthy`. */
export const HIDDEN_HEADER = "header-value-that-nobody-may-see";
const SOON = { maxRetries: 20, maxRetryDelay: 40 };
const SUCCEEDED: readonly DeliveryStatus[] = ["Succeeded"];
export const succeeds = (): readonly DeliveryStatus[] => SUCCEEDED;
export const fails = (): readonly DeliveryStatus[] => ["Failed"];

/** A complete HTTP response. */
export function replies(status: number, more: { readonly delayMs?: number } = {}): Act {
	return { answer: { status, ...more }, status };
}

const PER_SECOND = 10;
const SCHEDULE_MS = [20, 40, 60];
/** No server listens there. */
const NOWHERE = "http://127.0.0.1:9/";

/** One in four of its events fails for good. */
function isDoomed(n: number): boolean {
	return n % 4 === 0;
}

/** When a fault moves the clock far ahead, a short failure looks like a long one, which must not disable the webhook. */
const NEVER_DISABLED = { disableAfterMs: 0 };

export const KINDS: readonly WebhookKind[] = [
	{
		name: "healthy",
		spec: { retries: SOON, headers: { "x-torture": HIDDEN_HEADER } },
		act: ({ random }) => replies(random() < 0.5 ? 200 : 204),
		mayEnd: succeeds,
		isHealthy: true,
	},
	{
		name: "slow",
		spec: { retries: SOON, eventTypes: ["order.*"] },
		act: ({ random }) => replies(200, { delayMs: 20 + Math.floor(random() * 120) }),
		mayEnd: succeeds,
	},
	{
		name: "sometimes-failing",
		spec: { retries: SOON, eventTypes: ["user.*"] },
		act: ({ random }) => replies(random() < 0.25 ? 500 : 201),
		mayEnd: succeeds,
	},
	{
		name: "filtered",
		spec: { retries: SOON, eventTypes: ["order.paid", "never.sent"] },
		act: () => replies(200),
		mayEnd: succeeds,
		isHealthy: true,
	},
	{
		name: "rate-limited",
		spec: { retries: SOON, eventTypes: ["limited.*"], rateLimit: { perSecond: PER_SECOND } },
		act: () => replies(202),
		mayEnd: succeeds,
	},
	{
		name: "scheduled",
		spec: {
			...NEVER_DISABLED,
			retries: { maxRetries: SCHEDULE_MS.length, scheduleMs: SCHEDULE_MS },
			eventTypes: ["user.created"],
		},
		act: ({ n, earlier }) => replies(isDoomed(n) || earlier < n % 3 ? 503 : 200),
		mayEnd: (n) => (isDoomed(n) ? ["Failed"] : ["Succeeded"]),
		attemptsUntilFailed: SCHEDULE_MS.length + 1,
	},
	{
		name: "two-secrets",
		spec: { retries: SOON, eventTypes: ["order.shipped"] },
		act: () => replies(200),
		mayEnd: succeeds,
	},
	{ name: "aimed-at", spec: { retries: SOON, eventTypes: ["never.sent"] }, act: () => replies(200), mayEnd: succeeds },
	{
		name: "paused",
		spec: { retries: SOON, eventTypes: ["order.paid"] },
		act: () => replies(200),
		mayEnd: succeeds,
	},
	{
		name: "held",
		spec: { retries: SOON, eventTypes: ["user.created"] },
		act: () => replies(200),
		mayEnd: () => ["Succeeded", "Held"],
	},
	{
		name: "deleted",
		spec: { retries: SOON, eventTypes: ["order.shipped"] },
		act: () => replies(200),
		mayEnd: () => ["Succeeded", "Cancelled"],
	},
	{
		name: "refusing",
		spec: { ...NEVER_DISABLED, retries: { maxRetries: 1, maxRetryDelay: 40 }, eventTypes: ["limited.*"] },
		endpoint: NOWHERE,
		act: () => replies(200),
		mayEnd: fails,
		attemptsUntilFailed: 2,
	},
];

/** Whether a webhook with this filter wants the type. Implemented here a second time, to find mistakes in the server's implementation. */
export function wants(eventTypes: readonly string[] | null | undefined, type: string): boolean {
	if (eventTypes === null || eventTypes === undefined) return true;
	return eventTypes.some((entry) => (entry.endsWith(".*") ? type.startsWith(entry.slice(0, -1)) : type === entry));
}
