// project.deliveries: the deliveries of events to webhooks, and their attempts.
import { milliseconds, objectArgument } from "../../arguments.ts";
import { listOf, type ListParams, type PagePromise } from "../../page.ts";
import { exportedCsv, exportedRows } from "../../streaming/exported.ts";
import { path, type RequestOptions, type Transport } from "../../transport.ts";
import type { Attempt, AttemptCause, AttemptError, LastAttempt } from "./attempts.ts";

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
	/** Such as `dlv_…`. */
	readonly id: string;
	/** Always `"delivery"`. */
	readonly object: "delivery";
	/** The project that it belongs to. */
	readonly projectId: string;
	/** The event that it delivers. */
	readonly eventId: string;
	/** The type of its event, such as `order.paid`. */
	readonly eventType: string;
	/** The webhook that it goes to. */
	readonly webhookId: string;
	/** The name of the webhook now, also of a deleted one. Empty if it was erased with its customer. */
	readonly webhookName: string;
	/** Host and port of the webhook's endpoint now. An attempt has the endpoint that it has called. */
	readonly webhookHost: string;
	/** The customer whom its webhook belongs to. Present only if set. */
	readonly customerId?: string;
	/** How far it is. */
	readonly status: DeliveryStatus;
	/** Why it has this status, as a sentence; null if there is nothing to explain. */
	readonly reason: string | null;
	/** The HTTP status of the last attempt, 0 if there was no response; null before the first attempt. */
	readonly responseCode: number | null;
	/** The last attempt in short; null before the first one. */
	readonly lastAttempt: LastAttempt | null;
	/** The number of attempts so far. */
	readonly attemptCount: number;
	/** When the next attempt is due, in milliseconds since the epoch; null unless the delivery is `Pending`. */
	readonly nextAttemptDate: number | null;
	/** When the event was accepted, or replayed, in milliseconds since the epoch. */
	readonly createDate: number;
	/** When it last changed, in milliseconds since the epoch. */
	readonly updateDate: number;
}

/** A delivery with its newest attempts. */
export interface DeliveryDetail extends Delivery {
	/** The newest attempts, 100 at most, in the order of their numbers. */
	readonly attempts: readonly Attempt[];
	/** True if there are older attempts than these: `listAttempts` has all of them. */
	readonly hasMoreAttempts: boolean;
}

/** Filters for deliveries. All are optional; a delivery must match all that are given, and of a list one entry. */
export interface DeliveryFilter {
	/** Only deliveries to this webhook. */
	readonly webhookId?: string | undefined;
	/** Only deliveries to webhooks of this customer. */
	readonly customerId?: string | undefined;
	/** Only deliveries of this event. */
	readonly eventId?: string | undefined;
	/** Only deliveries of events with this tag, such as `order:4711`. */
	readonly tag?: string | undefined;
	/** Only deliveries of events of these types: exact names, or prefixes such as `order.*`. */
	readonly eventType?: string | readonly string[] | undefined;
	/** Only deliveries with one of these statuses. */
	readonly status?: DeliveryStatus | readonly DeliveryStatus[] | undefined;
	/** HTTP statuses of the last attempt, or classes such as `5xx`; 0 for no response. */
	readonly responseCode?: number | string | readonly (number | string)[] | undefined;
	/** Errors of the last attempt. */
	readonly error?: AttemptError | readonly AttemptError[] | undefined;
	/** Why the last attempt failed. */
	readonly cause?: AttemptCause | readonly AttemptCause[] | undefined;
	/** Only those created at this time or later. */
	readonly after?: Date | number | undefined;
	/** Only those created before this time. */
	readonly before?: Date | number | undefined;
	/** Only those whose `updateDate` is this time or later. */
	readonly updatedAfter?: Date | number | undefined;
	/** Only those whose `updateDate` is before this time. */
	readonly updatedBefore?: Date | number | undefined;
}

