// The types of an event: as it is sent, and as it was accepted.

/** An accepted event. */
export interface Event {
	/** `evt_…`. Receivers get it as `webhook-id`. */
	readonly id: string;
	/** Always `"event"`. */
	readonly object: "event";
	/** The project that it belongs to. */
	readonly projectId: string;
	/** Such as `order.paid`. */
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
	/** The customer that it is for. Present only if one was named. */
	readonly customerId?: string;
	/** The customers that it is for, `"*"` for all. Present only if several were named. */
	readonly customerIds?: "*" | readonly string[];
	/** As they were sent. Present only if there are any. */
	readonly tags?: readonly string[];
}

/**
 * Any event: the `type` is any string, and `data` any value. `new Client<…>` takes your own types in its place, as an object type or
 * interface with the `data` of each type.
 *
 * @example
 * interface ShopEvents {
 * 	"order.paid": { readonly orderId: number };
 * 	"order.shipped": { readonly orderId: number; readonly parcel: string };
 * }
 * const client = new Client<ShopEvents>("sk_…");
 */
export type AnyEvents = Readonly<Record<string, unknown>>;

/** An event to send: one of `Types`, which are those of the client. */
export type SendEvent<Types extends object = AnyEvents> = {
	[Type in keyof Types & string]: EventToSend<Type, Types[Type]>;
}[keyof Types & string];

/** An event of one type to send. */
export interface EventToSend<Type, Data> {
	/** Such as `order.paid`. */
	readonly type: Type;
	/** Any JSON value. Receivers get it unchanged. */
	readonly data: Data;
	/** When the event happened. Defaults to the time of acceptance. */
	readonly timestamp?: Date | number | undefined;
	/** Sends with the same key are one event. Defaults to a random key per call, which all retries of the call share. */
	readonly idempotencyKey?: string | undefined;
	/** Delivers the event only to these webhooks. Defaults to all webhooks whose filter matches. */
	readonly webhookIds?: readonly string[] | undefined;
	/**
	 * The customer of yours that the event is for: it reaches the webhooks of this customer and those without a customer. Without
	 * `customerId` and `customerIds`, it reaches only webhooks without a customer.
	 */
	readonly customerId?: string | undefined;
	/** The same for up to 100 customers, or `"*"` for all. Not together with `customerId`. */
	readonly customerIds?: "*" | readonly string[] | undefined;
	/**
	 * Up to five labels of your own, by which the event and its deliveries can be found, such as `order:4711`: 1–64 of the
	 * characters A–Z a–z 0–9 . _ : / = @ -, the first a letter or a digit. Receivers do not get them.
	 */
	readonly tags?: readonly string[] | undefined;
}
