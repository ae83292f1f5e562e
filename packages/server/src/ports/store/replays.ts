// What replays need of the store.
import type { Page, PageRequest } from "../../core/page.ts";
import type { Replay, ReplayFilter } from "../../core/replay.ts";

/** One step of a replay. */
export interface ReplayStep {
	readonly replayId: string;
	readonly at: number;
	/** Events to look at, at most. */
	readonly scanLimit: number;
	/** New ids for the deliveries, taken in order. No more deliveries are made than these: that ends the step too. */
	readonly deliveryIds: readonly string[];
}

/** One step of counting what a replay would send. */
export interface ReplayCountStep {
	readonly projectId: string;
	readonly webhookId: string;
	readonly filter: ReplayFilter;
	/** The `lastEventId` of the step before; null to begin. */
	readonly afterEventId: string | null;
	/** Events to look at, at most. */
	readonly scanLimit: number;
}

export interface ReplayCount {
	readonly matching: number;
	/** Where the next step goes on; null if the range is done. */
	readonly lastEventId: string | null;
}

export interface ReplayStore {
	insertReplay(replay: Replay): Promise<void>;
	/**
	 * Goes on where the last step ended, in the order of the events' ids. Makes a Pending delivery (trigger `replay`, due at `at`, not
	 * leased) for each matching event and moves the replay on, all in one transaction: a crash repeats nothing and leaves nothing
	 * out. An event that got a delivery to this webhook after the replay was made is passed over, so that replays over the same events
	 * at the same time don't double, and so is one whose payload is erased. Sets `Finished` when the range is done. Null if the
	 * replay is not Running.
	 *
	 * Unlike other writes, a step is not synced before it resolves. A loss of power can take the last steps back, place and deliveries
	 * together, and they are made again; but none of which an outcome was committed, since that syncs what came before it.
	 */
	stepReplay(step: ReplayStep): Promise<Replay | null>;
	/** False if there is no such replay or it is not Running. */
	cancelReplay(replayId: string, at: number): Promise<boolean>;
	/** Counts the matching events as they stand now. */
	countReplay(step: ReplayCountStep): Promise<ReplayCount>;
	/** Oldest first. */
	runningReplays(): Promise<readonly Replay[]>;
	/** Newest first; `webhookId` null = of all webhooks. */
	replays(projectId: string, webhookId: string | null, page: PageRequest): Promise<Page<Replay>>;
	replay(projectId: string, replayId: string): Promise<Replay | null>;
	/** Those of these deliveries that still wait for their first attempt, or are in it: what a replay's pace is set by. */
	untried(deliveryIds: readonly string[]): Promise<readonly string[]>;
}
