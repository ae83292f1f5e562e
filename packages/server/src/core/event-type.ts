// Event types: what a project's events can be, for people and for checking.

/** One entry of a project's catalogue. */
export interface EventType {
	readonly projectId: string;
	/** As events carry it; unique in the project. */
	readonly name: string;
	readonly description: string | null;
	/** JSON Schema draft 2020-12 of `data`; null = any. As JSON text, as it was sent. */
	readonly schemaJson: string | null;
	/** An example of `data`, as JSON text, as it was sent; it fits the schema. */
	readonly exampleJson: string | null;
	/** Kept for the log's sake, and refused for new events where the project is catalogued. */
	readonly archived: boolean;
	readonly createDate: number;
	readonly updateDate: number;
}

/** `open`: any type may be sent. `catalogued`: only those in the catalogue, with data that fits. */
export const EVENT_TYPE_POLICIES = ["open", "catalogued"] as const;
export type EventTypePolicy = (typeof EVENT_TYPE_POLICIES)[number];

/** Of a project. */
export const MAX_EVENT_TYPES = 1_000;
/** Bytes of a schema's text, and of an example's. */
export const MAX_SCHEMA_BYTES = 64 * 1_024;
export const MAX_EXAMPLE_BYTES = 64 * 1_024;
export const EVENT_TYPE_DESCRIPTION_MAX_LENGTH = 2_000;

const RESERVED_PREFIX = "fanfare.";
export const RESERVED_TYPE_MESSAGE = `must not start with ${RESERVED_PREFIX}, which is for Fanfare's own events: choose another name`;

/** Types that Fanfare itself sends: in no catalogue, and always allowed. */
export function isReservedEventType(name: string): boolean {
	return name.startsWith(RESERVED_PREFIX);
}
