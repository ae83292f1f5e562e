// The engine's public calls for those who watch a project live: with a stream, or by polling.
import type { Principal, Scope } from "../core/access/principal.ts";
import type { LiveFilter, LiveItem, LiveSignal } from "../core/live.ts";
import type { StreamKind } from "./live/stream-places.ts";

/** A request to watch a project live. */
export interface LiveRequest {
	/** Which budget of streams it counts for; those of a customer's scope have one of their own. */
	readonly kind: StreamKind;
	readonly scope: Scope;
	/** The principal that opened the stream, which ends with its key or portal session. Null if there is none. */
	readonly principal: Principal | null;
	readonly filter: LiveFilter;
	/** The id of the last item that the client has received; null to begin with what happens from now on. */
	readonly lastEventId: string | null;
	/** Closes the connection by force. Called if the client is too slow even to receive the last signal. */
	readonly abandon: () => void;
}

/** One client's live stream. */
export interface LiveSubscription {
	/**
	 * Resolves with what has happened since the last call. Waits up to 15 s if nothing has. Null when the stream has
	 * ended. Do not call it again before it has resolved.
	 */
	next(): Promise<readonly LiveSignal[] | null>;
	/** Call this when the client has disconnected. May be called twice. */
	close(): void;
}

/** The live stream of projects. */
export interface Live {
	/**
	 * Call this before `subscribe` and `poll`. Resolves when other processes tell this one what happens there, if there are any. Throws
	 * `shutting_down`.
	 */
	prepare(scope: Scope): Promise<void>;
	/**
	 * Watches a project from now on, or from the client's last position. Memory is bounded: a client that receives
	 * items more slowly than they occur is disconnected. Throws `too_many_streams` if the project has its share of the
	 * streams of this kind, and `shutting_down`. Such a client can `poll`.
	 */
	subscribe(request: LiveRequest): LiveSubscription;
	/**
	 * What has happened since the client's last position, without a stream. The first call of a project that nobody
	 * watches begins to keep its items; they are kept for a minute after the last call. Throws `shutting_down`.
	 */
	poll(request: LivePoll): LivePollResult;
}

/** A request for the items since the last one, for clients without a stream. */
export interface LivePoll extends Pick<LiveRequest, "scope" | "filter" | "lastEventId"> {
	/** The most items to return. */
	readonly limit: number;
}

export interface LivePollResult {
	/** Oldest first. */
	readonly items: readonly LiveItem[];
	/** Why items may be missing before these; null if none is. */
	readonly gap: string | null;
	/** The position to continue after with the next call. */
	readonly lastEventId: string;
	/** Whether there are more items already. */
	readonly hasMore: boolean;
}
