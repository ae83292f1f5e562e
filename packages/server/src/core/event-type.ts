// Event types: a project's list of the types that its events can have, with descriptions and schemas.
import { nearestWord } from "./words/nearest-word.ts";

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
/** The types of the own events, in which Fanfare reports about itself. */
const OWN_EVENT_TYPES = [
	"fanfare.customer.deleted",
	"fanfare.delivery.exhausted",
	"fanfare.replay.finished",
	"fanfare.webhook.created",
	"fanfare.webhook.deleted",
	"fanfare.webhook.disabled",
	"fanfare.webhook.disabling",
	"fanfare.webhook.failing",
	"fanfare.webhook.paused",
	"fanfare.webhook.recovered",
	"fanfare.webhook.resumed",
	"fanfare.webhook.updated",
] as const;
export type OwnEventType = (typeof OWN_EVENT_TYPES)[number];
export const RESERVED_TYPE_MESSAGE = `must not start with ${RESERVED_PREFIX}, which is reserved for Fanfare's own events: choose another name`;

/**
 * Whether this is the type of an own event, which Fanfare itself sends. Such a type is never listed and always allowed.
 */
export function isReservedEventType(name: string): boolean {
	return name.startsWith(RESERVED_PREFIX);
}

/**
 * What is wrong with an entry of a webhook's filter that asks for own events of which there are none, so that it would wait for ever; null if nothing is.
 *
 * @example ownTypeIssue("fanfare.webhook.failling") // "is no own event of Fanfare; did you mean fanfare.webhook.failing?"
 */
export function ownTypeIssue(entry: string): string | null {
	if (!isReservedEventType(entry) || entry === TEST_EVENT_TYPE) return null;
	const isKnown = OWN_EVENT_TYPES.some(
		(type) => type === entry || (entry.endsWith(".*") && type.startsWith(entry.slice(0, -1))),
	);
	if (isKnown) return null;
	const nearest = nearestWord(entry, [...OWN_EVENT_TYPES, ...OWN_EVENT_GROUPS], MOST_EDITS);
	return nearest === null
		? `is no own event of Fanfare; these are ${OWN_EVENT_TYPES.join(", ")}`
		: `is no own event of Fanfare; did you mean ${nearest}?`;
}

const MOST_EDITS = 3;
const OWN_EVENT_GROUPS = [...new Set(OWN_EVENT_TYPES.map((type) => `${type.slice(0, type.lastIndexOf("."))}.*`))];
