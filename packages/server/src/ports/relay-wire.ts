// The part of the wire for relays. Three processes can have a part in one attempt: the one that makes it, the one that has the relay's
// client, and the one that gets the client's answer.
import type { AttemptOutcome } from "./sender.ts";

/** How long the process that has the client takes at most to say how a request has ended, and the owner to hear it. */
export const RELAY_TRAVEL_MS = 2_000;

/** A request of an attempt that is under way in a process, the owner of the request. */
export interface RelayedRequest {
	readonly webhookId: string;
	readonly projectId: string;
	/** See `relayRequestId` of core/receivers/relay.ts. Unique for the webhook. */
	readonly requestId: string;
	/** Null if it is a test. */
	readonly deliveryId: string | null;
	readonly eventId: string;
	readonly attemptNumber: number;
	readonly trigger: string;
	/** Sealed, since headers contain secrets. */
	readonly headers: Uint8Array;
	readonly body: Uint8Array;
	/** The time that is left to answer. */
	readonly timeoutMs: number;
}

/** Which request. */
export type RelayedKey = Pick<RelayedRequest, "webhookId" | "requestId">;

/** The end of a request. The owner knows how long it took. */
export type RelayedOutcome = Omit<AttemptOutcome, "durationMs">;

/**
 * - answer: the client has given it. It counts, whichever process has the client now.
 * - silence: the client had the request, and has not answered.
 * - other: it was not asked.
 */
export type RelayedEnd = "answer" | "silence" | "other";

/** Told what other processes do. Its methods return quickly and don't throw. */
export interface RelayWireListener {
	/** To the owner: a request was ended elsewhere. May come twice, or when the request is over. */
	ended(key: RelayedKey, end: RelayedEnd, outcome: RelayedOutcome): void;
	/** To the owner of requests for others: whether another live process has a client of this relay. Comes again and again. */
	heldElsewhere(webhookId: string, isHeld: boolean): void;
	/** To who has the client: a request for it. It is `closed` later, unless this process ends it. */
	offered(request: RelayedRequest): void;
	/** To who has the client: a request that was offered is over. */
	closed(key: RelayedKey): void;
	/** To who has the client: another process has a newer client of this relay. */
	replaced(webhookId: string, epoch: number): void;
	/** This process has been away, so that others may have found that relays whose clients it has are without a client. */
	returned(): void;
}

/**
 * Requests are known to others from `announce` to `withdraw`. What is lost in a crash is harmless: an attempt that is made again
 * has the same request, and finds the answer that came meanwhile.
 */
export interface RelayWire {
	/** False if this process runs alone: then it calls nothing of the rest. */
	readonly isShared: boolean;
	/** Whether the others can know which clients are here. */
	readonly isKnown: boolean;
	/**
	 * Says that a request is under way here, and whether others may give it to the client. Resolves when others know it, with an
	 * answer that there is already, or with null; also with null if it was withdrawn meanwhile. May be called again for the same
	 * request. Never rejects: it is tried until the request is withdrawn. Requests for others wait for their project's share of the room.
	 */
	announce(request: RelayedRequest, isForOthers: boolean): Promise<RelayedOutcome | null>;
	/** The request is over. Resolves with an answer that came elsewhere meanwhile; otherwise, and if that fails, with null. */
	withdraw(key: RelayedKey): Promise<RelayedOutcome | null>;
	/** A client here has the relay since this epoch: requests are offered from now on. Rejects if the store fails. */
	hold(webhookId: string, epoch: number): Promise<void>;
	/** The client has gone. Never rejects. */
	leave(webhookId: string, epoch: number): Promise<void>;
	/** Says with what a request that was offered has ended, if this process still has the relay. Never rejects. */
	end(key: RelayedKey, epoch: number, end: "silence" | "other", outcome: RelayedOutcome): Promise<void>;
	/**
	 * Gives the owner the client's answer, unless it has one. Returns whether there is such a request. When it resolves, the answer
	 * is stored. Rejects if the store fails.
	 */
	answer(key: RelayedKey, outcome: RelayedOutcome): Promise<boolean>;
	/** The relays whose clients are connected to other live processes. Rejects if the store fails. */
	held(webhookIds: readonly string[]): Promise<ReadonlySet<string>>;
	/** Removes what processes have left that have died. Rejects if the store fails. */
	sweep(): Promise<void>;
	/** Registers who is told. Called once. */
	listen(listener: RelayWireListener): void;
}
