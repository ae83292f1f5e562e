// The live stream of a project: ids, types, statuses, codes and durations, never a payload or a header.
import type { EventCustomers } from "./access/customer.ts";
import type { AttemptTrigger, DeliveryStatus } from "./delivery.ts";
import type { ReplayStatus, ReplayWait } from "./replay.ts";
import type { WebhookStatus } from "./webhook.ts";

export const LIVE_KINDS = [
	"event.accepted",
	"attempt.finished",
	"delivery.updated",
	"deliveries.updated",
	"webhook.created",
	"webhook.updated",
	"replay.updated",
] as const;
export type LiveKind = (typeof LIVE_KINDS)[number];

interface OfDelivery {
	readonly webhookId: string;
	readonly eventId: string;
	readonly eventType: string;
	readonly deliveryId: string;
}

/** One thing that has happened in a project. */
export type LiveFact =
	| {
			readonly kind: "event.accepted";
			readonly eventId: string;
			readonly eventType: string;
			readonly deliveryCount: number;
			/** Not present if there are none. */
			readonly tags?: readonly string[];
	  }
	| (OfDelivery & {
			readonly kind: "attempt.finished";
			readonly number: number;
			readonly trigger: AttemptTrigger;
			readonly result: "success" | "failure";
			/** 0 if no response came. */
			readonly responseCode: number;
			readonly error: string | null;
			readonly durationMs: number;
	  })
	| (OfDelivery & {
			readonly kind: "delivery.updated";
			readonly status: DeliveryStatus;
			readonly reason: string | null;
			readonly attemptCount: number;
			readonly nextAttemptDate: number | null;
	  })
	/** Many deliveries at once: their webhook was paused, resumed, disabled or deleted. */
	| {
			readonly kind: "deliveries.updated";
			readonly webhookId: string;
			readonly status: DeliveryStatus;
			readonly reason: string | null;
			readonly count: number;
	  }
	/** It was created, or any of its settings was changed, or it was deleted. */
	| {
			readonly kind: "webhook.created" | "webhook.updated";
			readonly webhookId: string;
			readonly status: WebhookStatus | "Deleted";
			readonly reason: string | null;
	  }
	/** It was started, has made progress, waits, goes on, or has ended. */
	| {
			readonly kind: "replay.updated";
			readonly replayId: string;
			readonly webhookId: string;
			readonly status: ReplayStatus;
			readonly scannedCount: number;
			readonly deliveryCount: number;
			/** From 0 to 1. */
			readonly progress: number;
			/** There only if it waits, besides for its webhook. */
			readonly waitingFor?: ReplayWait;
	  };

/** A fact with its place in the stream. */
export type LiveItem = LiveFact & {
	/** The position in the project's stream, from which a client can continue. */
	readonly id: string;
	readonly projectId: string;
	readonly date: number;
	/** The customer whose webhook it is about, or the customers whom the accepted event is for. Never shown. */
	readonly customers: EventCustomers;
};

/** Which items a client wants; null means all. Items without a customer, a webhook or an event type never match a filter on it. */
export interface LiveFilter {
	readonly kinds: readonly LiveKind[] | null;
	readonly customerId: string | null;
	readonly webhookId: string | null;
	/** Exact names or `prefix.*`. */
	readonly eventTypes: readonly string[] | null;
}

/** A message to a client of the stream. */
export type LiveSignal =
	| { readonly type: "item"; readonly item: LiveItem }
	/** No item matched for a while, up to the position `id`. */
	| { readonly type: "heartbeat"; readonly id: string }
	/** The client may have missed items between its last position and `id`. */
	| { readonly type: "gap"; readonly id: string; readonly reason: string }
	/** The last signal: the client read too slowly. */
	| { readonly type: "dropped"; readonly reason: string }
	/** The last signal: the stream was closed. */
	| { readonly type: "end"; readonly reason: string };

/** An id of an item, also one of an earlier or a later version: in hexadecimal which stream it is of, and in digits its position there. */
const LIVE_ID = /^[0-9a-f]{1,32}-\d{1,15}$/;

/**
 * Whether a text can be the id of an item. One of another process, or of a stream that has ended, is a valid id, too.
 *
 * @example
 * isLiveId("01936a2e5c3b7c10-42"); // true
 */
export function isLiveId(text: string): boolean {
	return LIVE_ID.test(text);
}
