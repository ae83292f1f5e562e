// For whom an event is: its customers.
import type { Event } from "@fanfare/sdk";

export function Recipients({
	event: { customerId, customerIds },
}: {
	readonly event: Pick<Event, "customerId" | "customerIds">;
}) {
	const named = customerId ?? (customerIds === "*" ? undefined : customerIds?.join(", "));
	if (named !== undefined) return <div className="cut">{named}</div>;
	return customerIds === "*" ? <span>all customers</span> : <span className="dim none">–</span>;
}
