// The parts of a webhook that tests and conformance checks need.
import type { ArmedWebhook } from "../../../core/webhook.ts";

/** The webhook of a test or a conformance check, and who is told of it. */
export interface TriedWebhook {
	/** The webhook as it is now; null once it was deleted. Read before each request: secrets and endpoints change. */
	readonly latest: () => Promise<ArmedWebhook | null>;
	/** Called before anything is sent. If it rejects, nothing is. */
	readonly begin: () => Promise<void>;
	/** How many tests of one customer may be under way. */
	readonly maxPerCustomer: number;
}
