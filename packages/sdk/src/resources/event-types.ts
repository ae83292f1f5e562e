// project.eventTypes: the event types of a project and their schemas.
import type { AnswerWithText } from "../answer.ts";
import { objectArgument } from "../arguments.ts";
import { listOf, listOfTexts, type ListParams, type PagePromise } from "../page.ts";
import { path, type RequestOptions, type Transport } from "../transport.ts";
import type * as wire from "../wire/generated/types.ts";
import { membersOf } from "../wire/json-text.ts";
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

/** An event type whose schema and example are JSON text, exactly as the server keeps them. */
export interface EventTypeAsText extends Omit<EventType, "schema" | "example"> {
	/** The schema of an event's `data`, as JSON text; null if any data is valid. */
	readonly schemaText: string | null;
	/** An example of `data`, as JSON text; null if there is none. */
	readonly exampleText: string | null;
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
		const { page, query } = pageAndQuery(filter);
		return listOf(this.#transport, { path: this.#path(), query }, page, options);
	}

	/**
	 * Lists the event types with schemas and examples as JSON text, byte for byte as the server keeps them, so that no parser rounds
	 * their numbers.
	 *
	 * @example
	 * for await (const { name, exampleText } of project.eventTypes.listAsText()) console.log(name, exampleText);
	 */
	listAsText(filter: EventTypeFilter = {}, options?: RequestOptions): PagePromise<EventTypeAsText> {
		const { page, query } = pageAndQuery(filter);
		return listOfTexts(this.#transport, { path: this.#path(), query }, page, options, (entry, text) =>
			withTexts(entry as EventType, text),
		);
	}

	/** Fetches one event type. */
	async get(name: string, options?: RequestOptions): Promise<EventType> {
		return this.#transport.request<EventType>(this.#getRequest(name), options);
	}

	/**
	 * Fetches one event type with its schema and example as JSON text, byte for byte as the server keeps them, so that no parser rounds
	 * their numbers.
	 *
	 * @example
	 * const { exampleText } = await project.eventTypes.getAsText("order.paid"); // '{"amount": 12345678901234567890}'
	 */
	async getAsText(name: string, options?: RequestOptions): Promise<EventTypeAsText> {
		const request = { ...this.#getRequest(name), isTextWanted: true };
		const { body, text } = await this.#transport.request<AnswerWithText>(request, options);
		return withTexts(body as EventType, text);
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

	#getRequest(name: string) {
		return { method: "GET", path: this.#path() + path`/${name}`, answer: "eventType" } as const;
	}

	#path(): string {
		return path`/projects/${this.#projectId}/event-types`;
	}
}

/** The page of a filter, and the rest of it as query parameters. */
function pageAndQuery({ page, archived, ...rest }: EventTypeFilter) {
	return { page, query: { ...rest, archived: archived === undefined ? undefined : String(archived) } };
}

/** The event type that was parsed from a text, with the parts of this text in place of its schema and example. */
function withTexts({ schema, example, ...rest }: EventType, text: string): EventTypeAsText {
	const members = membersOf(text);
	return {
		...rest,
		schemaText: schema === null ? null : (members.get("schema") ?? null),
		exampleText: example === null ? null : (members.get("example") ?? null),
	};
}
