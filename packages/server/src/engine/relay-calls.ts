// The engine's public calls for relays: webhooks whose receiver is a connected program.
import type { Principal, Scope } from "../core/access/principal.ts";
import type { Relay } from "../core/receivers/relay.ts";
import type { Webhook } from "../core/webhook.ts";
import type { AttemptError } from "../ports/sender.ts";
import type { Change } from "./change.ts";

/** A relay with its webhook. */
export interface ShownRelay extends Relay {
	readonly webhook: Webhook;
	/** Whether a client has the stream of its requests. */
	readonly connected: boolean;
}

/** The settings that a client chooses for its relay. */
export interface RelaySettings {
	readonly name: string;
	/** Exact names or `prefix.*`; null means every type. */
	readonly eventTypes: readonly string[] | null;
	readonly timeoutMs: number;
}

export interface NewRelay extends RelaySettings {
	/** The client's name for the machine or tab: the relay of the same device is changed and not made twice. */
	readonly device: string;
	/** Whom it belongs to; null for the product itself, or for the customer whose scope it is made in. */
	readonly customerId: string | null;
	/** A webhook whose event types it takes over, instead of `eventTypes`; null for none. */
	readonly mirrorOf: string | null;
}

/** A request that a relay's client is to answer. The client gets it again if it was away before it has answered. */
export interface RelayRequest {
	/** The same for all attempts that count as one. */
	readonly requestId: string;
	/** Null if it is a test. */
	readonly deliveryId: string | null;
	readonly eventId: string;
	readonly attemptNumber: number;
	readonly trigger: string;
	/** In their order, as a receiver gets them; `host` and `content-length` are the client's. */
	readonly headers: readonly (readonly [name: string, value: string])[];
	readonly body: Uint8Array;
	/** The time that is left to answer, when the request was given to the client. */
	readonly timeoutMs: number;
}

/** What a relay's client is told. */
export type RelaySignal =
	| { readonly type: "ready" }
	| { readonly type: "request"; readonly request: RelayRequest }
	| { readonly type: "heartbeat" }
	| { readonly type: "end"; readonly code: RelayEnd; readonly reason: string };

/**
 * Why a client has lost the stream of a relay.
 *
 * - replaced: another client has opened it.
 * - deleted: there is no such relay any more.
 * - silent: it has not answered a request, nor read it, within its time.
 * - stopped: the server is shutting down. - revoked: its key is no longer valid.
 */
export type RelayEnd = "replaced" | "deleted" | "silent" | "stopped" | "revoked";

/** The answer of a client: the receiver's response, or why there is none. */
export type RelayAnswer =
	| {
			readonly status: number;
			readonly headers: readonly (readonly [name: string, value: string])[];
			readonly body: Uint8Array;
	  }
	| { readonly error: RelayError; readonly reason: string | null };

/** What a client can say of a receiver that has not responded. */
export const RELAY_ERRORS = [
	"timeout",
	"dns",
	"refused",
	"reset",
	"tls",
	"protocol",
	"unreachable",
] as const satisfies readonly AttemptError[];
export type RelayError = (typeof RELAY_ERRORS)[number];

/** A client's stream of the requests to one relay. */
export interface RelaySubscription {
	/** Resolves with what is to be sent to the client; null when the stream has ended. Do not call it again before it has resolved. */
	next(): Promise<readonly RelaySignal[] | null>;
	/** Call this when the client has disconnected. May be called twice. */
	close(): void;
}

export interface Relays {
	/**
	 * Makes the relay of a device, or changes the one that there is. Throws `project_not_found`, `webhook_not_found` (`mirrorOf`),
	 * `too_many_relays`, `too_many_webhooks`, `webhooks_too_large`, `relays_off`.
	 */
	put(change: Change, settings: NewRelay, secret: Uint8Array): Promise<ShownRelay>;
	/** All relays in a scope. Throws `project_not_found`. */
	list(scope: Scope): Promise<readonly ShownRelay[]>;
	/** Throws `project_not_found`, `relay_not_found`, as the following calls do. */
	get(scope: Scope, relayId: string): Promise<ShownRelay>;
	update(change: Change, relayId: string, patch: Partial<RelaySettings>): Promise<ShownRelay>;
	delete(change: Change, relayId: string): Promise<void>;
	/**
	 * Opens the stream of the requests to a relay, and ends that of the client that had it. Throws `too_many_streams`,
	 * `shutting_down`, `relays_off`.
	 */
	open(scope: Scope, relayId: string, client: RelayClientOptions): Promise<RelaySubscription>;
	/**
	 * Ends the attempt of a request with the client's answer. A repeated answer changes nothing. Throws `request_not_open` if the
	 * request is not under way: it is too late, and the request comes again if it is still needed.
	 */
	answer(scope: Scope, relayId: string, requestId: string, answer: RelayAnswer): Promise<void>;
}

export interface RelayClientOptions {
	readonly principal: Principal | null;
	/** Closes the connection by force. Called if the client does not even read the last signal. */
	readonly abandon: () => void;
	/** Whether the client has gone, perhaps while it waited to be let in. Omitted: it never has. */
	readonly isGone?: () => boolean;
}
