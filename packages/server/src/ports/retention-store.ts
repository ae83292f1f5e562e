// What retention needs of the store: deleting what has served its time, in small steps.

/** What one step has deleted. */
export interface Purged {
	readonly events: number;
	readonly deliveries: number;
	readonly attempts: number;
	/** Bodies taken out of events whose log stays. */
	readonly payloads: number;
}

export interface RetentionStore {
	/**
	 * Deletes up to `limit` events of a project accepted before `before`, oldest first, with their deliveries and attempts. An event
	 * with a delivery that is Pending or Held stays. All zero when there is nothing left to do.
	 */
	purgeEvents(projectId: string, before: number, limit: number): Promise<Purged>;
	/** Takes the bodies out of up to `limit` events accepted before `before` that have nothing Pending or Held. */
	purgePayloads(projectId: string, before: number, limit: number): Promise<Purged>;
	/** Removes up to `limit` rows of whatever belongs to deleted projects, and the projects when nothing is left. */
	purgeDeletedProjects(limit: number): Promise<number>;
	/**
	 * Takes out an event's body now; its Pending and Held deliveries are cancelled with `reason`, in the same transaction.
	 * Returns the ids of those; null if there is no such event. The answers that attempts kept go too.
	 */
	erasePayload(projectId: string, eventId: string, reason: string, at: number): Promise<readonly string[] | null>;
	/** Gives back free pages to the file system, some at a time; returns how many bytes. */
	releaseSpace(maxBytes: number): Promise<number>;
}
