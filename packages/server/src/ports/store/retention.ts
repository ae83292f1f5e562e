// What retention needs of the store: deleting what has served its time in small steps, and a payload at once.

/** What was deleted. */
export interface Purged {
	readonly events: number;
	readonly deliveries: number;
	readonly attempts: number;
	/** Bodies taken out of events whose log stays. */
	readonly payloads: number;
}

export const NOTHING_PURGED: Purged = { events: 0, deliveries: 0, attempts: 0, payloads: 0 };

/** One step through a project's events, in the order of their ids. */
export interface PurgeStep {
	readonly projectId: string;
	/** Those accepted before it. */
	readonly before: number;
	/** Goes on after this event, as the step before said; null = from the oldest. The event may be gone by now. */
	readonly after: string | null;
	/** Rows to look at and to change, about: the deliveries of one event are looked at in any case. */
	readonly limit: number;
}

export interface PurgeResult {
	readonly purged: Purged;
	/** Where the next step goes on. */
	readonly after: string | null;
	/** True if nothing is left in the range but what has to stay. */
	readonly done: boolean;
}

/**
 * Unlike other writes, a purge is not synced before it resolves: what a loss of power brings back is deleted again.
 * `erasePayload` is synced.
 */
export interface RetentionStore {
	/** Forgets up to `limit` idempotency keys made before `before`; returns how many. */
	forgetIdempotencyKeys(before: number, limit: number): Promise<number>;
	/** Deletes events with their deliveries and attempts. An event with a delivery that is Pending or Held stays, with all of them. */
	purgeEvents(step: PurgeStep): Promise<PurgeResult>;
	/** Takes out the bodies of events, and what receivers answered to them, where nothing is Pending or Held. */
	purgePayloads(step: PurgeStep): Promise<PurgeResult>;
	/** Deletes about `limit` rows of deleted projects, and the projects when nothing of theirs is left. `done`: no more can go now. */
	purgeDeletedProjects(limit: number): Promise<{ readonly purged: Purged; readonly done: boolean }>;
	/**
	 * Looks at up to `limit` deleted webhooks whose ids come after `after`: removes the secrets of those that nothing waits
	 * for, and all of those whose deliveries are gone. Gives the last id, for the next step; null at the end.
	 */
	purgeDeletedWebhooks(after: string | null, limit: number): Promise<string | null>;
	/**
	 * Takes out an event's body and the answers that its attempts kept; what is Pending or Held of it is cancelled with `reason`,
	 * all in one transaction. Gives the ids of those; null if there is no such event. From then on nothing of it can be retried.
	 */
	erasePayload(projectId: string, eventId: string, reason: string, at: number): Promise<readonly string[] | null>;
	/**
	 * Gives free space back to the file system, about `maxBytes` of it, and keeps some for what comes next. Gives the bytes:
	 * 0 when there is no more to give, and what was erased is overwritten on the disk, too.
	 */
	releaseSpace(maxBytes: number): Promise<number>;
}
