// The ids of deliveries and events that other rows name by their numbers.
import type { DatabaseSync } from "node:sqlite";

import { deliveryIdAt } from "../../../core/ids.ts";
import { deliveryId } from "../codec/delivery-rows.ts";
import { idText } from "../codec/ids.ts";
import { bytes, number, rowId, type Row } from "../codec/rows.ts";

const COLUMNS = "delivery.seq, delivery.event, delivery.own_id, event.id AS event_id";
const WITH_EVENT = "CROSS JOIN events event ON event.seq = delivery.event";

export interface DeliveryIds {
	/** The id of a delivery that is a full row; null if there is none. */
	of(seq: number): string | null;
	/** The id of the last full row of a webhook up to a number; null if there is none. */
	lastOfWebhook(webhook: number, through: number): string | null;
	/** The id of the last event of a project up to a number; null if there is none. */
	lastEvent(project: number, through: number): string | null;
	/** An id that is not below that of any event or delivery of a project up to a number; null if there is none. */
	lastMade(project: number, through: number): string | null;
}

/** Prepares the look-ups. */
export function createDeliveryIds(db: DatabaseSync): DeliveryIds {
	const select = db.prepare(`SELECT ${COLUMNS} FROM deliveries delivery ${WITH_EVENT} WHERE delivery.seq = ?`);
	const selectOfWebhook = db.prepare(`
		SELECT ${COLUMNS} FROM deliveries delivery ${WITH_EVENT} WHERE delivery.webhook = ? AND delivery.seq <= ?
		ORDER BY delivery.seq DESC LIMIT 1
	`);
	const selectEvent = db.prepare(`
		SELECT id, delivery_count FROM events INDEXED BY events_by_project WHERE project = ? AND seq <= ? ORDER BY seq DESC LIMIT 1
	`);
	const selectOutside = db.prepare(`
		SELECT own_id FROM deliveries INDEXED BY deliveries_outside WHERE outside = 1 AND project = ? AND seq <= ?
		ORDER BY seq DESC LIMIT 1
	`);
	const idOf = (row: Row | undefined) => (row === undefined ? null : deliveryId(row));
	return {
		of: (seq) => idOf(select.get(seq)),
		lastOfWebhook: (webhook, through) => (through === 0 ? null : idOf(selectOfWebhook.get(webhook, through))),
		lastEvent(project, through) {
			const row = selectEvent.get(project, through);
			return row === undefined ? null : idText("evt", rowId(row));
		},
		lastMade(project, through) {
			const [event, outside] = [selectEvent.get(project, through), selectOutside.get(project, through)];
			const found: string[] = [];
			// Before the first delivery is the event itself.
			if (event !== undefined)
				found.push(deliveryIdAt(idText("evt", rowId(event)), number(event["delivery_count"]) - 1));
			if (outside !== undefined) found.push(idText("dlv", bytes(outside["own_id"])));
			return found.sort().at(-1) ?? null;
		},
	};
}
