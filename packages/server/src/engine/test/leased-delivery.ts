// What the ready queue has in memory, for its tests.
import type { LeasedDelivery } from "../../ports/store/queue.ts";

/** A delivery as it stands in memory, due at once. */
export function leasedDelivery(id: string, webhookId: string, bytes: number): LeasedDelivery {
	return {
		id,
		projectId: "p",
		webhookId,
		eventId: "e",
		eventType: "t",
		trigger: "auto",
		attemptCount: 0,
		leaseUntil: 1_000,
		createDate: 0,
		body: new Uint8Array(bytes),
	};
}
