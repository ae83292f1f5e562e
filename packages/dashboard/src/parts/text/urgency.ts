// Which webhooks need somebody first, in each list of webhooks.
import type { Webhook } from "@fanfare/sdk";

/** The less, the more urgent: failing for long, disabled, failing since a short while, paused, and all others. */
export function urgency({ status, health }: Pick<Webhook, "status" | "health">): number {
	if (status === "Disabled") return 1;
	if (status === "Paused") return 3;
	if (health.state === "Failing" || health.state === "Disabling") return 0;
	return health.exhaustedCount > 0 ? 2 : 4;
}
