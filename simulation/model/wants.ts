// Which events a webhook wants, by their types and their customers. Written separately from the server's own matching, which is compared
// with it.
import type { EventCustomers } from "../../packages/server/src/core/access/customer.ts";

/** Whether a filter of event types wants a type; null wants every type but those of own events. */
export function wants(filter: readonly string[] | null, type: string): boolean {
	if (filter === null) return !type.startsWith("fanfare.");
	return filter.some((entry) => (entry.endsWith(".*") ? type.startsWith(entry.slice(0, -1)) : entry === type));
}

/** Whether an event for these customers may reach a webhook of this one; null stands for none. */
export function reaches(customers: EventCustomers, customerId: string | null): boolean {
	return customerId === null || [customers].flat().some((one) => one === "*" || one === customerId);
}
