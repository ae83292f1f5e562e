// Ends leases in the store, so that their deliveries are due there.
import type { DeliveryLease } from "../../../ports/store/queue.ts";
import type { Committer } from "../../committing/committer.ts";
import type { EngineParts } from "../../parts.ts";

interface Neighbours {
	readonly committer: Pick<Committer, "update">;
	/** Told when the store has a delivery that is due. */
	readonly line: { due(webhookId: string, at: number): void };
}

/** Ends this lease, and no other that the delivery may have got since. Never rejects. */
export type ReleaseLease = (lease: DeliveryLease) => Promise<void>;

/**
 * Prepares the ending of leases.
 *
 * @example
 * const release = createReleaseLease(parts, { committer, line });
 * await release({ id, projectId, webhookId, leaseUntil });
 */
export function createReleaseLease(
	{ clock, observer }: Pick<EngineParts, "clock" | "observer">,
	{ committer, line }: Neighbours,
): ReleaseLease {
	return async ({ id, projectId, webhookId, leaseUntil }) => {
		try {
			const change = { type: "release", leaseUntil } as const;
			const update = { deliveryId: id, at: clock.now(), change, attempt: null };
			const state = (await committer.update(update))?.state;
			if (state?.status === "Pending" && state.leaseUntil === null) {
				line.due(webhookId, state.nextAttemptAt ?? clock.now());
			}
		} catch (error) {
			const message = "the lease of a delivery could not be ended; it is due after its lease";
			observer.problem(message, error, { projectId, webhookId, deliveryId: id });
		}
	};
}
