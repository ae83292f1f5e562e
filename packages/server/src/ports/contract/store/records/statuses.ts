// How many deliveries of a list are in each status.
import type { Delivery, DeliveryStatus } from "../../../../core/delivery.ts";

export function countStatuses(deliveries: readonly Pick<Delivery, "status">[]): Record<DeliveryStatus, number> {
	const counts = { Pending: 0, Succeeded: 0, Failed: 0, Held: 0, Cancelled: 0 };
	for (const { status } of deliveries) counts[status]++;
	return counts;
}
