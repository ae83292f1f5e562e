// What the catalogue of event types needs of the store.
import type { EventType } from "../core/event-type.ts";

export interface CatalogueStore {
	/** All of a project's types, archived ones too, by name. */
	eventTypes(projectId: string): Promise<readonly EventType[]>;
	/** Adds the type or replaces it. */
	putEventType(eventType: EventType): Promise<void>;
	/** False if there is none of this name. */
	deleteEventType(projectId: string, name: string): Promise<boolean>;
}
