// Relays: webhooks whose receiver is a connected program or a browser tab.

/** The endpoint of a relay's webhook is this and the relay's id. No endpoint that somebody registers can have it. */
const SCHEME = "relay:";

export const RELAY_TIMEOUT_RANGE_MS = { min: 1_000, max: 60_000 } as const;
export const DEFAULT_RELAY_TIMEOUT_MS = 30_000;
export const DEVICE_MAX_LENGTH = 128;
/** A relay without a client for this long is deleted. */
export const RELAY_KEPT_MS = 3_600_000;

/** What is kept of a relay besides its webhook. */
export interface Relay {
	/** The webhook that it is. */
	readonly webhookId: string;
	readonly projectId: string;
	readonly customerId: string | null;
	/** The client's name for the machine or tab, unique in the project among those of the same customer. */
	readonly device: string;
	/** The webhook whose event types it has taken over; null for none. */
	readonly mirrorOf: string | null;
	/** Rises each time a client opens its stream of requests: of two clients, the one with the higher epoch has it. */
	readonly epoch: number;
	/** When a client was last connected, within some minutes; at first, when the relay was made. */
	readonly seenDate: number;
}

/** How many relays there may be. */
export interface RelayLimits {
	readonly maxRelays: number;
	readonly maxRelaysPerCustomer: number;
}

/**
 * The id of the relay that a webhook is.
 *
 * @example
 * relayIdOf("webhook_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77"); // "relay_01936a2e-5c3b-7c10-8000-3b2f5d1e9a77"
 */
export function relayIdOf(webhookId: string): string {
	return `relay_${webhookId.slice(webhookId.indexOf("_") + 1)}`;
}

/** The id of the webhook that a relay is. */
export function relayWebhookId(relayId: string): string {
	return `webhook_${relayId.slice(relayId.indexOf("_") + 1)}`;
}

/** The endpoint of a relay's webhook. */
export function relayEndpoint(webhookId: string): string {
	return SCHEME + relayIdOf(webhookId);
}

/** The webhook whose endpoint this is, which must be that of a relay. */
export function webhookIdOfEndpoint(endpoint: string): string {
	return relayWebhookId(endpoint.slice(SCHEME.length));
}

/** Whether an endpoint is that of a relay. */
export function isRelayEndpoint(endpoint: string): boolean {
	return endpoint.startsWith(SCHEME);
}

/**
 * The id of the request of an attempt. An attempt that is made again, since it said nothing about its receiver, has the same one,
 * so that a client that has answered it already need not handle it again.
 */
export function relayRequestId(deliveryId: string, attemptNumber: number): string {
	return `${deliveryId}.${attemptNumber}`;
}

/** The attempt of such a request; null for any other text. */
export function attemptOfRequest(requestId: string): { readonly deliveryId: string; readonly number: number } | null {
	const [, deliveryId, number] = /^(dlv_[0-9a-f-]+)\.([1-9]\d{0,8})$/.exec(requestId) ?? [];
	return deliveryId === undefined ? null : { deliveryId, number: Number(number) };
}
