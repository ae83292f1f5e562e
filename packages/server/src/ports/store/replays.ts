// The slice for replays: the replayer moves them on step by step, and the API makes, lists and cancels them.
import type { AuditEntry } from "../../core/access/audit.ts";
import type { Scope } from "../../core/access/principal.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import type { Replay, ReplayFilter } from "../../core/replay.ts";

/** One step of a replay. */
export interface ReplayStep {
	readonly replayId: string;
	/** The time of the step: new deliveries are made and due then. */
	readonly at: number;
	/** The largest number of events to look at. */
	readonly scanLimit: number;
	/** Ids for the new deliveries, used in order. The step makes at most this many deliveries. */
	readonly deliveryIds: readonly string[];
}

/** One step of counting the events that a replay would send. */
export interface ReplayCountStep {
	readonly scope: Scope;
	readonly webhookId: string;
	readonly filter: ReplayFilter;
	/** Only these events. Null, or if omitted: every event of the range. */
	readonly eventIds?: readonly string[] | null;
	/** The `lastEventId` of the previous step; null in the first step. */
	readonly afterEventId: string | null;
	/** The largest number of events to look at. */
	readonly scanLimit: number;
}

/** A replay that is to be added. */
export interface NewReplay {
	readonly replay: Replay;
	/** Only these events of its project. Null, or if omitted: every event of its range. */
	readonly eventIds?: readonly string[] | null;
	/** The most Running replays of the same customer (or of none, like this one), itself included. */
	readonly limit: number;
	/** The most Running replays of its project in all, itself included, if it is not the first one of its customer. */
	readonly projectLimit: number;
	/** The audit entry of its start. */
	readonly entry: AuditEntry | null;
}

/** Whose limit replays would exceed: that of a customer (or of no customer), or that of the project, which the second one of a customer can exceed. */
export type ReplayRefusal = "customer" | "project";

export interface ReplayCount {
	/** Matching events in this step. */
	readonly matching: number;
	/** The date of the newest of them; null if there are none. */
	readonly newestDate: number | null;
	/** The `afterEventId` of the next step; null if no event is left in the range. */
	readonly lastEventId: string | null;
}

/**
 * An event matches a replay if it lies in the time range, is one of the chosen events, if there are some, and `createReplayMatcher` of core/replay.ts wants its type and
 * outcome, where the outcome is `replayOutcome` of the event's deliveries to the replay's webhook. An event whose
 * payload was erased never matches.
 */
export interface ReplayStore {
	/**
	 * Adds replays of one project and the audit entries of their starts, all or none. Returns null if they were added. Adds nothing if
	 * one of them would exceed a limit, and returns whose. Rejects with `store_conflict` if an id exists, and if there is no such project or it is
	 * deleted.
	 *
	 * No commit with events of the project goes on meanwhile: it comes before or after. A replay has every event of its range whose commit
	 * came before, and need have none of the others, whatever their ids: these are matched with the webhooks as they are after it was
	 * made. Its range is that of `filterOfStored`.
	 */
	insertReplays(replays: readonly NewReplay[]): Promise<ReplayRefusal | null>;
	/**
	 * Continues a replay after the last event of the previous step, in the order of event ids. Makes a delivery (Pending,
	 * trigger `replay`, due at `at`, not leased) for each matching event, and updates the replay's counts and position in
	 * the same transaction. So a crash neither repeats nor skips an event.
	 *
	 * Sets the status to Finished when no event is left of those that were there when the replay was made. A step that only passes events
	 * whose dates are not in the range looks at none; it moves on all the same, and sets the `updateDate`.
	 *
	 * The step ends before the next matching event once all `deliveryIds` are used. An event that got a delivery to this
	 * webhook after the replay was made is skipped, so that two replays over the same events do not send an event twice.
	 *
	 * By their ids, the new deliveries are the newest: they come after everything that was there when any Running replay to the webhook was
	 * made. If `deliveryIds` do not, since another process makes higher ids, the step changes nothing. Ids that continue after
	 * `newestId` do.
	 *
	 * The webhook decides as it is stored at that moment: if it is deleted or unknown, the step makes no delivery and sets
	 * the replay to Cancelled; if it is Paused or Disabled, the step changes nothing, and the replay stays Running.
	 *
	 * Returns the replay after the step; null if it does not exist or is not Running. Rejects with `store_conflict` if a
	 * delivery id exists.
	 *
	 * Unlike other writes, a step may resolve before it is synced. A loss of power can undo the last steps, each with its
	 * deliveries and its position together; they are then made again. But it never undoes a step whose delivery has an
	 * attempt in the log, because `commit` syncs every earlier write too.
	 */
	stepReplay(step: ReplayStep): Promise<Replay | null>;
	/**
	 * Sets a Running replay to Cancelled, and writes the audit entry of that. Returns false and changes nothing if there is
	 * no such replay or it is not Running.
	 */
	cancelReplay(replayId: string, at: number, entry: AuditEntry | null): Promise<boolean>;
	/** Counts the events that match now, in steps. Changes nothing. */
	countReplay(step: ReplayCountStep): Promise<ReplayCount>;
	/** All Running replays of all projects, oldest first. */
	runningReplays(): Promise<readonly Replay[]>;
	/** A page of a project's replays, newest first; only those of one webhook unless `webhookId` is null. */
	replays(scope: Scope, webhookId: string | null, page: PageRequest): Promise<Page<Replay>>;
	replay(scope: Scope, replayId: string): Promise<Replay | null>;
	/**
	 * Those of the given deliveries that are Pending and have no recorded attempt, leased or not, in the given order. The
	 * replayer sets its pace by their number.
	 */
	untried(deliveryIds: readonly string[]): Promise<readonly string[]>;
}
