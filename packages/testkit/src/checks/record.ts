// The record of a round: what the harness itself has seen, and what the server says. The checks compare the two.
import type { DeliveryStatus } from "@fanfare/sdk";

import type { StoredLog } from "./stored-log.ts";

/** An event that the server has acknowledged with a 2xx. */
export interface Acknowledged {
	readonly eventId: string;
	readonly type: string;
	/** The event's number in the round, which is part of its data. */
	readonly n: number;
	/** The webhooks that the event is for; null if it is for all that want its type. */
	readonly webhookIds: readonly string[] | null;
	readonly sentAt: number;
	readonly acknowledgedAt: number;
}

/** A webhook of the round, and how its deliveries must end. */
export interface WebhookRecord {
	readonly id: string;
	/** The name of its kind. */
	readonly name: string;
	/** Each request must be signed with each of them. */
	readonly secrets: readonly string[];
	readonly wants: (type: string) => boolean;
	/** The statuses in which the delivery of event `n` may end. */
	readonly mayEnd: (n: number) => readonly DeliveryStatus[];
	/** The number of attempts of an exhausted delivery; null if that is not checked. */
	readonly attemptsUntilFailed: number | null;
	/** Whether an acknowledged event need not have a delivery, because the webhook was created later or was deleted. */
	readonly mayMiss: (event: Acknowledged) => boolean;
	/** Whether it must get each event soon, whatever other webhooks do. */
	readonly isHealthy: boolean;
	readonly perSecond: number | null;
}

/** A request as a receiver saw it. */
export interface Seen {
	readonly webhookId: string;
	readonly eventId: string;
	/** The event's number in the round, from the body; null if the body can't be read. */
	readonly n: number | null;
	/** The run of the server that it came from, from 0; of all processes, where several run at once. */
	readonly run: number;
	readonly at: number;
	/** The response's status code; 0 if there was no valid response. */
	readonly status: number;
	/** Whether the server must have got the response, if it was running and the fault did not prevent it. */
	readonly certain: boolean;
	/** "ok", or what is wrong with the signature or the headers. */
	readonly signature: string;
}

/** The end of a run of the server, and the log on the disk afterwards. */
export interface RunEnd {
	/**
	 * "stopped": the server waited for all attempts in flight, so none may be repeated. "lost tenure": the process lives on, and others have
	 * taken its work.
	 */
	readonly how: "killed" | "stopped" | "forced" | "lost tenure";
	readonly log: StoredLog;
	/**
	 * Which run has ended, where several processes run at once, and when, and how many requests had come by then. Omitted: runs follow each
	 * other, and this is the end of the one with its index.
	 */
	readonly of?: { readonly run: number; readonly at: number; readonly cameBefore: number };
}

/** A delivery as the API lists it. */
export interface Listed {
	readonly id: string;
	readonly eventId: string;
	readonly webhookId: string;
	readonly status: DeliveryStatus;
	readonly reason: string | null;
	readonly attemptCount: number;
	readonly nextAttemptDate: number | null;
}

/** The counts of the API's stats. */
export interface ListedStats {
	readonly accepted: number;
	readonly attemptsSucceeded: number;
	readonly attemptsFailed: number;
	readonly succeeded: number;
	readonly byStatus: Readonly<Record<DeliveryStatus, number>>;
}

export interface RoundRecord {
	readonly acknowledged: readonly Acknowledged[];
	/** Ids of events that retention was right to delete. */
	readonly purged: ReadonlySet<string>;
	readonly webhooks: readonly WebhookRecord[];
	/**
	 * How many successes beside one a delivery may have, by its id: as often as it was retried by hand, or may have been, after it had been
	 * cancelled during an attempt, which may succeed, too. Omitted deliveries may have none. Infinity: not checked.
	 */
	readonly moreSuccesses: ReadonlyMap<string, number>;
	readonly seen: readonly Seen[];
	/** All ends but the last, whose log is `stored`. */
	readonly ends: readonly RunEnd[];
	/** The log after the graceful stop at the end of the round. */
	readonly stored: StoredLog;
	readonly listedEvents: readonly { readonly id: string; readonly type: string }[];
	readonly listed: readonly Listed[];
	/** Null if they can't agree with the log, because retention has deleted events. */
	readonly stats: ListedStats | null;
	/** When the API was asked, by the server's clock. */
	readonly listedAt: number;
	/** The server's limit of attempts in flight. */
	readonly maxInFlight: number;
	/** How often the clock was moved. Each time, a rate limit allows another burst. */
	readonly clockJumps: number;
	/** How long a request may be on its way, as at a proxy that hangs: those of another second then come with those of this one. */
	readonly onTheWayMs: number;
	/** The number of connections to blocked addresses. */
	readonly blockedReached: number;
	/** The places in which a secret can be read. */
	readonly secretsFound: readonly string[];
	readonly peakMb: number;
	/** How much memory the server may take. */
	readonly maxMb: number;
	/** How soon healthy webhooks must get each event. Null: not checked, because the fault stops the server or moves its clock. */
	readonly promptWithinMs: number | null;
	/** How much of the time between two times the round could use: on a busy machine, less than has passed. */
	readonly usableMs: (from: number, to: number) => number;
}

/** The promises, by their names in the tables. */
export const PROMISES = [
	"accepted",
	"lost",
	"duplicates",
	"stuck",
	"wrong state",
	"stats",
	"signatures",
	"strangers",
	"blocked addresses",
	"secrets",
	"store",
	"memory",
	"fault",
] as const;
export type PromiseName = (typeof PROMISES)[number];

/** A breach of a promise. */
export interface Breach {
	readonly promise: PromiseName;
	readonly text: string;
}

export function pairOf({ eventId, webhookId }: { readonly eventId: string; readonly webhookId: string }): string {
	return `${eventId} ${webhookId}`;
}

/** The first few breaches of each promise. */
export function firstOfEach(breaches: readonly Breach[], most: number): Breach[] {
	return [...Map.groupBy(breaches, ({ promise }) => promise).values()].flatMap((list) => list.slice(0, most));
}
