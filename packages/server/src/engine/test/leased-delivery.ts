// Deliveries for tests of the ready queue.
import type { LeasedDelivery } from "../../ports/store/queue.ts";

/** A delivery as the ready queue has it in memory. */
export function leasedDelivery(id: string, webhookId: string, bytes: number, projectId = "p"): LeasedDelivery {
	return {
		id,
		projectId,
		webhookId,
		eventId: "e",
		eventType: "t",
		trigger: "auto",
		attemptCount: 0,
		leaseUntil: 1_000,
		createDate: 0,
		body: new Uint8Array(bytes),
		traceparent: null,
	};
}
