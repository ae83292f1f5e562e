// An event as it is sent, and as it was accepted.

/** An accepted event. */
export interface Event {
	/** `evt_…`, the `webhook-id` that receivers see. */
	readonly id: string;
	readonly object: "event";
	readonly projectId: string;
	readonly type: string;
	readonly timestamp: number;
	readonly createDate: number;
	/** Whether this idempotency key had been sent before; this is then the first event, and nothing was sent again. */
	readonly duplicate: boolean;
	/** To how many webhooks it goes. */
	readonly deliveryCount: number;
}

/** An event to send. */
export interface SendEvent {
	/** Such as `order.paid`. */
	readonly type: string;
	/** Anything that is JSON; receivers get it as it is written here. */
	readonly data: unknown;
	/** When it happened. Default: when it was accepted. */
	readonly timestamp?: Date | number | undefined;
	/** Two sends with one key are one event. Default: a new random key for each call, the same for all its tries. */
	readonly idempotencyKey?: string | undefined;
	/** Only to these webhooks. Default: to all whose filter matches. */
	readonly webhookIds?: readonly string[] | undefined;
}
