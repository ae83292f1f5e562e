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
	readonly request: { readonly headers: Readonly<Record<string, string>> };
	/** Null if no answer came. */
	readonly response: {
		readonly headers: Readonly<Record<string, string>>;
		readonly body: string | null;
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
		const request = { method: "GET", path: this.#path() + path`/${deliveryId}` } as const;
		return this.#transport.request<DeliveryDetail>(request, options);
	}

	#path(): string {
		return path`/projects/${this.#projectId}/deliveries`;
	}
}
