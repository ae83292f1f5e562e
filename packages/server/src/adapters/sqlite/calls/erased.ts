// Events whose payload is erased: their deliveries are not attempted again, and their attempts keep no response body.
import type { DatabaseSync } from "node:sqlite";

import type { Attempt } from "../../../core/delivery.ts";

/** Whether the payload of a delivery's event is erased, by the id of the delivery. */
export function createIsErased(db: DatabaseSync): (deliveryId: Uint8Array) => boolean {
	const select = db.prepare(`
		SELECT 1 FROM deliveries d JOIN events e ON e.project_id = d.project_id AND e.id = d.event_id
		WHERE d.id = ? AND length(e.body) = 0
	`);
	return (deliveryId) => select.get(deliveryId) !== undefined;
}

/** The attempt without the body of its response. */
export function withoutResponseBody(attempt: Attempt): Attempt {
	const { response } = attempt;
	if (response === null || response.body === "") return attempt;
	return { ...attempt, response: { ...response, body: "", bodyTruncated: true } };
}
