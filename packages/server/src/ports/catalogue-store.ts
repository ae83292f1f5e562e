// What the catalogue of event types needs of the store.
import type { EventType } from "../core/event-type.ts";
import type { Page, PageRequest } from "../core/page.ts";

export interface CatalogueStore {
	/**
	 * A project's types by name, A first; "older" is further down the alphabet, and cursors are names. `archived` null: all.
	 * A page can hold fewer than `limit`, so that schemas and examples of one page stay within some megabytes.
	 */
	eventTypes(projectId: string, archived: boolean | null, page: PageRequest): Promise<Page<EventType>>;
	eventType(projectId: string, name: string): Promise<EventType | null>;
	/** Adds the type, or replaces the one of its name. Does nothing if it would be one more than `limit` in its project. */
	putEventType(eventType: EventType, limit: number): Promise<"added" | "replaced" | "full">;
	/** False if there is none of this name. */
	deleteEventType(projectId: string, name: string): Promise<boolean>;
}
