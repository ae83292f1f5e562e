// Which webhooks need a person, the most urgent first, and what would cure each.
import type { Webhook } from "@fanfare/sdk";

import type { IconName } from "../../../parts/layout/icon.tsx";
import { diagnose, type Diagnosis } from "../../delivery/diagnosis.ts";

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
	const diagnosis = diagnosisOf(webhook);
	const isFailing = health.state === "Failing" || health.state === "Disabling";
	if (status === "Disabled") return { webhook, tone: "bad", icon: "stop", rank: 1, diagnosis };
	if (status === "Paused") return { webhook, tone: "warn", icon: "pause", rank: 3, diagnosis: null };
	if (isFailing) return { webhook, tone: "bad", icon: "alert", rank: 0, diagnosis };
	if (health.exhaustedCount > 0) return { webhook, tone: "warn", icon: "alert", rank: 2, diagnosis };
	// It works again, and what has failed meanwhile waits for somebody.
	if (webhook.deliveries.Failed > 0) return { webhook, tone: "warn", icon: "retry", rank: 4, diagnosis: null };
	return null;
}

function diagnosisOf({ lastAttempt, health, endpoint, updateDate }: Webhook): Diagnosis | null {
	if (lastAttempt === null || health.failingSince === null) return null;
	const { responseCode, error, cause, date } = lastAttempt;
	// A webhook that was changed since may have been called at another address.
	const called = updateDate <= date ? endpoint : null;
	return diagnose({ responseCode, error, cause, endpoint: called, durationMs: 0, response: null });
}
