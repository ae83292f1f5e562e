// A relay, the options with which one is made, and the answers of its client.

/** A relay: a webhook whose receiver is a connected program or a browser tab. */
export interface Relay {
	/** `relay_` and a UUID. */
	readonly id: string;
	/** Always `"relay"`. */
	readonly object: "relay";
	/** The webhook that it is: the calls for webhooks work with it. It is not in the list of webhooks. */
	readonly webhookId: string;
	/** The project that it belongs to. */
	readonly projectId: string;
	/** The customer that it belongs to. Present only if it belongs to one. */
	readonly customerId?: string;
	/** The client's name for the machine or the tab. */
	readonly device: string;
	/** Its name. */
	readonly name: string;
	/** Exact names or `prefix.*`; null for every type. */
	readonly eventTypes: readonly string[] | null;
	/** The webhook whose event types it has taken over; null for none. */
	readonly mirrorOf: string | null;
	/** How long the client may take to answer a request, in milliseconds. */
	readonly timeoutMs: number;
	/** The last four characters of the secret. */
	readonly secretHint: string;
	/** `Paused` also while no client is connected: its deliveries are Held until one is. */
	readonly status: "Enabled" | "Paused" | "Disabled";
	/** Whether it is paused because no client is connected. */
	readonly away: boolean;
	/** Whether a client is connected now. */
	readonly connected: boolean;
	/** When a client was last connected, within some minutes, in milliseconds since the epoch. An hour later, the relay is deleted. */
	readonly seenDate: number;
	/** In milliseconds since the epoch. */
	readonly createDate: number;
	/** In milliseconds since the epoch. */
	readonly updateDate: number;
}

/** A relay to make. That of the same device is changed and not made twice. */
export interface PutRelay {
	/** Names the machine or the tab, such as `ada@laptop`. At most 128 characters. */
	readonly device: string;
	/** Signs the requests: `whsec_` and the base64 of 24–64 random bytes. Make it once for the device, and keep it: no call returns it. */
	readonly secret: string;
	/** Defaults to the device. */
	readonly name?: string | undefined;
	/** Exact names or `prefix.*`. Defaults to every type. */
	readonly eventTypes?: readonly string[] | null | undefined;
	/** Whom it belongs to; omitted for the product itself. */
	readonly customerId?: string | undefined;
	/** Takes over the event types of this webhook as they are now. Not together with `eventTypes`. */
	readonly mirrorOf?: string | null | undefined;
	/** How long the client may take to answer a request, in milliseconds: 1,000–60,000. Defaults to 30,000. */
	readonly timeoutMs?: number | undefined;
}

/** A change of a relay. Omitted fields stay unchanged; null sets the default. */
export interface UpdateRelay {
	/** Its name. */
	readonly name?: string | undefined;
	/** Exact names or `prefix.*`; null for every type. */
	readonly eventTypes?: readonly string[] | null | undefined;
	/** In milliseconds: 1,000–60,000. */
	readonly timeoutMs?: number | null | undefined;
}

/** A receiver's answer on the wire, or why there is none: `status`, or `error`. */
export interface RelayAnswer {
	/** The status of the receiver's response, 200–599. */
	readonly status?: number | undefined;
	/** Pairs of name and value, at most 200. */
	readonly headers?: readonly (readonly [name: string, value: string])[] | undefined;
	/** The body in standard base64: at most 256 KiB of it. The log keeps 4 KiB. */
	readonly bodyBase64?: string | undefined;
	/** Why there is no response, instead of `status`. */
	readonly error?: RelayError | undefined;
	/** The error in words, for the log. */
	readonly reason?: string | undefined;
}

/** Why a receiver has not responded. */
export type RelayError = "timeout" | "dns" | "refused" | "reset" | "tls" | "protocol" | "unreachable";

/** An answer was taken, now or before. */
export interface RelayAnswered {
	/** Always `"relayAnswer"`. */
	readonly object: "relayAnswer";
	/** The request. */
	readonly requestId: string;
}
