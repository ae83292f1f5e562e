// What replays need of the store.
import type { Page, PageRequest } from "../core/page.ts";
import type { Replay, ReplayFilter } from "../core/replay.ts";

/** One step of a replay. */
export interface ReplayStep {
	readonly replayId: string;
	readonly at: number;
	/** Events to look at, at most, and deliveries to make, at most: whichever comes first ends the step. */
	readonly scanLimit: number;
	readonly deliveryLimit: number;
	/** Gives the id of each delivery to make. */
	readonly makeDeliveryId: () => string;
}

export interface ReplayStore {
	insertReplay(replay: Replay): Promise<void>;
	/**
	 * Goes on where the last step ended, in the order of the events' ids. Makes a Pending delivery (trigger `replay`, due at `at`, not
	 * leased) for each matching event and moves the replay on, all in one transaction: a crash repeats nothing and leaves nothing
	 * out. Sets `Finished` when the range is done. Null if the replay is not Running.
	 */
	stepReplay(step: ReplayStep): Promise<Replay | null>;
	/** False if there is no such replay or it is not Running. */
	cancelReplay(replayId: string, at: number): Promise<boolean>;
	/** How many events would match; looks at no more than `scanLimit` and says so with `complete: false`. */
	countReplay(
		projectId: string,
		webhookId: string,
		filter: ReplayFilter,
		scanLimit: number,
	): Promise<{ readonly matching: number; readonly complete: boolean }>;
	runningReplays(): Promise<readonly Replay[]>;
	/** Newest first; `webhookId` null = of all webhooks. */
	replays(projectId: string, webhookId: string | null, page: PageRequest): Promise<Page<Replay>>;
	replay(projectId: string, replayId: string): Promise<Replay | null>;
	/** Deliveries of a webhook that are Pending because of a replay, counted up to `limit`: what the pace is set by. */
	countReplayPending(webhookId: string, limit: number): Promise<number>;
}
