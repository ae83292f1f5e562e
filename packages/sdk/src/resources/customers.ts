// project.customers: whom webhooks belong to.
import { objectArgument } from "../arguments.ts";
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import { exportedCsv, exportedRows } from "../streaming/exported.ts";
import { path, type RequestOptions, type Transport } from "../transport.ts";
import { getStats, type Stats, type StatsParams } from "./stats.ts";

/** Whom webhooks belong to, with what you keep of them. */
export interface Customer {
	/** The `customerId` of webhooks and events. */
	readonly id: string;
	/** Always `"customer"`. */
	readonly object: "customer";
	/** The project that it belongs to. */
	readonly projectId: string;
	/** The name that you keep for it; null if you keep none. */
	readonly name: string | null;
	/** Your own keys and values. Fanfare does not use them. */
	readonly metadata: Readonly<Record<string, string>>;
	/** How many webhooks it has, and how many of them fail: their health says so, or they have exhausted a delivery since their last success. */
	readonly webhooks: {
		/** All of them. */
		readonly total: number;
		/** Webhooks that fail. */
		readonly failing: number;
	};
	/** How far its deletion is. Present only while it is being deleted. */
	readonly deletion?: {
		/** When the deletion began, in milliseconds since the epoch. */
		readonly startDate: number;
		/** Webhooks of which something is left, among them those that were deleted earlier. */
		readonly webhooksLeft: number;
		/** Webhooks of which nothing is left. */
		readonly webhookCount: number;
		/** Deliveries to its webhooks that keep no response any more. */
		readonly deliveryCount: number;
		/** Payloads that were erased. */
		readonly eventCount: number;
	};
	/** When it was first named, in milliseconds since the epoch. */
	readonly createDate: number;
	/** In milliseconds since the epoch. */
	readonly updateDate: number;
}

/** A change of the data of a customer. Omitted fields stay unchanged; null removes the name or all metadata. */
export interface UpdateCustomer {
	/** 1–128 characters. */
	readonly name?: string | null | undefined;
	/** Your own keys and values, which replace those you have. Fanfare does not use them. */
	readonly metadata?: Readonly<Record<string, string>> | null | undefined;
}

/** Filters for customers. All are optional. */
export interface CustomerFilter extends ListParams {
	/** Only customers whose id or name contains this text, in upper or lower case. */
	readonly q?: string | undefined;
}

/** The result of pausing or resuming all webhooks of a customer. */
export interface WebhooksChanged {
	/** Always `"webhooksChanged"`. */
	readonly object: "webhooksChanged";
	/** How many webhooks the customer has. */
	readonly matched: number;
	/** How many of them this call has paused or resumed. */
	readonly changed: number;
}

/** The customers of a project. Use it as `project.customers`. */
export class Customers {
	readonly #transport: Transport;
	readonly #projectId: string;

	/** @internal */
	constructor(transport: Transport, projectId: string) {
		this.#transport = transport;
		this.#projectId = projectId;
	}

	/** Lists the customers that have or had a webhook, or for whom you keep a name, ordered by id. */
	list(params: CustomerFilter = {}, options?: RequestOptions): PagePromise<Customer> {
		const { page, ...query } = params;
		return listOf(this.#transport, { path: this.#all(), query }, page, options);
	}

	/**
	 * Exports all customers that match, ordered by id, however many there are: they are read from one streaming response, as fast as you
	 * take them. The request is made when the iteration starts, and leaving the loop ends it. Rejects with a `ConnectionError` if the
	 * response is cut off, so that no part is taken for the whole. A project can have 2 exports at once.
	 *
	 * @example
	 * for await (const { id, webhooks } of project.customers.export()) {
	 * 	if (webhooks.failing > 0) console.log(id, webhooks);
	 * }
	 */
	export(filter: Omit<CustomerFilter, keyof ListParams> = {}, options: RequestOptions = {}): AsyncIterable<Customer> {
		return exportedRows(this.#transport, { path: `${this.#all()}:export`, query: { ...filter }, options });
	}

	/**
	 * The same as a CSV file for spreadsheets, in pieces of text. An apostrophe stands before a character that would begin a formula.
	 *
	 * @example
	 * // `pipeline` is that of node:stream/promises.
	 * await pipeline(project.customers.exportCsv(), createWriteStream("customers.csv"));
	 */
	exportCsv(filter: Omit<CustomerFilter, keyof ListParams> = {}, options: RequestOptions = {}): AsyncIterable<string> {
		return exportedCsv(this.#transport, { path: `${this.#all()}:export`, query: { ...filter }, options });
	}

	/** Fetches one customer. */
	async get(customerId: string, options?: RequestOptions): Promise<Customer> {
		return this.#call("GET", this.#path(customerId), undefined, options);
	}

	/**
	 * Keeps a name or metadata for a customer, who need not have a webhook yet.
	 *
	 * @example
	 * await project.customers.update("acme", { name: "Acme Inc." });
	 */
	async update(customerId: string, changes: UpdateCustomer, options?: RequestOptions): Promise<Customer> {
		const body = objectArgument("changes", changes, '{ name: "Acme Inc." }');
		return this.#call("PATCH", this.#path(customerId), body, options);
	}

	/**
	 * Begins to delete everything of a customer: its portal sessions, its webhooks, the responses of its receivers, the payloads of
	 * events that are for this customer alone, its name and metadata. This goes on in the background. `get` shows how far it is
	 * (`deletion`), and throws `NotFoundError` when it is over. Until then, new webhooks, events and portal sessions of the customer are
	 * refused with the code `customer_being_deleted`.
	 *
	 * @example
	 * const { deletion } = await project.customers.delete("acme");
	 */
	async delete(customerId: string, options?: RequestOptions): Promise<Customer> {
		return this.#call("DELETE", this.#path(customerId), undefined, options);
	}

	/** Pauses all webhooks of a customer, one after the other. */
	async pause(customerId: string, options?: RequestOptions): Promise<WebhooksChanged> {
		const request = { method: "POST", path: `${this.#path(customerId)}:pause`, answer: "webhooksChanged" } as const;
		return this.#transport.request<WebhooksChanged>(request, options);
	}

	/** Resumes all webhooks of a customer that are paused or disabled, one after the other. */
	async resume(customerId: string, options?: RequestOptions): Promise<WebhooksChanged> {
		const request = { method: "POST", path: `${this.#path(customerId)}:resume`, answer: "webhooksChanged" } as const;
		return this.#transport.request<WebhooksChanged>(request, options);
	}

	/**
	 * Returns counts and latencies of the deliveries of all webhooks of a customer per minute, hour or day, and their current
	 * number by status.
	 */
	async stats(customerId: string, params: StatsParams = {}, options?: RequestOptions): Promise<Stats> {
		return getStats(this.#transport, this.#path(customerId), params, options);
	}

	async #call(
		method: "GET" | "PATCH" | "DELETE",
		at: string,
		body: UpdateCustomer | undefined,
		options: RequestOptions | undefined,
	): Promise<Customer> {
		const json = body === undefined ? {} : { json: JSON.stringify(body) };
		return this.#transport.request<Customer>({ method, path: at, ...json, answer: "customer" }, options);
	}

	#all(): string {
		return path`/projects/${this.#projectId}/customers`;
	}

	#path(customerId: string): string {
		return path`/projects/${this.#projectId}/customers/${customerId}`;
	}
}
