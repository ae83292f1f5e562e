// What an event without a payload means for its deliveries: nothing is attempted again, and no answer is kept any more.
import type { DatabaseSync } from "node:sqlite";

import type { Attempt } from "../../../core/delivery.ts";

/** Whether the payload of a delivery's event is gone, by the delivery's id. */
export function createIsErased(db: DatabaseSync): (deliveryId: Uint8Array) => boolean {
	const select = db.prepare(`
		SELECT 1 FROM deliveries d JOIN events e ON e.project_id = d.project_id AND e.id = d.event_id
		WHERE d.id = ? AND length(e.body) = 0
	`);
	return (deliveryId) => select.get(deliveryId) !== undefined;
}

/** The attempt without what the receiver answered. */
export function withoutAnswer(attempt: Attempt): Attempt {
	const { response } = attempt;
	if (response === null || response.body === "") return attempt;
	return { ...attempt, response: { ...response, body: "", bodyTruncated: true } };
}
