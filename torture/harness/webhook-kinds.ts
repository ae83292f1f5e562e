// Webhooks of many kinds, which every round has: how each is set up, how its receiver answers, how its deliveries may end.
import type { DeliveryStatus, WebhookSpec } from "@fanfare/sdk";
import type { Answer } from "@fanfare/testkit/receiver";

/** A request as a kind's receiver looks at it. */
export interface Visit {
	/** Which event of the harness it is; -1 if the body does not say. */
	readonly n: number;
	/** Requests for the same event and webhook before this one. */
	readonly earlier: number;
	/** 0 ≤ random() < 1 */
	readonly random: () => number;
}

/** What a receiver does, and what of it counts. */
export interface Act {
	readonly answer: Answer;
	/** The status that the server must take from it; 0 = none. */
	readonly status: number;
	/** False: whether the server gets it is up to chance. Default: true. */
	readonly certain?: boolean;
}

export interface WebhookKind {
	readonly name: string;
	readonly spec: Partial<WebhookSpec>;
	/** Where it points; left out: at the round's receiver. */
	readonly endpoint?: string;
	readonly act: (visit: Visit) => Act;
	readonly mayEnd: (n: number) => readonly DeliveryStatus[];
	readonly attemptsUntilFailed?: number;
	readonly isHealthy?: boolean;
}

const SOON = { maxRetries: 20, maxRetryDelay: 40 };
const SUCCEEDED: readonly DeliveryStatus[] = ["Succeeded"];
export const succeeds = (): readonly DeliveryStatus[] => SUCCEEDED;
export const fails = (): readonly DeliveryStatus[] => ["Failed"];

/** A proper answer. */
export function replies(status: number, more: { readonly delayMs?: number } = {}): Act {
	return { answer: { status, ...more }, status };
}

const PER_SECOND = 10;
const SCHEDULE_MS = [20, 40, 60];
/** Nobody listens there. */
const NOWHERE = "http://127.0.0.1:9/";

/** One in four of its events fails for good. */
function isDoomed(n: number): boolean {
	return n % 4 === 0;
}

/** A clock that jumps far ahead makes a long failure of a short one. */
const NEVER_DISABLED = { disableAfterMs: 0 };

export const KINDS: readonly WebhookKind[] = [
	{
		name: "healthy",
		spec: { retries: SOON, headers: { "x-torture": "header-value-that-nobody-may-see" } },
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

/** Whether a webhook with this filter wants the type. Written here once more, so that a mistake in the server's shows. */
export function wants(eventTypes: readonly string[] | null | undefined, type: string): boolean {
	if (eventTypes === null || eventTypes === undefined) return true;
	return eventTypes.some((entry) => (entry.endsWith(".*") ? type.startsWith(entry.slice(0, -1)) : type === entry));
}
