// Event types: a project's list of the types that its events can have, with descriptions and schemas.

export const EVENT_TYPE_VISIBILITIES = ["public", "internal"] as const;
export type EventTypeVisibility = (typeof EVENT_TYPE_VISIBILITIES)[number];

/** One event type of a project. */
export interface EventType {
	readonly projectId: string;
	/** The `type` of the events; unique in the project. */
	readonly name: string;
	readonly description: string | null;
	/** The JSON Schema (draft 2020-12) of `data`, as the JSON text that was sent; null if any data is allowed. */
	readonly schemaJson: string | null;
	/** An example of `data` that matches the schema, as the JSON text that was sent; null if there is none. */
	readonly exampleJson: string | null;
	/** Kept to describe old events. A `catalogued` project refuses new events of this type. */
	readonly archived: boolean;
	/** Events of an `internal` type reach only webhooks without a customer, and no customer sees them or their type. */
	readonly visibility: EventTypeVisibility;
	readonly createDate: number;
	readonly updateDate: number;
	/** Rises with each change. The store sets it: to the version that the change has given the project. */
	readonly revision: number;
}

/**
 * `open`: events of any type are accepted. `catalogued`: only events of a listed type whose data matches its schema.
 */
export const EVENT_TYPE_POLICIES = ["open", "catalogued"] as const;
export type EventTypePolicy = (typeof EVENT_TYPE_POLICIES)[number];

/** The largest number of event types in a project. */
export const MAX_EVENT_TYPES = 1_000;
/** The largest size of a schema, in bytes. */
export const MAX_SCHEMA_BYTES = 64 * 1_024;
/** The largest size of an example, in bytes. */
export const MAX_EXAMPLE_BYTES = 64 * 1_024;
export const EVENT_TYPE_DESCRIPTION_MAX_LENGTH = 2_000;

const RESERVED_PREFIX = "fanfare.";
/** The type of Fanfare's own sample, which tests of webhooks send. */
export const TEST_EVENT_TYPE = "fanfare.test";
export const RESERVED_TYPE_MESSAGE = `must not start with ${RESERVED_PREFIX}, which is reserved for Fanfare's own events: choose another name`;

/**
 * Whether this is the type of an own event, which Fanfare itself sends. Such a type is never listed and always allowed.
 */
export function isReservedEventType(name: string): boolean {
	return name.startsWith(RESERVED_PREFIX);
}
