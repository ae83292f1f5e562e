// The types of a webhook: as it is created and changed, and as it is returned.
import type { ListParams } from "../../page.ts";
import type { RequestOptions } from "../../transport.ts";
import type * as wire from "../../wire/generated/types.ts";
import type { NamesOf } from "../../wire/names.ts";

/** How often a failed delivery is retried, and after which delays. */
export interface RetryPolicy {
	/** The most retries after the first attempt, 0–20. */
	readonly maxRetries: number;
	/** The longest delay between two attempts in milliseconds, 0–86,400,000. */
	readonly maxRetryDelay: number;
	/** The delays in milliseconds, 1–20 of them. Optional; replaces the exponential backoff. */
	readonly scheduleMs?: readonly number[] | null | undefined;
}

/** A registered endpoint. Its secret is never returned. */
export interface Webhook {
	/** `webhook_` and a UUID. */
	readonly id: string;
	/** Always `"webhook"`. */
	readonly object: "webhook";
	/** The project that it belongs to. */
	readonly projectId: string;
	/** The customer of yours whom it belongs to. Present only if set. */
	readonly customerId?: string;
	/** Your own id of the webhook. Present only if set. */
	readonly key?: string;
	/** Its name. Several webhooks of a project can have the same. */
	readonly name: string;
	/** The URL that events are sent to. */
	readonly endpoint: string;
	/** How often a failed delivery is retried, and after which delays. */
	readonly retries: RetryPolicy;
	/** In milliseconds since the epoch. */
	readonly createDate: number;
	/** In milliseconds since the epoch. */
	readonly updateDate: number;
	/** Rises with each change of the webhook. */
	readonly revision: number;
	/** Your own note; null if there is none. */
	readonly description: string | null;
	/** The event types that it gets, as exact names or `prefix.*`; null for all. */
	readonly eventTypes: readonly string[] | null;
	/** The names of the headers sent with each attempt. Their values are never returned. */
	readonly headers: Readonly<Record<string, "***">>;
	/** Time limit for one attempt, in milliseconds. */
	readonly timeoutMs: number;
	/** Null if there is no limit. */
	readonly rateLimit: RateLimit | null;
	/** The webhook is disabled after failing this long (in milliseconds) without a success; 0 for never. */
	readonly disableAfterMs: number;
	/** Your own keys and values. Fanfare does not use them. */
	readonly metadata: Readonly<Record<string, string>>;
	/** Deliveries of a `Paused` or `Disabled` webhook are held. */
	readonly status: "Enabled" | "Paused" | "Disabled";
	/** Why it is disabled, as a sentence; null if it is not. */
	readonly disabledReason: string | null;
	/** `restored` if a restore from a backup has paused it, which `release` ends; null if a person has, or if it is not paused. */
	readonly pausedReason: "restored" | "away" | "gone" | null;
	/** The last four characters of the secret. */
	readonly secretHint: string;
	/** Until when an older secret also signs, in milliseconds since the epoch; null if none does. */
	readonly secretOverlapUntil: number | null;
	/** Whether its receiver works. */
	readonly health: WebhookHealth;
	/** How many of its deliveries are in each of these statuses now. */
	readonly deliveries: Readonly<Record<"Pending" | "Held" | "Failed", number>>;
	/** The attempt whose outcome was recorded last; null if there is none in the delivery log. */
	readonly lastAttempt: WebhookLastAttempt | null;
}

/** The last attempt of a webhook. */
export interface WebhookLastAttempt {
	/** When it began, in milliseconds since the epoch. */
	readonly date: number;
	/** 0 if no response came. */
	readonly responseCode: number;
	/** Such as `timeout` or `refused`; null if a complete response came. */
	readonly error: string | null;
	/** Says more than `error`, such as `connect_timeout`; null if there is no more to say. */
	readonly cause: string | null;
	/** The delivery that the attempt belongs to. */
	readonly deliveryId: string;
}

/** Whether the receiver of a webhook works, by its attempts since the last success. */
export interface WebhookHealth {
	/**
	 * - `Healthy`: attempts succeed, or there were none, or too few have failed in a row to tell.
	 * - `Failing`: five attempts or more have failed in a row, and none has succeeded for 5 minutes.
	 * - `Disabling`: so many have failed for so long that Fanfare will disable the webhook.
	 * - `Disabled`: it has done so.
	 */
	readonly state: "Healthy" | "Failing" | "Disabling" | "Disabled";
	/** When the first attempt after the last success failed, in milliseconds since the epoch; null if none did. */
	readonly failingSince: number | null;
	/** Deliveries that used up their retries since the last success. */
	readonly exhaustedCount: number;
	/** The earliest time at which Fanfare can disable the webhook; null unless it is `Failing` or `Disabling`. */
	readonly disableDate: number | null;
}

