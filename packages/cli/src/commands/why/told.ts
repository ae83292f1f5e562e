// The story of an event: what `fanfare why --json` prints, and what the lines for people are made from.
import type { Attempt, DeliveryDetail, EventWithData, Routing, Webhook } from "@fanfare/sdk";

import type { CauseTexts } from "./generated/causes.ts";

/** An attempt, with what is known about its cause; null if it succeeded, or if this command does not know the cause. */
export type ToldAttempt = Attempt & { readonly explanation: CauseTexts | null };

/** A delivery with its attempts, and its webhook; null if that is deleted. */
export interface ToldDelivery extends Omit<DeliveryDetail, "attempts"> {
	readonly attempts: readonly ToldAttempt[];
	readonly webhook: Pick<Webhook, "status" | "disabledReason" | "pausedReason" | "retries" | "health"> | null;
}

/** The story of an event. */
export interface Story {
	readonly object: "story";
	/** The event, without its data. */
	readonly event: Omit<EventWithData, "data">;
	/** Its deliveries, those that need somebody first. */
	readonly deliveries: readonly ToldDelivery[];
	/** Whether there are more deliveries than these. */
	readonly hasMoreDeliveries: boolean;
	/** The webhooks that exist now and did not get it. */
	readonly notDelivered: readonly Routing[];
	/** Whether there are more webhooks than were looked at. */
	readonly hasMoreWebhooks: boolean;
	/** The command to type next; null if nothing needs to be done. */
	readonly next: string | null;
}
