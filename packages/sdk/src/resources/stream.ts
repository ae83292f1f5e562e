// project.stream: what happens in a project, in real time. What it yields and takes; `streaming/live-stream.ts` reads it.
import type { RequestOptions } from "../transport.ts";
import type { DeliveryStatus } from "./deliveries/deliveries.ts";

/** The kinds of items that can be selected. */
export type StreamKind =
	| "event.accepted"
	| "attempt.finished"
	| "delivery.updated"
	| "deliveries.updated"
	| "webhook.created"
	| "webhook.updated"
	| "replay.updated";

/** The fields of every item except a gap. */
interface StreamFact {
	/** Always `"streamItem"`. */
	readonly object: "streamItem";
	/** The item's position in the stream. Pass it as `lastEventId` to continue after it. */
	readonly id: string;
	/** The project in which it happened. */
	readonly projectId: string;
	/** When it happened, in milliseconds since the epoch. */
	readonly date: number;
}

/** The delivery that an item is about. */
interface OfDelivery {
	/** The webhook that the delivery goes to. */
	readonly webhookId: string;
	/** The event that it delivers. */
	readonly eventId: string;
	/** The type of its event. */
	readonly eventType: string;
	/** The delivery. */
	readonly deliveryId: string;
}

/** The webhook that an item is about. */
interface OfWebhook {
	/** The webhook. */
	readonly webhookId: string;
	/** Its status now. */
	readonly status: "Enabled" | "Paused" | "Disabled" | "Deleted";
	/** Why it has this status, as a sentence; null if there is nothing to explain. */
	readonly reason: string | null;
}

/** One item of the stream: something that happened, or a gap. Distinguish items by `kind`. */
export type StreamItem =
	| EventAcceptedItem
	| AttemptFinishedItem
	| DeliveryUpdatedItem
	| DeliveriesUpdatedItem
	| WebhookCreatedItem
	| WebhookUpdatedItem
	| ReplayUpdatedItem
	| GapItem;

/** An event was accepted. */
export interface EventAcceptedItem extends StreamFact {
	/** Tells the items apart. */
	readonly kind: "event.accepted";
	/** The event. */
	readonly eventId: string;
	/** Its type. */
	readonly eventType: string;
	/** The number of webhooks that it is delivered to. */
	readonly deliveryCount: number;
	/** The tags of the event. Present only if there are any. */
	readonly tags?: readonly string[];
}

/** An attempt has ended. */
export interface AttemptFinishedItem extends StreamFact, OfDelivery {
	/** Tells the items apart. */
	readonly kind: "attempt.finished";
	/** Counts the attempts of the delivery, from 1. */
	readonly number: number;
	/** `auto`: the schedule; `manual`: a retry by hand; `replay`: a replay. */
	readonly trigger: "auto" | "manual" | "replay";
	/** `success` after a 2xx. */
	readonly result: "success" | "failure";
	/** The HTTP status; 0 if there was no response. */
	readonly responseCode: number;
	/** `timeout`, `dns`, `refused` …; null if there was a complete response. */
	readonly error: string | null;
	/** From the start to the end of the response, or to the failure. */
	readonly durationMs: number;
}

/** The status of a delivery, or the time of its next attempt, has changed. */
export interface DeliveryUpdatedItem extends StreamFact, OfDelivery {
	/** Tells the items apart. */
	readonly kind: "delivery.updated";
	/** Its status now. */
	readonly status: DeliveryStatus;
	/** Why it has this status, as a sentence; null if there is nothing to explain. */
	readonly reason: string | null;
	/** The number of attempts so far. */
	readonly attemptCount: number;
	/** When the next attempt is due, in milliseconds since the epoch; null unless the delivery is `Pending`. */
	readonly nextAttemptDate: number | null;
}