/** A webhook that was just created, with the secret that verifies what it gets. */
export interface CreatedWebhook extends Webhook {
	/**
	 * The secret, yours or the one that the SDK has generated. Store it now: the server never returns it. Not enumerable, so that
	 * `console.log`, `JSON.stringify` and `{ ...webhook }` do not contain it.
	 */
	readonly secret: string;
}

/** Limits the attempts to a webhook. */
export interface RateLimit {
	/** The most attempts per second. A burst may have the same number. */
	readonly perSecond: number;
}

/** A secret: 24–64 bytes in standard base64, with or without `whsec_`. A string, or an object as in the Nexus SDK. */
export type WebhookSecret =
	| string
	| {
			/** The base64. */
			readonly contents: string;
	  };

/** The settings of a webhook. All but `endpoint` are optional. */
export interface WebhookSpec {
	/** An absolute `https` URL with a public address. */
	readonly endpoint: string;
	/**
	 * If omitted, the SDK generates one, which is the `secret` of the webhook that `create` returns; the server never returns it.
	 * To change it later, use `updateSecret`.
	 */
	readonly secret?: WebhookSecret | undefined;
	/**
	 * Defaults to 17 retries, at most 8 hours apart: about a day in all. On `create`, a field that is omitted gets its default; on
	 * `update`, it stays.
	 */
	readonly retries?: Partial<RetryPolicy> | undefined;
	/** Your own note, up to 1,024 characters. Defaults to none. */
	readonly description?: string | null | undefined;
	/** The event types that it gets, as exact names or `prefix.*`. Defaults to all, as does null. */
	readonly eventTypes?: readonly string[] | null | undefined;
	/** Headers to send with each attempt. Write-only: their values are never returned. */
	readonly headers?: Readonly<Record<string, string>> | null | undefined;
	/** Time limit for one attempt in milliseconds, 1,000–30,000. Defaults to 15,000. */
	readonly timeoutMs?: number | undefined;
	/** Defaults to no limit, as does null. */
	readonly rateLimit?: RateLimit | null | undefined;
	/**
	 * The webhook is disabled after failing this long (in milliseconds) without a success; 0 for never. Defaults to 5
	 * days.
	 */
	readonly disableAfterMs?: number | undefined;
	/** Your own keys and values. Fanfare does not use them. */
	readonly metadata?: Readonly<Record<string, string>> | null | undefined;
}

/** A webhook to create. */
export interface CreateWebhook {
	/** 1–128 characters. */
	readonly name: string;
	/**
	 * The customer of yours whom it belongs to, 1–128 of `A–Z a–z 0–9 . _ : -`. It gets only events that are for this customer.
	 * Cannot be changed later. Defaults to none: then it gets the events of all customers.
	 */
	readonly customerId?: string | undefined;
	/**
	 * Your own id of the webhook, 1–128 of `A–Z a–z 0–9 . _ : -`, by which you find it again. If another webhook of the project has it,
	 * the call rejects with a `ConflictError` whose `code` is `webhook_key_exists`. Defaults to none.
	 */
	readonly key?: string | null | undefined;
	/** Its settings. Only `endpoint` is required. */
	readonly spec: WebhookSpec;
}

