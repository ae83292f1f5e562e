// What became of an event: how many of its deliveries are in each state. A glyph and a number, and the word for screen readers.
import type { DeliveryStatus, LoggedEvent } from "@fanfare/sdk";

import { DELIVERY_STATES } from "../../parts/text/delivery-states.ts";
import { count } from "../../parts/text/format.ts";

/** Those that need somebody first. */
const ORDER: readonly DeliveryStatus[] = ["Failed", "Held", "Pending", "Succeeded", "Cancelled"];

export function Outcomes({ event: { deliveries, deliveryCount } }: { readonly event: LoggedEvent }) {
	if (deliveries === null) return <span className="num">{count(deliveryCount)} made</span>;
	const shown = ORDER.filter((status) => deliveries[status] > 0);
	if (shown.length === 0) return <span className="text-warn">no webhook</span>;
	return (
		<span className="outcomes">
			{shown.map((status) => {
				const [tone, glyph] = DELIVERY_STATES[status];
				return (
					<span key={status} className={`state ${tone}`} title={`${count(deliveries[status])} ${status.toLowerCase()}`}>
						<span aria-hidden>{glyph}</span>
						{count(deliveries[status])}
						<span className="unseen">{status.toLowerCase()}</span>
					</span>
				);
			})}
		</span>
	);
}
