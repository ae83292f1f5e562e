// project.eventTypes: the catalogue of what a project's events can be.
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import { path, type RequestOptions, type Transport } from "../transport.ts";
import type { Deleted } from "./webhooks.ts";

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** One entry of the catalogue. */
export interface EventType {
	/** The same as `name`. */
	readonly id: string;
	readonly object: "eventType";
	readonly projectId: string;
	/** As events carry it; unique in the project. */
	readonly name: string;
	readonly description: string | null;
	/** Of an event's `data`; null = any. */
	readonly schema: JsonSchema | null;
	/** An example of `data`; null = none. */
	readonly example: unknown;
	/** A catalogued project takes no new events of it. */
	readonly archived: boolean;
	readonly createDate: number;
	readonly updateDate: number;
}

/** What can be set on an event type. */
export interface EventTypeSettings {
	readonly description?: string | null | undefined;
	readonly schema?: JsonSchema | null | undefined;
	/** Must fit the schema. `test` of a webhook sends it. */
	readonly example?: unknown;
	readonly archived?: boolean | undefined;
}

export interface CreateEventType extends EventTypeSettings {
	/** Such as `order.paid`. */
	readonly name: string;
}

export interface EventTypeFilter extends ListParams {
	/** Only archived ones, or only others. Default: all. */
	readonly archived?: boolean | undefined;
}

export class EventTypes {
	readonly #transport: Transport;
	readonly #projectId: string;

	constructor(transport: Transport, projectId: string) {
		this.#transport = transport;
		this.#projectId = projectId;
	}

	/**
	 * Adds a type to the catalogue; a `ConflictError` if there is one of its name.
	 *
	 * @example
	 * const schema = { type: "object", required: ["orderId"], properties: { orderId: { type: "integer" } } };
	 * await project.eventTypes.create({ name: "order.paid", schema, example: { orderId: 42 } });
	 * await client.projects.update(project.id, { eventTypes: "catalogued" });
	 */
	async create(eventType: CreateEventType, options?: RequestOptions): Promise<EventType> {
		const json = JSON.stringify(eventType);
		return this.#transport.request<EventType>(
			{ method: "POST", path: this.#path(), json, answer: "eventType" },
			options,
		);
	}

	/** By name, A first. */
	list(filter: EventTypeFilter = {}, options?: RequestOptions): PagePromise<EventType> {
		const { page, archived, ...rest } = filter;
		const query = { ...rest, archived: archived === undefined ? undefined : String(archived) };
		return listOf(this.#transport, { path: this.#path(), query }, page, options);
	}

	async get(name: string, options?: RequestOptions): Promise<EventType> {
		return this.#transport.request<EventType>(
			{ method: "GET", path: this.#path() + path`/${name}`, answer: "eventType" },
			options,
		);
	}

	/** Creates it or replaces all of it; what is left out is set to nothing. For catalogues that are kept as files. */
	async put(name: string, settings: EventTypeSettings, options?: RequestOptions): Promise<EventType> {
		return this.#write("PUT", name, settings, options);
	}

	/** Changes what is named and leaves the rest. */
	async update(name: string, changes: EventTypeSettings, options?: RequestOptions): Promise<EventType> {
		return this.#write("PATCH", name, changes, options);
	}

	/** Events of this type stay. */
	async delete(name: string, options?: RequestOptions): Promise<Deleted> {
		return this.#transport.request<Deleted>(
			{ method: "DELETE", path: this.#path() + path`/${name}`, answer: "deleted" },
			options,
		);
	}

	async #write(method: "PUT" | "PATCH", name: string, settings: EventTypeSettings, options?: RequestOptions) {
		const request = {
			method,
			path: this.#path() + path`/${name}`,
			json: JSON.stringify(settings),
			answer: "eventType",
		} as const;
		return this.#transport.request<EventType>(request, options);
	}

	#path(): string {
		return path`/projects/${this.#projectId}/event-types`;
	}
}
