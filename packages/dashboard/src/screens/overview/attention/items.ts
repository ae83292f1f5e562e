// Which webhooks need a person, the most urgent first, and what would cure each.
import type { Webhook } from "@fanfare/sdk";

import type { IconName } from "../../../parts/layout/icon.tsx";
import { urgency } from "../../../parts/text/urgency.ts";
import { diagnoseWebhook, type Diagnosis } from "../../delivery/diagnosis.ts";

export interface Item {
	readonly webhook: Webhook;
	readonly tone: "bad" | "warn";
	readonly icon: IconName;
	/** The less, the more urgent. */
	readonly rank: number;
	/** Why its last attempt failed, and what to do; null if there is nothing to say. */
	readonly diagnosis: Diagnosis | null;
}

export function itemsOf(webhooks: readonly Webhook[]): readonly Item[] {
	const items = webhooks.flatMap((webhook) => itemOf(webhook) ?? []);
	return items.toSorted((a, b) => a.rank - b.rank || hit(b.webhook) - hit(a.webhook));
}

/** How many deliveries a webhook's trouble has hit. */
function hit({ deliveries: { Failed, Held, Pending } }: Webhook): number {
	return Failed + Held + Pending;
}

function itemOf(webhook: Webhook): Item | null {
	const { status, health } = webhook;
	const diagnosis = diagnoseWebhook(webhook);
	const rank = urgency(webhook);
	if (status === "Disabled") return { webhook, tone: "bad", icon: "stop", rank, diagnosis };
	if (status === "Paused") return { webhook, tone: "warn", icon: "pause", rank, diagnosis: null };
	if (rank === 0) return { webhook, tone: "bad", icon: "alert", rank, diagnosis };
	if (health.exhaustedCount > 0) return { webhook, tone: "warn", icon: "alert", rank, diagnosis };
	if (webhook.deliveries.Failed === 0) return null;
	// What has failed earlier waits for somebody: either it works again, or it has just begun to fail anew.
	const icon = health.failingSince === null ? "retry" : "alert";
	return { webhook, tone: "warn", icon, rank, diagnosis };
}