/** Filters for webhooks. All are optional. */
export interface WebhookFilter extends ListParams {
	/** Only webhooks whose name, description, host or key contains this text, in any case of letters, or whose id it is. */
	readonly q?: string | undefined;
	/** Only webhooks with this status, or one of these. */
	readonly status?: Webhook["status"] | readonly Webhook["status"][] | undefined;
	/** Only webhooks with this state of health, or one of these. */
	readonly health?: WebhookHealth["state"] | readonly WebhookHealth["state"][] | undefined;
	/** Only webhooks of this customer. */
	readonly customerId?: string | undefined;
	/** Only the webhook with this key, if there is one. */
	readonly key?: string | undefined;
	/** Only webhooks whose `eventTypes` let this event type through. */
	readonly eventType?: string | undefined;
	/** Only webhooks with these entries in their metadata, up to 10. */
	readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** No value is of this type: `update` can't change the secret, since receivers need time to switch. Use `updateSecret`. */
export interface UseUpdateSecret {
	/** Use `updateSecret`. */
	readonly "use updateSecret": never;
}

/** Changes to the settings of a webhook. Omitted fields stay unchanged. */
export interface UpdateWebhookSpec extends Partial<Omit<WebhookSpec, "secret">> {
	/** Not here: use `updateSecret`, so that receivers have time to switch. */
	readonly secret?: UseUpdateSecret | undefined;
}

/** Changes to a webhook. Omitted fields stay unchanged. */
export interface UpdateWebhook {
	/** 1–128 characters. */
	readonly name?: string | undefined;
	/** Another id of your own; null removes it. */
	readonly key?: string | null | undefined;
	/** The settings to change. */
	readonly spec?: UpdateWebhookSpec | undefined;
	/**
	 * The `revision` that your changes were made on. If somebody else has changed the webhook since, nothing is changed and the call
	 * rejects with a `ConflictError`. If omitted, the given fields are changed in any case.
	 */
	readonly revision?: number | undefined;
}

/** The result of a test. A failure of the endpoint is a result, not an error. */
export interface WebhookTest {
	/** `Ok` if an attempt got a 2xx. */
	readonly status: "Ok" | "Failed";
	/** The HTTP status; 0 if there was no response. */
	readonly responseCode: number;
	/** How long the last attempt took. */
	readonly latencyMs: number;
	/** The number of attempts made. */
	readonly attemptCount: number;
	/** The beginning of the response body; null if there was no response. */
	readonly body: string | null;
	/** Why it failed, as a sentence; null if it did not. */
	readonly reason: string | null;
	/** `fanfare`: the server could not make the last attempt, which says nothing about the receiver. Null if the test succeeded. */
	readonly failedBy: "receiver" | "fanfare" | null;
	/** The last request and the answer to it. Present only if `exchange` was asked for. */
	readonly exchange?: TestExchange;
}

/** The last request of a test as it was sent, and what came back. */
export interface TestExchange {
	/** The request. If Fanfare could not make it, as it would have been. */
	readonly request: {
		/** Always `POST`. */
		readonly method: "POST";
		/** The URL that was called. */
		readonly url: string;
		/**
		 * With names in lower case, without those of the connection, such as `host`. Values of the webhook's own headers are `***`. A
		 * customer's token sees only the beginning of `webhook-signature`.
		 */
		readonly headers: Readonly<Record<string, string>>;
		/** The body, whose bytes in UTF-8 are signed. */
		readonly body: string;
	};
	/** The response; null if none came. */
	readonly response: {
		/** The HTTP status. */
		readonly responseCode: number;
		/** With names in lower case. Empty for a customer's token without the capability `payloads.read`. */
		readonly headers: Readonly<Record<string, string>>;
		/** The first 4 KiB as text. Empty for a customer's token without the capability `payloads.read`. */
		readonly body: string;
		/** Whether the body has more than is shown. */
		readonly bodyTruncated: boolean;
	} | null;
}

/** Options of `updateSecret`. All are optional. */
export interface UpdateSecretOptions extends RequestOptions {
	/** How long the old secret also signs, in milliseconds, 0–604,800,000 (7 days). Defaults to 24 hours. */
	readonly overlapMs?: number | undefined;
}

/** Options of `test`. All are optional. */
export interface TestWebhookOptions extends RequestOptions {
	/**
	 * The type of the event that is sent: without `data`, one of the project's event types, whose example is sent. If omitted, a
	 * generic sample is sent.
	 */
	readonly eventType?: string | undefined;
	/**
	 * Data of your own to send, any JSON value but null, checked as in `events.send`. With a customer's token it needs the capability
	 * `secrets.rotate`.
	 */
	readonly data?: unknown;
	/** Whether the result has the request as it was sent and the answer to it, in `exchange`. Defaults to false. */
	readonly exchange?: boolean | undefined;
}

/** The result of deleting an object. */
export interface Deleted {
	/** The id of what was deleted. */
	readonly id: string;
	/** Always true. */
	readonly deleted: true;
}

/** The only fields of a webhook that the SDK calls differently. */
export const RETRY_POLICY_NAMES = { maxBackoffMs: "maxRetryDelay" } as const satisfies NamesOf<
	wire.Webhook["retries"],
	RetryPolicy
>;
