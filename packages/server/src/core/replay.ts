// Replays: new deliveries for old events to one webhook, made step by step in the background.
import type { DeliveryStatus } from "./delivery.ts";
import { eventTypeMatcher } from "./webhook.ts";

/**
 * The outcome of an event at a webhook: the final status of its newest delivery there, or `Missed` without any
 * delivery.
 */
export const REPLAY_OUTCOMES = ["Succeeded", "Failed", "Cancelled", "Missed"] as const;
export type ReplayOutcome = (typeof REPLAY_OUTCOMES)[number];

/** Every outcome but a success. */
export const DEFAULT_REPLAY_OUTCOMES: readonly ReplayOutcome[] = ["Failed", "Cancelled", "Missed"];

export const REPLAY_STATUSES = ["Running", "Finished", "Cancelled"] as const;
export type ReplayStatus = (typeof REPLAY_STATUSES)[number];

/** What a Running replay can wait for, besides its webhook: room in its project's quota of stored bytes. */
export const REPLAY_WAITS = ["storedBytes"] as const;
export type ReplayWait = (typeof REPLAY_WAITS)[number];

/** The largest number of Running replays to the webhooks of one project that have no customer. */
export const MAX_RUNNING_REPLAYS = 10;
/** The largest number of events that one replay can be asked for by their ids. */
export const MAX_CHOSEN_EVENTS = 1_000;

/** Selects the events of the webhook's project that are replayed. */
export interface ReplayFilter {
	/** Events accepted at or after this time. */
	readonly since: number;
	/**
	 * Events accepted before this time. The first millisecond after the creation of the replay stands for "up to now": see `filterOfStored`.
	 * It can be later; what is accepted after the creation does not belong to the replay, so it ends (docs/operating.md has an exception for several
	 * processes whose clocks differ).
	 */
	readonly until: number;
	/** Events with one of these outcomes. An event with a Pending or Held delivery to the webhook is never replayed. */
	readonly outcomes: readonly ReplayOutcome[];
	/** Exact names or `prefix.*`; null for every type. */
	readonly eventTypes: readonly string[] | null;
	/** A second filter of the same form for `Missed` events only, since the webhook never wanted most of these. */
	readonly missedEventTypes: readonly string[] | null;
}

/** A replay and its progress. */
export interface Replay {
	readonly id: string;
	readonly projectId: string;
	readonly webhookId: string;
	/** The customer of its webhook. */
	readonly customerId: string | null;
	readonly filter: ReplayFilter;
	/** How many events were chosen by their ids, which the range of the filter spans; null if it is about every event of its range. */
	readonly chosenCount: number | null;
	/** Finished when each matching event has a new delivery, whatever becomes of these deliveries. */
	readonly status: ReplayStatus;
	/** Events looked at so far. */
	readonly scannedCount: number;
	/** Deliveries made so far. */
	readonly deliveryCount: number;
	/** The date of the oldest event in the range; null until the first event was looked at. */
	readonly firstEventDate: number | null;
	/** The date of the newest event in the range, or a later time if it is hard to find; null until a step found an event. */
	readonly lastEventDate: number | null;
	/** The date of the last event that was looked at; null until the first event was looked at. */
	readonly position: number | null;
	readonly createDate: number;
	readonly updateDate: number;
	readonly endDate: number | null;
}

/** A replay, and what it waits for now; null if that is nothing but its webhook, or if it is not known. */
export interface ReplayNow extends Replay {
	readonly waitingFor: ReplayWait | null;
}

/**
 * The progress of a replay from 0 to 1: the share of the chosen events, or else of the time between the oldest and the newest event in
 * the range. It is measured in time because counting a million events beforehand would take as long as the replay.
 */
export function replayProgress({ status, chosenCount, scannedCount, ...dates }: Replay): number {
	if (status === "Finished") return 1;
	if (chosenCount !== null) return Math.min(1, scannedCount / Math.max(1, chosenCount));
	const { firstEventDate, lastEventDate, position } = dates;
	if (firstEventDate === null || lastEventDate === null || position === null) return 0;
	// Where ids are ahead of dates, an event can have an earlier date than the first one.
	return Math.min(1, Math.max(0, position - firstEventDate) / Math.max(1, lastEventDate - firstEventDate));
}

/**
 * How far the clock of another process may be ahead for its events to be in a replay up to now. Events with later dates were accepted long
 * ago, by a process whose clock was wrong then: nobody who asks for the last minutes means them.
 */
export const CLOCKS_APART_MS = 60_000;

/** The end of the range of a replay up to now that is made at a time: it has the events of that millisecond. */
export function upToNow(now: number): number {
	return now + 1;
}

/**
 * The filter by which the events of a replay are found, and counted. One up to now has everything that was there when it was made, also what
 * another process has accepted whose clock is ahead of the one that has given the replay its dates, by up to `CLOCKS_APART_MS`.
 */
export function filterOfStored({ filter, createDate }: Pick<Replay, "filter" | "createDate">): ReplayFilter {
	const now = upToNow(createDate);
	return filter.until === now ? { ...filter, until: now + CLOCKS_APART_MS } : filter;
}

/** The date of the newest of some events; null if there are none. Their order does not tell, where ids are ahead of dates. */
export function newestDateOf(events: readonly { readonly date: number }[]): number | null {
	return events.reduce<number | null>((newest, { date }) => Math.max(newest ?? date, date), null);
}

/** The end of a replay's range, as far as it had passed when the replay was made: for its progress if its newest event is hard to find. */
export function lastDateOf({ filter, createDate }: Pick<Replay, "filter" | "createDate">): number {
	return Math.max(filter.since, Math.min(filter.until - 1, createDate));
}

/**
 * The outcome of an event at a webhook from the statuses of its deliveries there, newest first; null while one is
 * Pending or Held.
 */
export function replayOutcome(statuses: readonly DeliveryStatus[]): ReplayOutcome | null {
	if (statuses.includes("Pending") || statuses.includes("Held")) return null;
	const [newest] = statuses;
	if (newest === undefined) return "Missed";
	return newest === "Pending" || newest === "Held" ? null : newest;
}

/** A replay filter prepared for many events. */
export interface ReplayMatcher {
	/** Whether an event of this type and outcome is replayed. The time range is not checked. */
	readonly wants: (type: string, outcome: ReplayOutcome) => boolean;
}

/** Prepares a filter once for many events. */
export function createReplayMatcher({ outcomes, eventTypes, missedEventTypes }: ReplayFilter): ReplayMatcher {
	const wanted = new Set(outcomes);
	const anyType = typeMatcher(eventTypes);
	const missedType = typeMatcher(missedEventTypes);
	return {
		wants: (type, outcome) => wanted.has(outcome) && anyType(type) && (outcome !== "Missed" || missedType(type)),
	};
}

function typeMatcher(eventTypes: readonly string[] | null): (type: string) => boolean {
	return eventTypes === null ? () => true : eventTypeMatcher(eventTypes);
}