/** Many deliveries have changed at once: those waiting for a webhook that was paused, resumed, disabled or deleted. */
export interface DeliveriesUpdatedItem extends StreamFact {
	/** Tells the items apart. */
	readonly kind: "deliveries.updated";
	/** The webhook. */
	readonly webhookId: string;
	/** The status of the deliveries now. */
	readonly status: DeliveryStatus;
	/** Why they have this status, as a sentence; null if there is nothing to explain. */
	readonly reason: string | null;
	/** The number of deliveries. */
	readonly count: number;
}

/** A webhook was created. */
export interface WebhookCreatedItem extends StreamFact, OfWebhook {
	/** Tells the items apart. */
	readonly kind: "webhook.created";
}

/** A replay was started, has made progress, waits, goes on, or has ended. While it runs, there is an item for its progress every second at most. */
export interface ReplayUpdatedItem extends StreamFact, Pick<OfWebhook, "webhookId"> {
	/** Tells the items apart. */
	readonly kind: "replay.updated";
	/** The replay. */
	readonly replayId: string;
	/** Its status now. */
	readonly status: "Running" | "Finished" | "Cancelled";
	/** The events that it has looked at so far. */
	readonly scannedCount: number;
	/** The deliveries that it has made so far. */
	readonly deliveryCount: number;
	/** From 0 to 1, measured in the time of its range. */
	readonly progress: number;
	/** There only if it waits for room in the project's quota of stored bytes now. */
	readonly waitingFor?: "storedBytes";
}

/** A setting or the status of a webhook has changed, or it was deleted. */
export interface WebhookUpdatedItem extends StreamFact, OfWebhook {
	/** Tells the items apart. */
	readonly kind: "webhook.updated";
}

/** Items may be missing here. */
export interface GapItem {
	/** Always `"streamItem"`. */
	readonly object: "streamItem";
	/** Tells the items apart. */
	readonly kind: "gap";
	/** Why items may be missing, as a sentence. */
	readonly reason: string;
}

/** Filters for the stream. All are optional; an item must match all that are given. */
export interface StreamParams {
	/** Only items of these kinds. Defaults to all. */
	readonly kinds?: readonly StreamKind[] | undefined;
	/** Only items about webhooks of this customer, and accepted events that are for it. */
	readonly customerId?: string | undefined;
	/** Only items about this webhook. */
	readonly webhookId?: string | undefined;
	/** Exact names or `prefix.*`. */
	readonly eventTypes?: readonly string[] | undefined;
	/** The `id` of the last item you received, to continue after it. If omitted, the stream starts now. */
	readonly lastEventId?: string | undefined;
}

/** Filters and position of `pollStream`. All are optional. */
export interface PollStreamParams extends StreamParams {
	/** The most items to return, 1–1,000. Defaults to 500. */
	readonly limit?: number | undefined;
}

/** The items that `pollStream` returns. */
export interface StreamItems {
	/** Always `"streamItems"`. */
	readonly object: "streamItems";
	/** Oldest first. */
	readonly data: readonly StreamItem[];
	/** Pass it to the next call. */
	readonly lastEventId: string;
	/** Whether there are more items already: call again at once. */
	readonly hasMore: boolean;
}

/**
 * How the items arrive: `live` over an open stream; `polling`, every few seconds, because the server has no stream left for the
 * project; or `away`, not at all for now, because the connection was lost. It is then tried again at the same position.
 */
export type StreamMode =
	| {
			/** Over an open stream. */
			readonly mode: "live";
	  }
	| {
			/** By a request every few seconds. */
			readonly mode: "polling";
			/** Why there is no stream, as the server says it. */
			readonly reason: string;
	  }
	| {
			/** Not at all for now. */
			readonly mode: "away";
			/** Why the connection was lost, as a sentence. */
			readonly reason: string;
	  };

/** Options of `stream`. All are optional. */
export interface StreamOptions extends RequestOptions {
	/** Called with the first mode, which is `live` or `polling`, and with each change of it. */
	readonly onMode?: ((mode: StreamMode) => void) | undefined;
}