/** Filters, order and page of a list of deliveries. */
export interface DeliveryListParams extends DeliveryFilter, ListParams {
	/**
	 * `created`, the default: those created last come first. `updated`: those that changed last come first, without those that wait for
	 * their first attempt. It needs a `status` without `Succeeded`, and takes neither `eventId` nor `after` and `before`.
	 */
	readonly order?: "created" | "updated" | undefined;
}

/** Filters for `retryMany` and `cancelMany`. At least one is required. */
export interface ManyFilter extends DeliveryFilter {
	/** `nextPage` of an earlier call with the same filter. */
	readonly page?: string | undefined;
}

/** The result of `retryMany` or `cancelMany`. */
export interface ManyChanged {
	/** Always `"deliveriesChanged"`. */
	readonly object: "deliveriesChanged";
	/** Deliveries that matched the filter, could be changed, and were examined. */
	readonly matched: number;
	/** How many of them were changed. */
	readonly changed: number;
	/** False if there may be more: call again with the same filter and `nextPage`. */
	readonly complete: boolean;
	/** Where the next call goes on; null if this one is complete. */
	readonly nextPage: string | null;
}

/** The result of `count`. */
export interface DeliveryCount {
	/** Always `"deliveryCount"`. */
	readonly object: "deliveryCount";
	/** How many match. */
	readonly count: number;
	/** False if counting took too long and ended early: then there may be more. */
	readonly complete: boolean;
	/** The `createDate` that the count has come to, from the newest deliveries on; null if it is complete. */
	readonly scannedTo: number | null;
}

/** The deliveries of a project. Use it as `project.deliveries`. */
export class Deliveries {
	readonly #transport: Transport;
	readonly #projectId: string;

