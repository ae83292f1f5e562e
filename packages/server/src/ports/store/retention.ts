// The slice for retention and housekeeping: deleting by age in small steps, and erasing a payload by hand.
import type { AuditEntry } from "../../core/access/audit.ts";
import type { Scope } from "../../core/access/principal.ts";

/** How many rows a step deleted. */
export interface Purged {
	readonly events: number;
	readonly deliveries: number;
	readonly attempts: number;
	/** Payloads removed from events that stay in the log. */
	readonly payloads: number;
}

export const NOTHING_PURGED: Purged = { events: 0, deliveries: 0, attempts: 0, payloads: 0 };

/** One step through a project's events, oldest first. */
export interface PurgeStep {
	readonly projectId: string;
	/** The time of the step, from which the horizon (see `Store`) follows. */
	readonly at: number;
	/** Only events accepted before this time, and none beyond the horizon. */
	readonly before: number;
	/** The `after` of the previous step's result; null to start with the oldest event. There may be no event with this id. */
	readonly after: string | null;
	/**
	 * Whether the walk ends with the ids of `before`. Then it finds no event whose id is ahead of its date, but does not have to look at
	 * all the younger ones among them, which may be most events of the project. False if omitted.
	 */
	readonly skipAhead?: boolean;
	/**
	 * About how many rows to read and change. It bounds the time of one transaction, not the result: all attempts of a delivery
	 * are changed together, so a step can go a little beyond it.
	 */
	readonly limit: number;
}

export interface PurgeResult {
	readonly purged: Purged;
	/**
	 * The `after` of the next step. If `done` or with `skipAhead`, the walk has passed no event that is not old yet, so a later walk can go
	 * on there; but not for ever, since an event may become visible behind the horizon. Otherwise it is for this walk only.
	 */
	readonly after: string | null;
	/** True if the end of the range is reached, or the horizon. Events that must stay can still be in it. */
	readonly done: boolean;
}

/**
 * How many deleted projects a step looks at, at most. Each costs some look-ups, also if nothing of it can be deleted yet, and a script can delete a
 * thousand of them in a minute: a step should occupy a store of one thread for a few milliseconds.
 */
export const DELETED_PROJECTS_PER_STEP = 20;

/** What a step has deleted of deleted projects. A run makes steps until one is `done`. */
export interface DeletedProjectsStep {
	readonly purged: Purged;
	/** Whether it has deleted anything, also rows that `purged` does not count. */
	readonly hasDeleted: boolean;
	/** Whether it has used up its rows, by deleting or by looking at them. */
	readonly isFull: boolean;
	/** The `after` of the next step: the last project that was looked at without anything to delete. Null if there was none in this run. */
	readonly after: string | null;
	/** Whether the run is over: nothing more can be deleted now. */
	readonly done: boolean;
	/** Whether this run leaves deleted projects: if `done`, some of their deliveries are not final yet, or stats are not added up. */
	readonly left: boolean;
}

/** One step through a project's replays, oldest first. */
export interface PurgeReplays {
	readonly projectId: string;
	/** Replays that ended before this time are deleted; null deletes none by age. */
	readonly before: number | null;
	/** Of the others, the newest so many are kept, Running ones included. */
	readonly keep: number;
	/** The result of the previous step; null to start with the oldest replay. */
	readonly after: string | null;
	/** How many replays to look at. */
	readonly limit: number;
}

/** An event that is being erased in steps. */
export interface Erasure {
	readonly projectId: string;
	readonly eventId: string;
}

/** One step of an erasure. */
export interface ContinueErasure {
	readonly eventId: string;
	/** The reason of the deliveries that are cancelled. */
	readonly reason: string;
	readonly at: number;
	/** About how many rows to change. It bounds the time of the transaction. */
	readonly limit: number;
}

export interface ErasureStep {
	/** The ids of the deliveries that this step has cancelled. */
	readonly cancelled: readonly string[];
	/** How many all steps so far have cancelled. */
	readonly cancelledCount: number;
	/** Whether it is over: all of it is erased, and synced. */
	readonly done: boolean;
}

export interface BegunErasure extends ErasureStep {
	/** Whether this call has erased or cancelled something. Otherwise the payload was erased before, or is being erased. */
	readonly changed: boolean;
}

