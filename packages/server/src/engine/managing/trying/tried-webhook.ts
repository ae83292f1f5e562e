// The parts of a webhook that tests and conformance checks need.
import type { ArmedWebhook } from "../../../core/webhook.ts";
import type { Membership } from "../../../ports/membership.ts";
import type { Directory } from "../../directory/directory.ts";
import { checkCurrent } from "../../status/current.ts";

/** The webhook of a test or a conformance check, and who is told of it. */
export interface TriedWebhook {
	/**
	 * The webhook as it is now; null once it was deleted. Read before each request, which follows at once: secrets and endpoints change.
	 * Rejects with `store_unavailable` if this process can't tell, and if the store fails.
	 */
	readonly latest: () => Promise<ArmedWebhook | null>;
	/** Called before anything is sent. If it rejects, nothing is. */
	readonly begin: () => Promise<void>;
	/** How many tests of one customer may be under way. */
	readonly maxPerCustomer: number;
}

interface Known {
	readonly directory: Pick<Directory, "webhooksIn" | "armed" | "readArmed">;
	/** Undefined in a process that runs alone. */
	readonly membership: Pick<Membership, "isMember"> | undefined;
}

/** See `TriedWebhook.latest`. */
export async function latestOf(
	{ directory, membership }: Known,
	projectId: string,
	webhookId: string,
): Promise<ArmedWebhook | null> {
	for (;;) {
		// The process may have stood still during a read, or between two requests.
		checkCurrent(membership);
		const [known] = directory.webhooksIn(projectId, [webhookId]);
		const armed = known === undefined ? null : directory.armed(known);
		if (armed !== undefined) return armed?.deleteDate === null ? armed : null;
		// It may change during the read.
		if ((await directory.readArmed(webhookId)) === null) return null;
	}
}
