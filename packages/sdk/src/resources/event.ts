// The types of an event: as it is sent, and as it was accepted.

/** An accepted event. */
export interface Event {
	/** `evt_…`. Receivers get it as `webhook-id`. */
	readonly id: string;
	readonly object: "event";
	readonly projectId: string;
	readonly type: string;
	/** When the event happened, in milliseconds since the epoch. */
	readonly timestamp: number;
	/** When the event was accepted, in milliseconds since the epoch. */
	readonly createDate: number;
	/**
	 * True if its idempotency key was used before: this is then the event accepted earlier, and nothing was sent again.
	 */
	readonly duplicate: boolean;
	/** The number of webhooks that it is delivered to. */
	readonly deliveryCount: number;
}

/** An event to send. */
export interface SendEvent {
	/** Such as `order.paid`. */
	readonly type: string;
	/** Any JSON value. Receivers get it unchanged. */
	readonly data: unknown;
	/** When the event happened. Defaults to the time of acceptance. */
	readonly timestamp?: Date | number | undefined;
	/** Sends with the same key are one event. Defaults to a random key per call, which all retries of the call share. */
	readonly idempotencyKey?: string | undefined;
	/** Delivers the event only to these webhooks. Defaults to all webhooks whose filter matches. */
	readonly webhookIds?: readonly string[] | undefined;
}
