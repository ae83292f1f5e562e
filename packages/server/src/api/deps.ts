// The parts that the API needs, its limits, and the line that it logs for each request.
import type { Principal } from "../core/access/principal.ts";
import type { Clock } from "../core/clock.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Engine } from "../engine/calls.ts";
import type { UsedLimit, Warning } from "../engine/status-calls.ts";
import type { DatabaseFacts } from "../ports/database.ts";
import type { RequestLine } from "../ports/log.ts";
import type { ListReads } from "../ports/store/reads/list-reads.ts";
import type { Store } from "../ports/store/store.ts";
import type { AnswerPace } from "./request/pace/answer-pace.ts";
import type { OwnTurns } from "./request/pace/own-turns.ts";
import type { SessionCookie } from "./request/session-cookie.ts";
import type { ExportPlaces } from "./resources/exports/export-places.ts";
import type { FailedSignIns } from "./resources/sessions/failed-sign-ins.ts";

/** The reads that the API makes from the store itself. Every change goes through the engine. */
export type ApiStore = Pick<
	Store,
	| "events"
	| "event"
	| "eventDetails"
	| "eventBody"
	| "deliveries"
	| "delivery"
	| "attempts"
	| "customer"
	| "auditEntries"
>;

/**
 * Finds the IP address of a client for the log; null if it is not known. `peer` is the remote address of the connection,
 * `forwardedFor` the value of `X-Forwarded-For`. Access must never depend on the result.
 */
export type ClientAddress = (peer: string | undefined, forwardedFor: string | undefined) => string | null;

/**
 * The header in which a proxy names the person who makes the calls that come through it; null if the connection does not come from
 * a proxy that the operator trusts, or if none is set. `peer` is the remote address of the connection.
 */
export type ProxyActorHeader = (peer: string | undefined) => string | null;

/** What the server around the engine adds to the status of the workspace. */
export interface ServerStatus {
	readonly limits: readonly UsedLimit[];
	readonly warnings: readonly Warning[];
	/** Null if the data is in a data directory. */
	readonly database: DatabaseFacts | null;
}

/**
 * Finds the address of the server as the client of a request has written it, for the documents; null if it is not known. Has only the
 * characters of a URL. `peer` is the remote address of the connection, `header` returns request headers.
 */
export type RequestOrigin = (peer: string | undefined, header: (name: string) => string | undefined) => string | null;

/** What every request needs. */
export interface RequestDeps {
	/** Called once for each request, when its response is ready. Must not throw. */
	readonly requestLog: (line: RequestLine) => void;
	readonly clientAddress: ClientAddress;
	/** Returns a new id for a request: see `createRequestIds`. */
	readonly makeRequestId: () => string;
	/** Called once for each request body that is not read to its end. */
	readonly bodyRefused: (code: ErrorCode) => void;
	/** Measures how long requests take, times slow bodies, and divides large work into turns of the event loop. */
	readonly clock: Pick<Clock, "monotonicMs" | "nextTurn" | "after">;
	/** The origins of the pages that may call with the tokens of portal sessions, such as `https://app.example.com`. */
	readonly portalOrigins: readonly string[];
	/** The version of the server, such as `0.2.0`. */
	readonly version: string;
	/** Bounds the responses that cost nothing but time of the main thread. If omitted, they have no bound. */
	readonly answerPace?: Pick<AnswerPace, "take" | "longest" | "probe">;
}

export interface ApiDeps extends RequestDeps {
	readonly engine: Engine;
	/** Finds who has the key or token with this text; null if nobody has. */
	readonly authenticate: (text: string) => Principal | null;
	readonly store: ApiStore;
	/** The lists of the log. */
	readonly lists: ListReads;
	/**
	 * Whether what this process knows of keys, projects and webhooks is up to date. While it is not, calls with a key get a 503. Always
	 * true for a process that runs alone.
	 */
	readonly isCurrent: () => boolean;
	readonly proxyActorHeader: ProxyActorHeader;
	readonly serverStatus: () => Promise<ServerStatus>;
	/** Called once for each read that is refused because too many responses have not been read yet. */
	readonly readRefused: () => void;
	/** The metrics in the text format of Prometheus. */
	readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
	readonly requestOrigin: RequestOrigin;
	/** The HTML of the site of the documents around `/docs/api`; null while the site is not built. If omitted, there is none. */
	readonly docsShell?: () => string | null;
	/** The address that people use, such as `https://fanfare.example.com`, for the documents; null if it is not known. */
	readonly publicUrl: string | null;
	/** The addresses and networks that attempts come from, as the operator has written them; empty if none are set. */
	readonly egressAddresses: readonly string[];
	readonly limits?: Partial<ApiLimits>;
}

/** What one app makes of its parts, for all its requests. */
export interface AppDeps extends ApiDeps {
	readonly sessionCookie: SessionCookie;
	readonly failedSignIns: FailedSignIns;
	/** How much of the memory for request bodies is used. */
	readonly bodyBytes: () => UsedLimit;
	readonly exportPlaces: ExportPlaces;
	/** For what takes long and needs no key. */
	readonly ownTurns: Pick<OwnTurns, "begin" | "take">;
}

export interface ApiLimits {
	/**
	 * Bytes of request bodies in memory at once, over all requests. A request that would exceed half of what others leave free
	 * gets a 503.
	 */
	readonly bodyBytesInHand: number;
	/** Bytes of responses in memory at once that their clients have not read, over all of them: see `UnreadResponses`. */
	readonly unreadResponseBytes: number;
}

const MIB = 1_024 * 1_024;
export const DEFAULT_LIMITS: ApiLimits = { bodyBytesInHand: 64 * MIB, unreadResponseBytes: 64 * MIB };
