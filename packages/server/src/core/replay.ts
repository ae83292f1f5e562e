// Replays: new deliveries for old events, made in the background.

/** What an event must have had with the webhook to be replayed. `Missed`: no delivery at all. */
export const REPLAY_OUTCOMES = ["Succeeded", "Failed", "Cancelled", "Missed"] as const;
export type ReplayOutcome = (typeof REPLAY_OUTCOMES)[number];

export const REPLAY_STATUSES = ["Running", "Finished", "Cancelled"] as const;
export type ReplayStatus = (typeof REPLAY_STATUSES)[number];

/** Which events of the webhook's project are sent to it again. */
export interface ReplayFilter {
	/** By the date of acceptance; inclusive. */
	readonly since: number;
	/** Exclusive. Never later than the making of the replay, so that it ends. */
	readonly until: number;
	/** By the newest delivery of the event to this webhook. An event with one that is Pending or Held is never replayed. */
	readonly outcomes: readonly ReplayOutcome[];
	/** Exact names or `prefix.*`; null = every type. The webhook's own filter does not matter. */
	readonly eventTypes: readonly string[] | null;
}

/** A replay and how far it has come. */
export interface Replay {
	readonly id: string;
	readonly projectId: string;
	readonly webhookId: string;
	readonly filter: ReplayFilter;
	readonly status: ReplayStatus;
	/** Events looked at so far, and deliveries made for those that match. */
	readonly scannedCount: number;
	readonly deliveryCount: number;
	/** The date of the last event looked at: between `since` and `until` it tells the progress. */
	readonly position: number;
	readonly createDate: number;
	readonly updateDate: number;
	readonly endDate: number | null;
}
