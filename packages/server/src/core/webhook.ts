// Webhooks: registered endpoints, their state and limits, and which events they want.
import type { KeyObject } from "node:crypto";

import type { DeliveryChange } from "./delivery.ts";
import { isReservedEventType } from "./event-type.ts";
import type { RetryPolicy } from "./policies/retry-policy.ts";

export const WEBHOOK_STATUSES = ["Enabled", "Paused", "Disabled"] as const;
export type WebhookStatus = (typeof WEBHOOK_STATUSES)[number];

export const DEFAULT_TIMEOUT_MS = 15_000;
export const TIMEOUT_RANGE_MS = { min: 1_000, max: 30_000 } as const;
export const ENDPOINT_MAX_LENGTH = 2_048;
export const NAME_MAX_LENGTH = 128;

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

/** A webhook with its secrets and header values unsealed, ready for attempts. It never leaves the engine. */
export interface ArmedWebhook extends Webhook {
	/** Newest first. Some may have expired. */
	readonly signingKeys: readonly SigningKey[];
	readonly headers: Readonly<Record<string, string>>;
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
export type WebhookState = Pick<Webhook, "status" | "disabledReason"> & { readonly deleteDate: number | null };

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
 * sweepChange({ status: "Paused", disabledReason: null, deleteDate: null }, now).type; // "hold"
 */
export function sweepChange(webhook: WebhookState | null, at: number): SweepChange {
	if (webhook === null || webhook.deleteDate !== null) return { type: "cancel", reason: "the webhook was deleted" };
	if (webhook.status === "Enabled") return { type: "resume", at };
	return { type: "hold", reason: heldReason(webhook) };
}

/** Why the deliveries of a webhook that is Paused or Disabled are Held, as a sentence without a full stop. */
export function heldReason({ status, disabledReason }: Pick<Webhook, "status" | "disabledReason">): string {
	if (status === "Paused") return "the webhook is paused";
	return `the webhook is disabled${disabledReason === null ? "" : `: ${disabledReason}`}`;
}

/** Whether one entry of `eventTypes` is an exact name or `prefix.*`. */
export const EVENT_TYPE_FILTER_PATTERN = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*(?:\.\*)?$/;
const PREFIX_SUFFIX = ".*";

/**
 * Finds the webhooks that want an event type. The time of a search depends on the number of parts of the type's name and
 * on the number of matches, not on the number of webhooks.
 */
export class EventTypeIndex<T extends Pick<Webhook, "eventTypes">> {
	readonly #all: T[] = [];
	readonly #exact = new Map<string, T[]>();
	readonly #prefix = new Map<string, T[]>();

	constructor(webhooks: Iterable<T>) {
		for (const webhook of webhooks) this.#add(webhook);
	}

	/** Each webhook that wants `type`, once. Own events (`fanfare.*`) match only filters that name them. */
	match(type: string): T[] {
		const found = new Set<T>(isReservedEventType(type) ? [] : this.#all);
		for (const webhook of this.#exact.get(type) ?? []) found.add(webhook);
		for (let dot = type.indexOf("."); dot !== -1; dot = type.indexOf(".", dot + 1)) {
			for (const webhook of this.#prefix.get(type.slice(0, dot)) ?? []) found.add(webhook);
		}
		return [...found];
	}

	#add(webhook: T): void {
		if (webhook.eventTypes === null) {
			this.#all.push(webhook);
			return;
		}
		for (const entry of webhook.eventTypes) {
			const [map, key] = entry.endsWith(PREFIX_SUFFIX)
				? [this.#prefix, entry.slice(0, -PREFIX_SUFFIX.length)]
				: [this.#exact, entry];
			const list = map.get(key);
			if (list === undefined) map.set(key, [webhook]);
			else list.push(webhook);
		}
	}
}
