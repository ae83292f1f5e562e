// Webhooks: registered endpoints, their state and limits, and which events they want.
import type { KeyObject } from "node:crypto";

import type { DeliveryChange } from "./delivery.ts";
import { isReservedEventType } from "./event-type.ts";
import type { RetryPolicy } from "./policies/retry-policy.ts";

export const WEBHOOK_STATUSES = ["Enabled", "Paused", "Disabled"] as const;
export type WebhookStatus = (typeof WEBHOOK_STATUSES)[number];
/**
 * Why a webhook is Paused, if no person has paused it.
 *
 * - restored: its data was restored from a backup, to be released later.
 * - away: it is a relay whose client is not connected.
 * - gone: its client has not come back. Only of a deleted one.
 */
export const PAUSED_REASONS = ["restored", "away", "gone"] as const;
export type PausedReason = (typeof PAUSED_REASONS)[number];

export const DEFAULT_TIMEOUT_MS = 15_000;
export const TIMEOUT_RANGE_MS = { min: 1_000, max: 30_000 } as const;
export const ENDPOINT_MAX_LENGTH = 2_048;
export const NAME_MAX_LENGTH = 128;

export const WEBHOOK_KEY_MAX_LENGTH = 128;
export const WEBHOOK_KEY_PATTERN = /^[A-Za-z0-9._:-]{1,128}$/;

export const DEFAULT_DISABLE_AFTER_MS = 5 * 86_400_000;
export const DISABLE_AFTER_MAX_MS = 365 * 86_400_000;
/** A failing webhook is disabled only after this many exhausted deliveries since its last success. */
export const DISABLE_AFTER_EXHAUSTED = 10;
export const MAX_RATE_PER_SECOND = 10_000;
/** For how long an older secret signs beside a new one. */
export const DEFAULT_SECRET_OVERLAP_MS = 86_400_000;
export const MAX_SECRET_OVERLAP_MS = 7 * 86_400_000;
/** The largest number of secrets that sign at the same time. */
export const MAX_ACTIVE_SECRETS = 5;

/** Shown by the API and in the log instead of the value of a custom header. Header values are write-only. */
export const HIDDEN_VALUE = "***";

export interface RateLimit {
	/** Attempts a second on average, with a burst of the same size. */
	readonly perSecond: number;
}

/** An unsealed secret. */
export interface SigningKey {
	readonly key: KeyObject;
	/** When it stops signing; null if it never does. */
	readonly expireDate: number | null;
}

/** A registered endpoint, without its write-only parts (secrets and header values). */
export interface Webhook {
	readonly id: string;
	readonly projectId: string;
	/** Whom the webhook belongs to, fixed at its creation; null for the product itself. */
	readonly customerId: string | null;
	/** The product's own id of the webhook, which no other webhook of the project has that is not deleted; null for none. */
	readonly key: string | null;
	readonly name: string;
	readonly description: string | null;
	readonly endpoint: string;
	readonly retries: RetryPolicy;
	/** Exact names or `prefix.*`; null for every type but own events. */
	readonly eventTypes: readonly string[] | null;
	readonly timeoutMs: number;
	/** Null for no limit. */
	readonly rateLimit: RateLimit | null;
	/** The webhook is disabled after it has failed for this long without a success; 0 for never. */
	readonly disableAfterMs: number;
	readonly metadata: Readonly<Record<string, string>>;
	readonly status: WebhookStatus;
	/** Why it is Disabled, in words; null if it is not. */
	readonly disabledReason: string | null;
	/** Null if it is not Paused, or if a person has paused it. A release resumes the webhooks with the reason `restored`, a relay's client those with `away`. */
	readonly pausedReason: PausedReason | null;
	/** The names of the custom headers of each attempt. Their values are sealed. */
	readonly headerNames: readonly string[];
	/** The last four characters of the newest secret. */
	readonly secretHint: string;
	/** Until when older secrets sign too; null if no older secret does. Can be in the past. */
	readonly secretOverlapUntil: number | null;
	readonly createDate: number;
	readonly updateDate: number;
	/** Rises with each change. The store sets it: to the version that the change has given the project. */
	readonly revision: number;
}

/** What sending to a webhook needs, with its secrets and header values unsealed. It never leaves the engine. */
export interface ArmedWebhook extends Pick<
	Webhook,
	"id" | "projectId" | "customerId" | "endpoint" | "retries" | "timeoutMs" | "status" | "headerNames" | "revision"
> {
	readonly deleteDate: number | null;
	/** Newest first. Some may have expired. */
	readonly signingKeys: readonly SigningKey[];
	readonly headers: Readonly<Record<string, string>>;
}

/** How many webhooks a project may have that are not deleted, and how large they may be together. */
export interface WebhookLimits {
	readonly maxWebhooks: number;
	/**
	 * UTF-8 bytes of the names, descriptions, endpoints, event types, metadata, headers and schedules; lists and maps count
	 * as JSON. Each event type counts 64 bytes more, since it also has a place in the index in memory.
	 */
	readonly maxWebhookBytes: number;
}

/**
 * Whether a webhook may get deliveries now: it is Enabled and not deleted. Deliveries of all other webhooks wait or are
 * cancelled.
 *
 * @example
 * isDeliverable({ status: "Enabled", deleteDate: null }); // true
 */
export function isDeliverable(webhook: {
	readonly status: WebhookStatus;
	readonly deleteDate: number | null;
}): boolean {
	return webhook.status === "Enabled" && webhook.deleteDate === null;
}

/** The fields of a webhook that decide in which status its deliveries wait. */
export type WebhookState = Pick<Webhook, "status" | "disabledReason" | "pausedReason"> & {
	readonly deleteDate: number | null;
};

