// project.eventTypes: the event types of a project and their schemas.
import { objectArgument } from "../arguments.ts";
import { listOf, type ListParams, type PagePromise } from "../page.ts";
import { path, type RequestOptions, type Transport } from "../transport.ts";
import type * as wire from "../wire/generated/types.ts";
import type { Deleted } from "./webhooks/webhook.ts";

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** An event type of a project. */
export interface EventType {
	/** The same as `name`. */
	readonly id: string;
	/** Always `"eventType"`. */
	readonly object: "eventType";
	/** The project that it belongs to. */
	readonly projectId: string;
	/** The `type` of its events; unique in the project. */
	readonly name: string;
	/** The meaning of events of this type; null if there is no description. */
	readonly description: string | null;
	/** The schema of an event's `data`; null if any data is valid. */
	readonly schema: JsonSchema | null;
	/** An example of `data`; null if there is none. */
	readonly example: unknown;
	/** Whether it is archived: a project whose policy is `catalogued` accepts no new events of archived types. */
	readonly archived: boolean;
	/** `internal`: no customer gets or sees events of this type. */
	readonly visibility: "public" | "internal";
	/** In milliseconds since the epoch. */
	readonly createDate: number;
	/** In milliseconds since the epoch. */
	readonly updateDate: number;
	/** Rises with each change of the event type. */
	readonly revision: number;
}

/** The fields of an event type that can be set. All are optional. */
export interface EventTypeSettings {
	/** The meaning of events of this type, for their receivers. Defaults to none. */
	readonly description?: string | null | undefined;
	/** A JSON Schema, which the `data` of events must fit if the project is `catalogued`. Defaults to any data. */
	readonly schema?: JsonSchema | null | undefined;
	/** An example of `data`. Must fit the schema. It is the sample that `webhooks.test` sends. */
	readonly example?: unknown;
	/** True to accept no new events of this type in a `catalogued` project. Defaults to false. */
	readonly archived?: boolean | undefined;
	/** `internal`: events of this type reach only webhooks without a customer, and no customer sees them. Defaults to `"public"`. */
	readonly visibility?: "public" | "internal" | undefined;
}

/** Changes to an event type. Omitted fields stay unchanged. */
export interface UpdateEventType extends EventTypeSettings {
	/**
	 * The `revision` that your changes were made on. If somebody else has changed the event type since, nothing is changed and the
	 * call rejects with a `ConflictError`. If omitted, the given fields are changed in any case.
	 */
	readonly revision?: number | undefined;
}

/** An event type to create. */
export interface CreateEventType extends EventTypeSettings {
	/** Such as `order.paid`. */
	readonly name: string;
}

/** Filters for event types. */
export interface EventTypeFilter extends ListParams {
	/** True for only archived types, false for only the others. Defaults to all types. */
	readonly archived?: boolean | undefined;
}

const SETTINGS_FORM = '{ schema: { type: "object" } }';

/** The event types of a project. Use it as `project.eventTypes`. */
export class EventTypes {
	readonly #transport: Transport;
	readonly #projectId: string;

	/** @internal */
	constructor(transport: Transport, projectId: string) {
		this.#transport = transport;
		this.#projectId = projectId;
	}

	/**
	 * Creates an event type. Rejects with a `ConflictError` if there is one with this name.
	 *
	 * @example
	 * const schema = { type: "object", required: ["orderId"], properties: { orderId: { type: "integer" } } };
	 * await project.eventTypes.create({ name: "order.paid", schema, example: { orderId: 42 } });
	 * await client.projects.update(project.id, { eventTypes: "catalogued" });
	 */
	async create(eventType: CreateEventType, options?: RequestOptions): Promise<EventType> {
		const body: wire.CreateEventType = objectArgument("eventType", eventType, '{ name: "order.paid" }');
		const json = JSON.stringify(body);
		return this.#transport.request<EventType>(
			{ method: "POST", path: this.#path(), json, answer: "eventType" },
			options,
		);
	}

	/** Lists the event types, sorted by name. */
	list(filter: EventTypeFilter = {}, options?: RequestOptions): PagePromise<EventType> {
		const { page, archived, ...rest } = filter;
		const query = { ...rest, archived: archived === undefined ? undefined : String(archived) };
		return listOf(this.#transport, { path: this.#path(), query }, page, options);
	}

	/** Fetches one event type. */
	async get(name: string, options?: RequestOptions): Promise<EventType> {
		return this.#transport.request<EventType>(
			{ method: "GET", path: this.#path() + path`/${name}`, answer: "eventType" },
			options,
		);
	}

	/**
	 * Creates the event type, or replaces it completely: omitted fields are cleared. For event types that are kept in
	 * files.
	 */
	async put(name: string, settings: EventTypeSettings, options?: RequestOptions): Promise<EventType> {
		const body: wire.EventTypeSettings = objectArgument("settings", settings, SETTINGS_FORM);
		return this.#write("PUT", name, body, options);
	}

	/**
	 * Changes the given fields; omitted fields stay unchanged. With a `revision`, it may reject with a `ConflictError` although it
	 * succeeded: if the response was lost and the call was retried.
	 */
	async update(name: string, changes: UpdateEventType, options?: RequestOptions): Promise<EventType> {
		const body: wire.UpdateEventType = objectArgument("changes", changes, SETTINGS_FORM);
		return this.#write("PATCH", name, body, options);
	}

	/** Deletes the event type. Events of this type stay. */
	async delete(name: string, options?: RequestOptions): Promise<Deleted> {
		return this.#transport.request<Deleted>(
			{ method: "DELETE", path: this.#path() + path`/${name}`, answer: "deleted" },
			options,
		);
	}

	async #write(method: "PUT" | "PATCH", name: string, body: object, options?: RequestOptions) {
		const request = {
			method,
			path: this.#path() + path`/${name}`,
			json: JSON.stringify(body),
			answer: "eventType",
		} as const;
		return this.#transport.request<EventType>(request, options);
	}

	#path(): string {
		return path`/projects/${this.#projectId}/event-types`;
	}
}
