// What a round has written down by its own eyes, for the checks to hold against what the server says.
import type { DeliveryStatus } from "@fanfare/sdk";

import type { StoredLog } from "./harness/stored-log.ts";

/** An event that the server has acknowledged with a 2xx. */
export interface Acknowledged {
	readonly eventId: string;
	readonly type: string;
	/** In its data: which event of the harness it is. */
	readonly n: number;
	/** Only to these; null = to all that want its type. */
	readonly webhookIds: readonly string[] | null;
	readonly sentAt: number;
	readonly acknowledgedAt: number;
}

/** A webhook of the round, and what has to become of its deliveries. */
export interface WebhookRecord {
	readonly id: string;
	/** Of its kind. */
	readonly name: string;
	/** Each of them must sign each request. */
	readonly secrets: readonly string[];
	readonly wants: (type: string) => boolean;
	/** How the delivery of an event may end. */
	readonly mayEnd: (n: number) => readonly DeliveryStatus[];
	/** Attempts of a delivery that has used its retries up; null = it is not looked at. */
	readonly attemptsUntilFailed: number | null;
	/** What acknowledged events need no delivery to it: it was made later, or deleted. */
	readonly mayMiss: (event: Acknowledged) => boolean;
	/** Must hear of each event soon, whatever others do. */
	readonly isHealthy: boolean;
	readonly perSecond: number | null;
}

/** A request as a receiver saw it. */
export interface Seen {
	readonly webhookId: string;
	readonly eventId: string;
	/** Out of the body; null if there is none to read. */
	readonly n: number | null;
	/** The run of the server that it came from, from 0. */
	readonly run: number;
	readonly at: number;
	/** The status that the answer had; 0 = no answer that counts. */
	readonly status: number;
	/** Whether the server must have got that answer, if it lived and the fault left it alone. */
	readonly certain: boolean;
	/** "ok", or what is wrong with signature or headers. */
	readonly signature: string;
}

/** The end of a run of the server, and what the disk said afterwards. */
export interface RunEnd {
	/** `stopped`: with time for all attempts under way, so nothing may be repeated. */
	readonly how: "killed" | "stopped" | "forced";
	readonly log: StoredLog;
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

/** Figures of the API's statistics. */
export interface Figures {
	readonly accepted: number;
	readonly attemptsSucceeded: number;
	readonly attemptsFailed: number;
	readonly succeeded: number;
	readonly byStatus: Readonly<Record<DeliveryStatus, number>>;
}

export interface RoundRecord {
	readonly acknowledged: readonly Acknowledged[];
	/** Ids of events that retention has deleted, as it should. */
	readonly purged: ReadonlySet<string>;
	readonly webhooks: readonly WebhookRecord[];
	readonly seen: readonly Seen[];
	/** All of them but the last, which is `stored`. */
	readonly ends: readonly RunEnd[];
	/** After the graceful stop at the end. */
	readonly stored: StoredLog;
	readonly listedEvents: readonly { readonly id: string; readonly type: string }[];
	readonly listed: readonly Listed[];
	/** Null if they can't add up: retention has deleted what they count. */
	readonly figures: Figures | null;
	/** When the lists were made, by the server's clock. */
	readonly listedAt: number;
	/** Attempts under way at once, at most. */
	readonly maxInFlight: number;
	/** Each fills up what a rate limit has gathered. */
	readonly clockJumps: number;
	/** Connections to addresses that must not be called. */
	readonly blockedReached: number;
	/** Places in which a secret stands to be read. */
	readonly secretsFound: readonly string[];
	readonly peakMb: number;
	/** Null: the fault keeps the server from its work, or the clocks differ. */
	readonly promptWithinMs: number | null;
}

/** The promises, as the tables name them. */
export const PROMISES = [
	"accepted",
	"lost",
	"duplicates",
	"stuck",
	"wrong state",
	"statistics",
	"signatures",
	"strangers",
	"blocked addresses",
	"secrets",
	"store",
	"memory",
	"fault",
] as const;
export type PromiseName = (typeof PROMISES)[number];

/** A promise that was not kept. */
export interface Breach {
	readonly promise: PromiseName;
	readonly text: string;
}

export function pairOf({ eventId, webhookId }: { readonly eventId: string; readonly webhookId: string }): string {
	return `${eventId} ${webhookId}`;
}

/** The first few of each promise. */
export function firstOfEach(breaches: readonly Breach[], most: number): Breach[] {
	return [...Map.groupBy(breaches, ({ promise }) => promise).values()].flatMap((list) => list.slice(0, most));
}