/**
 * Unlike other writes, `purge…` and `releaseSpace` may resolve before they are synced. A loss of power can bring rows
 * back, which the next round deletes again. `erasePayload` is synced before it resolves, and so is the last step
 * of an erasure, with all steps before it.
 *
 * Every deletion of deliveries corrects the counts by status in its transaction. The stats of minutes, hours and days
 * stay.
 */
export interface RetentionStore {
	/**
	 * Makes up to `limit` idempotency keys that were first used before `before` unknown, oldest first, by removing the fingerprints of
	 * their sends. Events are still found by the keys. Returns how many it forgot.
	 */
	forgetIdempotencyKeys(before: number, limit: number): Promise<number>;
	/**
	 * Deletes events with their deliveries, attempts and idempotency. An event with a Pending or Held delivery stays,
	 * with all its deliveries. An event with very many deliveries is deleted in several steps; from the first of them on
	 * its payload counts as erased.
	 */
	purgeEvents(step: PurgeStep): Promise<PurgeResult>;
	/**
	 * Removes the bodies of events and the response bodies of their attempts, and keeps the rest of the log. An event
	 * with a Pending or Held delivery keeps its payload. Of an event with very many deliveries, the responses go in several steps, and
	 * the body with the last of them.
	 */
	purgePayloads(step: PurgeStep): Promise<PurgeResult>;
	/**
	 * Deletes about `limit` rows of the first deleted project after `after` (null: of all of them) of which something can be deleted, of any
	 * age, and the project itself when no row of it is left. Events with Pending or Held deliveries stay until these are final.
	 * Looks at up to `DELETED_PROJECTS_PER_STEP` projects, and at none after one whose look-ups use up the limit.
	 */
	purgeDeletedProjects(after: string | null, limit: number): Promise<DeletedProjectsStep>;
	/**
	 * Looks at up to `limit` webhooks whose ids come after `after` (null: from the first). Of the deleted ones, removes
	 * the secrets and header values of those without Pending or Held deliveries, everything that people have written into those without
	 * any delivery, and the whole record of these if they were deleted before a time. The changes of a project no longer name them then: a
	 * process that has not read them until then would never learn of the deletion. Of the others, it forgets endpoints that no attempt can name any more, since all events of the project are newer.
	 * Returns the last id it looked at, for the next step; null at the end.
	 */
	purgeDeletedWebhooks(after: string | null, limit: number, deletedBefore: number): Promise<string | null>;
	/**
	 * Deletes replays that have ended. Running ones stay, and so do all deliveries that replays have made. Returns the last id it looked
	 * at, for the next step; null at the end.
	 */
	purgeReplays(step: PurgeReplays): Promise<string | null>;
	/** Deletes up to `limit` audit entries that are older than `before`, oldest first. Returns how many it deleted. */
	purgeAuditEntries(before: number, limit: number): Promise<number>;
	/**
	 * Erases a payload: removes an event's body, cancels its Pending and Held deliveries with `reason`, and removes the response
	 * bodies of its attempts. From then on no delivery of the event can be retried, claimed or replayed. The idempotency key stays
	 * known.
	 *
	 * One transaction removes the body, writes the audit entry, and changes about `limit` rows. If that is not all, `continueErasure`
	 * makes the next steps, also after a restart. If there is nothing to erase, or the event is being erased already, no entry is written.
	 * Returns null, and changes nothing, if the scope has no such event.
	 */
	erasePayload(
		scope: Scope,
		eventId: string,
		options: Omit<ContinueErasure, "eventId"> & { readonly entry: AuditEntry | null },
	): Promise<BegunErasure | null>;
	/** Makes the next step of an erasure, in one transaction. Returns null if it is over. */
	continueErasure(step: ContinueErasure): Promise<ErasureStep | null>;
	/** Up to `limit` erasures that are not over. */
	erasures(limit: number): Promise<readonly Erasure[]>;
	/**
	 * Returns free space to the file system, about `maxBytes` at a time, and keeps some of it for new data. Returns the
	 * number of bytes. With a `maxBytes` of 0, nothing of what was erased or deleted before is readable on the disk afterwards, or it
	 * rejects with `store_unavailable`, since another program reads the store.
	 */
	releaseSpace(maxBytes: number): Promise<number>;
}
