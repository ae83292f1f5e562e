// What happens, as it can be watched live: ids, types, statuses, codes and durations, never a payload or a header.
import type { AttemptTrigger, DeliveryStatus } from "./delivery.ts";
import type { WebhookStatus } from "./webhook.ts";

export const LIVE_KINDS = [
	"event.accepted",
	"attempt.finished",
	"delivery.updated",
	"deliveries.updated",
	"webhook.updated",
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
	  }
	| (OfDelivery & {
			readonly kind: "attempt.finished";
			readonly number: number;
			readonly trigger: AttemptTrigger;
			readonly result: "success" | "failure";
			/** 0 if no answer came. */
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
	/** Many at once: a webhook was paused, resumed, disabled or deleted, and what waited for it follows. */
	| {
			readonly kind: "deliveries.updated";
			readonly webhookId: string;
			readonly status: DeliveryStatus;
			readonly reason: string | null;
			readonly count: number;
	  }
	| {
			readonly kind: "webhook.updated";
			readonly webhookId: string;
			readonly status: WebhookStatus | "Deleted";
			readonly reason: string | null;
	  };

export type LiveItem = LiveFact & {
	/** Where in the project's stream it stands; what a client goes on from. */
	readonly id: string;
	readonly projectId: string;
	readonly date: number;
};

/** Which items a client wants. What has no webhook or no event type is none of a certain webhook or type. Null = all. */
export interface LiveFilter {
	readonly kinds: readonly LiveKind[] | null;
	readonly webhookId: string | null;
	/** Exact names or `prefix.*`. */
	readonly eventTypes: readonly string[] | null;
}

/** What a client is told. */
export type LiveSignal =
	| { readonly type: "item"; readonly item: LiveItem }
	/** Nothing has happened for a while that it wants, up to the place `id`. */
	| { readonly type: "heartbeat"; readonly id: string }
	/** Between where it was and `id` it may have missed something. */
	| { readonly type: "gap"; readonly id: string; readonly reason: string }
	/** The last one: it was too slow. */
	| { readonly type: "dropped"; readonly reason: string }
	/** The last one. */
	| { readonly type: "end"; readonly reason: string };
