// Filters and rows of the log, for the contract of a store.
import type { Delivery } from "../../../../core/delivery.ts";
import type { ChangeFilter, LoggedDelivery } from "../../../store/log.ts";

export const ANY_CHANGE = {
	webhookId: null,
	eventTypes: null,
	responseCodes: null,
	causes: null,
	updatedAfter: null,
	updatedBefore: null,
} as const satisfies Omit<ChangeFilter, "statuses">;

/** A delivery without what its row in a list says beside it. */
export function plainDelivery(delivery: LoggedDelivery): Delivery {
	const { webhookName: _name, webhookHost: _host, lastAttempt: _attempt, ...plain } = delivery;
	return plain;
}
