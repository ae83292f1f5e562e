// Replays: new deliveries for old events, made in the background.
import type { DeliveryStatus } from "./delivery.ts";
import { EventTypeIndex } from "./webhook.ts";

/** How it stands between an event and a webhook: how the newest delivery ended. `Missed`: there is none. */
export const REPLAY_OUTCOMES = ["Succeeded", "Failed", "Cancelled", "Missed"] as const;
export type ReplayOutcome = (typeof REPLAY_OUTCOMES)[number];

/** All that did not succeed. */
export const DEFAULT_REPLAY_OUTCOMES: readonly ReplayOutcome[] = ["Failed", "Cancelled", "Missed"];

export const REPLAY_STATUSES = ["Running", "Finished", "Cancelled"] as const;
export type ReplayStatus = (typeof REPLAY_STATUSES)[number];

/** Replays of one project that run at once. */
export const MAX_RUNNING_REPLAYS = 10;

/** Which events of the webhook's project are sent to it again. */
export interface ReplayFilter {
	/** By the date of acceptance; inclusive. */
	readonly since: number;
	/** Exclusive. Never later than the making of the replay, so that it ends. */
	readonly until: number;
	/** An event with a delivery to this webhook that is Pending or Held is never replayed. */
	readonly outcomes: readonly ReplayOutcome[];
	/** Exact names or `prefix.*`; null = every type. */
	readonly eventTypes: readonly string[] | null;
	/** The same once more, for missed events alone: most of them the webhook never wanted. */
	readonly missedEventTypes: readonly string[] | null;
}

/** A replay and how far it has come. */
export interface Replay {
	readonly id: string;
	readonly projectId: string;
	readonly webhookId: string;
	readonly filter: ReplayFilter;
	/** Finished when each matching event has its delivery; those then go their own way. */
	readonly status: ReplayStatus;
	/** Events looked at so far, and deliveries made for those that match. */
	readonly scannedCount: number;
	readonly deliveryCount: number;
	/** The dates of the oldest and the newest event in the range, and of the last one looked at; null before the first look. */
	readonly firstEventDate: number | null;
	readonly lastEventDate: number | null;
	readonly position: number | null;
	readonly createDate: number;
	readonly updateDate: number;
	readonly endDate: number | null;
}

/**
 * How much of the time between the oldest and the newest event in the range is done, from 0 to 1. By time and not by number:
 * counting a million events beforehand would take as long as looking at them.
 */
export function replayProgress({ status, firstEventDate, lastEventDate, position }: Replay): number {
	if (status === "Finished") return 1;
	if (firstEventDate === null || lastEventDate === null || position === null) return 0;
	return Math.min(1, (position - firstEventDate) / Math.max(1, lastEventDate - firstEventDate));
}

/** What an event's deliveries to a webhook, newest first, amount to; null while one is on its way. */
export function replayOutcome(statuses: readonly DeliveryStatus[]): ReplayOutcome | null {
	if (statuses.includes("Pending") || statuses.includes("Held")) return null;
	const [newest] = statuses;
	if (newest === undefined) return "Missed";
	return newest === "Pending" || newest === "Held" ? null : newest;
}

/** A filter, ready to be asked about many events. */
export interface ReplayMatcher {
	readonly wants: (type: string, outcome: ReplayOutcome) => boolean;
}

export function createReplayMatcher({ outcomes, eventTypes, missedEventTypes }: ReplayFilter): ReplayMatcher {
	const wanted = new Set(outcomes);
	const anyType = typeMatcher(eventTypes);
	const missedType = typeMatcher(missedEventTypes);
	return {
		wants: (type, outcome) => wanted.has(outcome) && anyType(type) && (outcome !== "Missed" || missedType(type)),
	};
}

function typeMatcher(eventTypes: readonly string[] | null): (type: string) => boolean {
	if (eventTypes === null) return () => true;
	const index = new EventTypeIndex([{ eventTypes }]);
	return (type) => index.match(type).length > 0;
}
