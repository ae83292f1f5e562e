// Event types: what a project's events can be, for people and for checking.

/** One entry of a project's catalogue. */
export interface EventType {
	readonly projectId: string;
	readonly name: string;
	readonly description: string | null;
	/** JSON Schema draft 2020-12 of `data`; null = any. As JSON text, as it was sent. */
	readonly schemaJson: string | null;
	/** An example of `data`, as JSON text; it fits the schema. */
	readonly exampleJson: string | null;
	/** Archived: kept for the log's sake, refused for new events when the project is catalogued. */
	readonly archived: boolean;
	readonly createDate: number;
	readonly updateDate: number;
}

/** `open`: any type may be sent. `catalogued`: only those in the catalogue, with data that fits. */
export const EVENT_TYPE_POLICIES = ["open", "catalogued"] as const;
export type EventTypePolicy = (typeof EVENT_TYPE_POLICIES)[number];
