// How a conformance check sends its requests, and the result of one. The server and the command each have their own sender.

/** Pairs of name and value, in their order, with duplicates. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[];

/** What the receiver has answered, or why it has not. */
export type ProbeOutcome =
	| {
			readonly kind: "response";
			readonly status: number;
			readonly headers: HeaderPairs;
			readonly durationMs: number;
	  }
	| {
			readonly kind: "failure";
			/** In a word, such as `refused`. */
			readonly error: string;
			readonly reason: string;
			readonly durationMs: number;
	  };

/** Whose secret signs: that of the webhook, or one that the receiver does not have. */
export type Signer = "right" | "other";

/** How a request differs from a valid one. */
export interface Variation {
	/** Defaults to a new event. */
	readonly body?: string;
	/** Defaults to a new id. */
	readonly id?: string;
	/** The time of the signature, in seconds from now. Defaults to 0. */
	readonly secondsFromNow?: number;
	/** One signature for each, in this order. Defaults to the right one. */
	readonly signers?: readonly Signer[];
	/** What is sent instead of the signed body. */
	readonly bodyAfter?: string;
	/** What is sent instead of the signed headers. */
	readonly headersAfter?: (headers: HeaderPairs) => HeaderPairs;
}

/** Sends signed requests to one receiver. */
export interface Probe {
	/** The event type of the requests. */
	readonly type: string;
	/** How many requests were sent. */
	readonly count: number;
	/** The id of an event that no receiver has seen. */
	newId(): string;
	/** The time now, in ISO 8601. */
	isoTime(): string;
	/** A time that only grows, in milliseconds. */
	monotonicMs(): number;
	/** A body as Fanfare sends it. Members that are passed replace or follow those that it has. */
	body(more?: Readonly<Record<string, unknown>>): string;
	/** Never rejects. */
	send(variation?: Variation): Promise<ProbeOutcome>;
	/** Whether nothing can be sent any more, so that what came of the last request says nothing about the receiver. */
	isOver(): boolean;
}