/** A change that a sweep makes to the waiting deliveries of a webhook. */
export type SweepChange = Extract<DeliveryChange, { readonly type: "hold" | "resume" | "cancel" }>;

/**
 * The change that brings each waiting delivery of a webhook into the state that follows from the webhook; `transition`
 * leaves deliveries that are in that state already as they are. `webhook` is null if it is unknown.
 *
 * - Deleted or unknown: Pending and Held deliveries are cancelled.
 * - Paused or Disabled: Pending deliveries are held.
 * - Enabled: Held deliveries are resumed, and are due at `at`.
 *
 * @example
 * sweepChange({ status: "Paused", disabledReason: null, pausedReason: null, deleteDate: null }, now).type; // "hold"
 */
export function sweepChange(webhook: WebhookState | null, at: number): SweepChange {
	if (webhook === null || webhook.deleteDate !== null) {
		const isGone = webhook?.pausedReason === "gone";
		return { type: "cancel", reason: isGone ? "the relay's client was gone for an hour" : "the webhook was deleted" };
	}
	if (webhook.status === "Enabled") return { type: "resume", at };
	return { type: "hold", reason: heldReason(webhook) };
}

/** Why the deliveries of a webhook that is Paused or Disabled are Held, as a sentence without a full stop. */
export function heldReason(webhook: Pick<Webhook, "status" | "disabledReason" | "pausedReason">): string {
	const { status, disabledReason, pausedReason } = webhook;
	const [state, why] = status === "Paused" ? ["paused", pausedReason] : ["disabled", disabledReason];
	return `the webhook is ${state}${why === null ? "" : `: ${why}`}`;
}

/** Whether one entry of `eventTypes` is an exact name or `prefix.*`. */
export const EVENT_TYPE_FILTER_PATTERN = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*(?:\.\*)?$/;
const PREFIX_SUFFIX = ".*";

/**
 * Whether a filter lets an event type through.
 *
 * @example
 * eventTypeMatcher(["order.*"])("order.created"); // true
 */
export function eventTypeMatcher(eventTypes: readonly string[]): (type: string) => boolean {
	const index = new EventTypeIndex<object>();
	index.add(index, eventTypes);
	return (type) => index.match(type).length > 0;
}

/**
 * The entries of filters that let an event type through: its name, and its prefixes.
 *
 * @example
 * typeFilterEntries("order.item.paid"); // ["order.item.paid", "order.*", "order.item.*"]
 */
export function typeFilterEntries(type: string): string[] {
	const parts = type.split(".");
	const prefixes = parts.slice(1).map((_, index) => `${parts.slice(0, index + 1).join(".")}${PREFIX_SUFFIX}`);
	return [type, ...prefixes];
}

/** One that wants an event type, or several. One alone takes no list: most names of large filters are wanted by one. */
type Wanting<T> = T | Set<T>;

/**
 * Finds the webhooks that want an event type. The time of a search depends on the number of parts of the type's name and
 * on the number of matches, not on the number of webhooks; that of a change, on the length of the webhook's filter.
 *
 * Memory: about 100 bytes for each entry of a filter.
 */
export class EventTypeIndex<T extends object> {
	readonly #all = new Set<T>();
	readonly #exact = new Map<string, Wanting<T>>();
	readonly #prefix = new Map<string, Wanting<T>>();

	/** `eventTypes` is the webhook's filter. */
	add(webhook: T, eventTypes: readonly string[] | null): void {
		if (eventTypes === null) this.#all.add(webhook);
		for (const entry of eventTypes ?? []) {
			const [map, key] = this.#place(entry);
			const wanting = map.get(key);
			if (wanting === undefined) map.set(key, webhook);
			else if (wanting instanceof Set) wanting.add(webhook);
			else if (wanting !== webhook) map.set(key, new Set([wanting, webhook]));
		}
	}

	/** `eventTypes` is the filter that the webhook was added with. */
	remove(webhook: T, eventTypes: readonly string[] | null): void {
		if (eventTypes === null) this.#all.delete(webhook);
		for (const entry of eventTypes ?? []) {
			const [map, key] = this.#place(entry);
			const wanting = map.get(key);
			if (wanting instanceof Set) wanting.delete(webhook);
			if (wanting === webhook || (wanting instanceof Set && wanting.size === 0)) map.delete(key);
		}
	}

	/** Each webhook that wants `type`, once. Own events (`fanfare.*`) match only filters that name them. */
	match(type: string): T[] {
		const found: Wanting<T>[] = [];
		if (this.#all.size > 0 && !isReservedEventType(type)) found.push(this.#all);
		const exact = this.#exact.get(type);
		if (exact !== undefined) found.push(exact);
		if (this.#prefix.size > 0) {
			for (let dot = type.indexOf("."); dot !== -1; dot = type.indexOf(".", dot + 1)) {
				const wanting = this.#prefix.get(type.slice(0, dot));
				if (wanting !== undefined) found.push(wanting);
			}
		}
		const [first] = found;
		if (first === undefined) return [];
		if (found.length === 1) return listOf(first);
		return [...new Set(found.flatMap(listOf))];
	}

	#place(entry: string): [map: Map<string, Wanting<T>>, key: string] {
		return entry.endsWith(PREFIX_SUFFIX) ? [this.#prefix, entry.slice(0, -PREFIX_SUFFIX.length)] : [this.#exact, entry];
	}
}

function listOf<T extends object>(wanting: Wanting<T>): T[] {
	return wanting instanceof Set ? [...wanting] : [wanting];
}
