// The settings with which a webhook is created, and those that can be changed.
import type { RetryPolicy } from "../core/policies/retry-policy.ts";
import type { RateLimit } from "../core/webhook.ts";

/** All settings of a webhook except its secret. */
export interface WebhookSettings {
	readonly name: string;
	readonly endpoint: string;
	readonly retries: RetryPolicy;
	readonly description: string | null;
	/** Exact names or `prefix.*`; null means every type. */
	readonly eventTypes: readonly string[] | null;
	readonly timeoutMs: number;
	/** Null means no limit. */
	readonly rateLimit: RateLimit | null;
	/** A webhook that fails for this long without a success is disabled; 0 means never. */
	readonly disableAfterMs: number;
	readonly metadata: Readonly<Record<string, string>>;
	/** Sent with each attempt. Names are in lower case; values are write-only. */
	readonly headers: Readonly<Record<string, string>>;
}

/** A webhook to create. */
export interface NewWebhook extends WebhookSettings {
	/** Whom it belongs to from now on; null for the product itself, or for the customer whose scope it is created in. */
	readonly customerId: string | null;
	/** The product's own id of it. Only the product can set it, so null in the scope of a customer. */
	readonly key: string | null;
}

/**
 * The settings of a webhook to change. Within `retries` only the fields present are changed; `headers` replaces all
 * headers.
 */
export interface WebhookPatch extends Partial<Omit<WebhookSettings, "retries">> {
	readonly retries?: Partial<RetryPolicy>;
	/** Null removes it. Not in the scope of a customer. */
	readonly key?: string | null;
	/** The revision that the change was made on. If omitted, the change is made on any. */
	readonly revision?: number;
}
