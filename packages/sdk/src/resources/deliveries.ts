// project.deliveries: how events went on their way to webhooks.
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import { milliseconds, path, type RequestOptions, type Transport } from "../transport.ts";

export type DeliveryStatus = "Pending" | "Succeeded" | "Failed" | "Held" | "Cancelled";

/** One event on its way to one webhook. */
export interface Delivery {
	readonly id: string;
	readonly object: "delivery";
	readonly projectId: string;
	readonly eventId: string;
	readonly eventType: string;
	readonly webhookId: string;
	readonly status: DeliveryStatus;
	/** Why it is in this status, in words. */
	readonly reason: string | null;
	/** Of the last attempt: 0 if no answer came; null before the first. */
	readonly responseCode: number | null;
	readonly attemptCount: number;
	/** When the next attempt is due; null if there is none. */
	readonly nextAttemptDate: number | null;
	readonly createDate: number;
	readonly updateDate: number;
}

/** One HTTP request of a delivery. */
export interface Attempt {
	readonly id: string;
	readonly object: "attempt";
	/** From 1. */
	readonly number: number;
	readonly trigger: "auto" | "manual" | "replay";
	readonly startDate: number;
	readonly durationMs: number;
	/** 0 if no answer came. */
	readonly responseCode: number;
	/** `timeout`, `dns`, `refused`, `reset`, `tls`, `blocked_address` …; null if an answer came. */
	readonly error: string | null;
	/** What went wrong, as a sentence; null if nothing did. */
	readonly reason: string | null;
	readonly request: { readonly headers: Readonly<Record<string, string>> };
	/** Null if no answer came. */
	readonly response: {
		readonly headers: Readonly<Record<string, string>>;
		readonly body: string;
		readonly bodyTruncated: boolean;
	} | null;
}

/** A delivery with all that was tried. */
export interface DeliveryDetail extends Delivery {
	readonly attempts: readonly Attempt[];
}

/** All given filters hold together. */
export interface DeliveryFilter extends ListParams {
	readonly webhookId?: string | undefined;
	readonly eventId?: string | undefined;
	readonly eventType?: string | undefined;
	readonly status?: DeliveryStatus | undefined;
	/** The last attempt's; 0 for no answer. */
	readonly responseCode?: number | undefined;
	readonly after?: Date | number | undefined;
	readonly before?: Date | number | undefined;
}

/** At least one of them. */
export type ManyFilter = Omit<DeliveryFilter, "limit" | "page">;

/** What a change of many deliveries has done. */
export interface ManyChanged {
	readonly object: "deliveriesChanged";
	/** Deliveries that the filter matched and that were looked at. */
	readonly matched: number;
	readonly changed: number;
	/** False: there are more; call again with the same filter. */
	readonly complete: boolean;
}

export class Deliveries {
	readonly #transport: Transport;
	readonly #projectId: string;

	constructor(transport: Transport, projectId: string) {
		this.#transport = transport;
		this.#projectId = projectId;
	}

	/**
	 * The project's deliveries, newest first.
	 *
	 * @example
	 * for await (const delivery of project.deliveries.list({ status: "Failed", after: yesterday })) {
	 * 	console.log(delivery.eventId, delivery.reason);
	 * }
	 */
	list(filter: DeliveryFilter = {}, options?: RequestOptions): PagePromise<Delivery> {
		const { page, after, before, ...rest } = filter;
		const query = { ...rest, after: milliseconds("after", after), before: milliseconds("before", before) };
		return listOf(this.#transport, { path: this.#path(), query }, page, options);
	}

	/** One delivery, with its attempts. */
	async get(deliveryId: string, options?: RequestOptions): Promise<DeliveryDetail> {
		const request = { method: "GET", path: this.#path() + path`/${deliveryId}`, answer: "delivery" } as const;
		return this.#transport.request<DeliveryDetail>(request, options);
	}

	/**
	 * Makes an attempt now, of one that is Failed, Cancelled or Pending. If it fails, the automatic schedule goes on as it was.
	 *
	 * @example
	 * await project.deliveries.retry("dlv_…");
	 */
	async retry(deliveryId: string, options?: RequestOptions): Promise<Delivery> {
		const request = { method: "POST", path: this.#path() + path`/${deliveryId}:retry`, answer: "delivery" } as const;
		return this.#transport.request<Delivery>(request, options);
	}

	/** Cancels one that is Pending or Held. An attempt in flight can't be called back. */
	async cancel(deliveryId: string, options?: RequestOptions): Promise<Delivery> {
		const request = { method: "POST", path: this.#path() + path`/${deliveryId}:cancel`, answer: "delivery" } as const;
		return this.#transport.request<Delivery>(request, options);
	}

	/**
	 * Retries all that match and can be retried, 10,000 a call at most; `complete` tells whether that was all.
	 *
	 * @example
	 * await project.deliveries.retryMany({ webhookId: webhook.id, status: "Failed" });
	 */
	async retryMany(filter: ManyFilter, options?: RequestOptions): Promise<ManyChanged> {
		return this.#many("retry", filter, options);
	}

	/** Cancels all that match and wait, 10,000 a call at most. */
	async cancelMany(filter: ManyFilter, options?: RequestOptions): Promise<ManyChanged> {
		return this.#many("cancel", filter, options);
	}

	async #many(action: "retry" | "cancel", filter: ManyFilter, options?: RequestOptions): Promise<ManyChanged> {
		const { after, before, ...rest } = filter;
		const range = { after: milliseconds("after", after), before: milliseconds("before", before) };
		const request = {
			method: "POST",
			path: `${this.#path()}:${action}`,
			json: JSON.stringify({ ...rest, ...range }),
			answer: "deliveriesChanged",
		} as const;
		return this.#transport.request<ManyChanged>(request, options);
	}

	#path(): string {
		return path`/projects/${this.#projectId}/deliveries`;
	}
}