	/** @internal */
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
	 *
	 * @example
	 * // What has failed in the last hour, the latest first, whenever it was created.
	 * const hourAgo = Date.now() - 3_600_000;
	 * project.deliveries.list({ status: "Failed", order: "updated", updatedAfter: hourAgo });
	 */
	list(filter: DeliveryListParams = {}, options?: RequestOptions): PagePromise<Delivery> {
		const { page, limit, order, ...rest } = filter;
		const query = { limit, ...queryOf(rest), order };
		return listOf(this.#transport, { path: this.#path(), query }, page, options);
	}

	/**
	 * Counts the deliveries that match. A count that takes longer than 2 s ends early, and `complete` is false.
	 *
	 * @example
	 * const { count } = await project.deliveries.count({ status: ["Failed", "Held"], cause: "certificate_expired" });
	 */
	async count(filter: DeliveryFilter = {}, options?: RequestOptions): Promise<DeliveryCount> {
		const request = {
			method: "GET",
			path: `${this.#path()}:count`,
			query: queryOf(filter),
			answer: "deliveryCount",
		} as const;
		return this.#transport.request<DeliveryCount>(request, options);
	}

	/**
	 * Exports all deliveries that match, newest first, however many there are: they are read from one streaming response, as fast
	 * as you take them. The request is made when the iteration starts, and leaving the loop ends it. Rejects with a
	 * `ConnectionError` if the response is cut off, so that no part is taken for the whole. A project can have 2 exports at once.
	 *
	 * @example
	 * for await (const delivery of project.deliveries.export({ status: "Failed" })) {
	 * 	console.log(delivery.id, delivery.lastAttempt?.cause);
	 * }
	 */
	export(filter: DeliveryFilter = {}, options: RequestOptions = {}): AsyncIterable<Delivery> {
		return exportedRows(this.#transport, { path: `${this.#path()}:export`, query: queryOf(filter), options });
	}

	/**
	 * The same as a CSV file for spreadsheets, in pieces of text. An apostrophe stands before a character that would begin a formula.
	 *
	 * @example
	 * // `pipeline` is that of node:stream/promises.
	 * await pipeline(project.deliveries.exportCsv({ status: "Failed" }), createWriteStream("failed.csv"));
	 */
	exportCsv(filter: DeliveryFilter = {}, options: RequestOptions = {}): AsyncIterable<string> {
		return exportedCsv(this.#transport, { path: `${this.#path()}:export`, query: queryOf(filter), options });
	}

	/** Fetches one delivery with its newest attempts, 100 at most. */
	async get(deliveryId: string, options?: RequestOptions): Promise<DeliveryDetail> {
		const request = { method: "GET", path: this.#path() + path`/${deliveryId}`, answer: "delivery" } as const;
		return this.#transport.request<DeliveryDetail>(request, options);
	}

	/**
	 * Lists the attempts of a delivery, newest first.
	 *
	 * @example
	 * for await (const attempt of project.deliveries.listAttempts("dlv_…")) {
	 * 	console.log(attempt.number, attempt.responseCode, attempt.reason);
	 * }
	 */
	listAttempts(deliveryId: string, params: ListParams = {}, options?: RequestOptions): PagePromise<Attempt> {
		const { page, ...query } = params;
		return listOf(this.#transport, { path: this.#path() + path`/${deliveryId}/attempts`, query }, page, options);
	}

	/**
	 * Attempts a delivery again now. It must be Failed, Cancelled or Pending. If the attempt fails, the automatic schedule
	 * continues unchanged. Rejects with a `ConflictError` (`too_many_retries`) if the delivery has been retried 100 times:
	 * replay the event instead. Rejects with a `RateLimitError` (`stored_bytes_exceeded`) while the project has used up its quota of stored bytes.
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
	 * Retries all deliveries that match and can be retried, at most 10,000 per call. `nextPage` goes on, and leaves out what has changed
	 * since the first call, so that it ends. Skips deliveries that have been retried 100 times.
	 *
	 * @example
	 * // What has failed in the last hour.
	 * const filter = { status: "Failed", updatedAfter: Date.now() - 3_600_000 } as const;
	 * for (let page: string | undefined, isComplete = false; !isComplete;) {
	 * 	const { nextPage, complete } = await project.deliveries.retryMany({ ...filter, page });
	 * 	[page, isComplete] = [nextPage ?? undefined, complete];
	 * }
	 */
	async retryMany(filter: ManyFilter, options?: RequestOptions): Promise<ManyChanged> {
		return this.#many("retry", filter, options);
	}

	/** Cancels all deliveries that match and are Pending or Held, at most 10,000 per call. */
	async cancelMany(filter: ManyFilter, options?: RequestOptions): Promise<ManyChanged> {
		return this.#many("cancel", filter, options);
	}

	async #many(action: "retry" | "cancel", filter: ManyFilter, options?: RequestOptions): Promise<ManyChanged> {
		objectArgument("filter", filter, '{ status: "Failed" }');
		const json = JSON.stringify({ ...filter, ...timesOf(filter) });
		const request = { method: "POST", path: `${this.#path()}:${action}`, json, answer: "deliveriesChanged" } as const;
		return this.#transport.request<ManyChanged>(request, options);
	}

	#path(): string {
		return path`/projects/${this.#projectId}/deliveries`;
	}
}

/** The times of a filter, in milliseconds. */
function timesOf({ after, before, updatedAfter, updatedBefore }: DeliveryFilter) {
	return {
		after: milliseconds("after", after),
		before: milliseconds("before", before),
		updatedAfter: milliseconds("updatedAfter", updatedAfter),
		updatedBefore: milliseconds("updatedBefore", updatedBefore),
	};
}

/** A filter as query parameters: lists become one text each. Unknown fields are passed on, so that the server reports them. */
function queryOf(filter: DeliveryFilter) {
	const { eventType, status, responseCode, error, cause, ...others } = filter;
	const { after, before, updatedAfter, updatedBefore, ...rest } = others;
	return {
		...rest,
		eventType: joined(eventType),
		status: joined(status),
		responseCode: joined(responseCode),
		error: joined(error),
		cause: joined(cause),
		...timesOf({ after, before, updatedAfter, updatedBefore }),
	};
}

function joined(values: string | number | readonly (string | number)[] | undefined): string | undefined {
	if (values === undefined) return undefined;
	return typeof values === "object" ? values.join(",") : String(values);
}
