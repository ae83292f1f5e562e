// project.deliveries: the deliveries of events to webhooks, and their attempts.
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import { milliseconds, path, type RequestOptions, type Transport } from "../transport.ts";
import type * as wire from "../wire/generated/types.ts";

/**
 * - `Pending`: waiting for its next attempt, or in progress.
 * - `Held`: waiting because its webhook is paused or disabled.
 * - `Succeeded`: the receiver responded with a 2xx.
 * - `Failed`: the retries are used up, or the receiver responded with 410.
 * - `Cancelled`: cancelled by a call, or because its webhook was deleted.
 */
export type DeliveryStatus = "Pending" | "Succeeded" | "Failed" | "Held" | "Cancelled";

/** The delivery of one event to one webhook. */
export interface Delivery {
	readonly id: string;
	readonly object: "delivery";
	readonly projectId: string;
	readonly eventId: string;
	readonly eventType: string;
	readonly webhookId: string;
	readonly status: DeliveryStatus;
	/** Why it has this status, as a sentence; null if there is nothing to explain. */
	readonly reason: string | null;
	/** The HTTP status of the last attempt, 0 if there was no response; null before the first attempt. */
	readonly responseCode: number | null;
	readonly attemptCount: number;
	/** When the next attempt is due, in milliseconds since the epoch; null unless the delivery is `Pending`. */
	readonly nextAttemptDate: number | null;
	readonly createDate: number;
	readonly updateDate: number;
}

/** One HTTP request of a delivery. */
export interface Attempt {
	readonly id: string;
	readonly object: "attempt";
	/** Counts from 1. */
	readonly number: number;
	/** `auto`: the schedule; `manual`: a retry by hand; `replay`: a replay. */
	readonly trigger: "auto" | "manual" | "replay";
	readonly startDate: number;
	readonly durationMs: number;
	/** The HTTP status; 0 if there was no response. */
	readonly responseCode: number;
	/** `timeout`, `dns`, `refused`, `reset`, `tls`, `blocked_address` …; null if there was a complete response. */
	readonly error: string | null;
	/** Describes the error as a sentence; null if there was none. */
	readonly reason: string | null;
	/** The request, as it was sent. */
	readonly request: { readonly headers: Readonly<Record<string, string>> };
	/** The response; null if there was none. */
	readonly response: {
		readonly headers: Readonly<Record<string, string>>;
		/** The first 4 KiB as text, or a note if it is not text. */
		readonly body: string;
		/** Whether the response body was longer. */
		readonly bodyTruncated: boolean;
	} | null;
}

/** A delivery with its attempts. */
export interface DeliveryDetail extends Delivery {
	readonly attempts: readonly Attempt[];
}

/** Filters for deliveries. All are optional; a delivery must match all that are given. */
export interface DeliveryFilter extends ListParams {
	readonly webhookId?: string | undefined;
	readonly eventId?: string | undefined;
	readonly eventType?: string | undefined;
	readonly status?: DeliveryStatus | undefined;
	/** The HTTP status of the last attempt; 0 for no response. */
	readonly responseCode?: number | undefined;
	/** Only those created at this time or later. */
	readonly after?: Date | number | undefined;
	/** Only those created before this time. */
	readonly before?: Date | number | undefined;
}

/** Filters for `retryMany` and `cancelMany`. At least one is required. */
export type ManyFilter = Omit<DeliveryFilter, "limit" | "page">;

/** The result of `retryMany` or `cancelMany`. */
export interface ManyChanged {
	readonly object: "deliveriesChanged";
	/** Deliveries that matched the filter and were examined. */
	readonly matched: number;
	/** How many of them were changed. */
	readonly changed: number;
	/** False if there are more: call again with the same filter. */
	readonly complete: boolean;
}

/** The deliveries of a project. Use it as `project.deliveries`. */
export class Deliveries {
	readonly #transport: Transport;
	readonly #projectId: string;

	constructor(transport: Transport, projectId: string) {
		this.#transport = transport;
		this.#projectId = projectId;
	}

	/**
	 * Lists the project's deliveries, newest first.
	 *
	 * @example
	 * const yesterday = Date.now() - 24 * 3_600_000;
	 * for await (const delivery of project.deliveries.list({ status: "Failed", after: yesterday })) {
	 * 	console.log(delivery.eventId, delivery.reason);
	 * }
	 */
	list(filter: DeliveryFilter = {}, options?: RequestOptions): PagePromise<Delivery> {
		const { page, after, before, ...rest } = filter;
		const query = { ...rest, after: milliseconds("after", after), before: milliseconds("before", before) };
		return listOf(this.#transport, { path: this.#path(), query }, page, options);
	}

	/** Fetches one delivery with its attempts. */
	async get(deliveryId: string, options?: RequestOptions): Promise<DeliveryDetail> {
		const request = { method: "GET", path: this.#path() + path`/${deliveryId}`, answer: "delivery" } as const;
		return this.#transport.request<DeliveryDetail>(request, options);
	}

	/**
	 * Attempts a delivery again now. It must be Failed, Cancelled or Pending. If the attempt fails, the automatic schedule
	 * continues unchanged.
	 *
	 * @example
	 * await project.deliveries.retry("dlv_…");
	 */
	async retry(deliveryId: string, options?: RequestOptions): Promise<Delivery> {
		const request = { method: "POST", path: this.#path() + path`/${deliveryId}:retry`, answer: "delivery" } as const;
		return this.#transport.request<Delivery>(request, options);
	}

	/** Cancels a delivery that is Pending or Held. An attempt in flight cannot be stopped. */
	async cancel(deliveryId: string, options?: RequestOptions): Promise<Delivery> {
		const request = { method: "POST", path: this.#path() + path`/${deliveryId}:cancel`, answer: "delivery" } as const;
		return this.#transport.request<Delivery>(request, options);
	}

	/**
	 * Retries all deliveries that match and can be retried, at most 10,000 per call. `complete` says whether those were
	 * all.
	 *
	 * @example
	 * await project.deliveries.retryMany({ webhookId: webhook.id, status: "Failed" });
	 */
	async retryMany(filter: ManyFilter, options?: RequestOptions): Promise<ManyChanged> {
		return this.#many("retry", filter, options);
	}

	/** Cancels all deliveries that match and are Pending or Held, at most 10,000 per call. */
	async cancelMany(filter: ManyFilter, options?: RequestOptions): Promise<ManyChanged> {
		return this.#many("cancel", filter, options);
	}

	async #many(action: "retry" | "cancel", filter: ManyFilter, options?: RequestOptions): Promise<ManyChanged> {
		const { after, before, ...rest } = filter;
		const range = { after: milliseconds("after", after), before: milliseconds("before", before) };
		const body: wire.DeliveryFilter = { ...rest, ...range };
		const request = {
			method: "POST",
			path: `${this.#path()}:${action}`,
			json: JSON.stringify(body),
			answer: "deliveriesChanged",
		} as const;
		return this.#transport.request<ManyChanged>(request, options);
	}

	#path(): string {
		return path`/projects/${this.#projectId}/deliveries`;
	}
}
