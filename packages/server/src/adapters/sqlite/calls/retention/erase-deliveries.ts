// Erases what belongs to an event step by step: cancels its waiting deliveries and removes the responses of their receivers.
import type { DatabaseSync } from "node:sqlite";

import { transition } from "../../../../core/delivery.ts";
import { deliveryIdAt } from "../../../../core/ids.ts";
import { idText } from "../../codec/ids.ts";
import { bytesOrNull, number, rowId, type Row } from "../../codec/rows.ts";
import type { DeliveryTable } from "../../deliveries/delivery-table.ts";
import type { StatsChanges } from "../../stats/stats-changes.ts";
import { createEmptyResponses } from "./purge.ts";

/** The event whose deliveries are erased. The row must have `seq`, `id`, `project`, `create_date` and `delivery_count`. */
type EventRow = Row;

export interface EraseStep {
	/** The number of the last delivery that is done; 0 to begin. */
	readonly through: number;
	/** About how many rows to change. It bounds the time of the transaction. */
	readonly limit: number;
	/** The reason of the deliveries that are cancelled. */
	readonly reason: string;
	readonly at: number;
}

export interface ErasedDeliveries {
	readonly through: number;
	/** The ids of those that were cancelled. */
	readonly cancelled: readonly string[];
	/** Responses that were erased. */
	readonly responses: number;
	/** Deliveries that were looked at. */
	readonly count: number;
	/** Whether the last delivery of the event is done. */
	readonly done: boolean;
}

type EraseDeliveries = (event: EventRow, step: EraseStep, changes: StatsChanges) => ErasedDeliveries;

/** A delivery that is looked at and needs no change costs this much of the limit. */
const LOOK_COST = 0.2;

/** Prepares a step, which must be in a transaction with `changes`. Deliveries are done in the order of their numbers. */
export function createEraseDeliveries(db: DatabaseSync, table: DeliveryTable): EraseDeliveries {
	const select = db.prepare(`
		SELECT seq, NULL AS own_id FROM open WHERE seq > max(?1, ?3) AND seq <= ?2
		UNION ALL SELECT seq, own_id FROM deliveries WHERE seq > max(?1, ?3) AND seq <= ?2
		UNION ALL SELECT seq, own_id FROM deliveries INDEXED BY deliveries_outside_by_event
			WHERE outside = 1 AND event = ?1 AND seq > ?3
		ORDER BY seq LIMIT ?4
	`);
	const emptyResponses = createEmptyResponses(db);

	return (event, { through, limit, reason, at }, changes) => {
		const [first, date] = [number(event["seq"]), number(event["create_date"])];
		const most = Math.ceil(limit);
		// One more than can be done, which tells whether there are more.
		const rows = select.all(first, first + number(event["delivery_count"]), through, most + 1);
		const cancelled: string[] = [];
		let [last, cost, freed, count, responses] = [through, 0, 0, 0, 0];
		for (const row of rows) {
			if (cost >= limit || count === most) break;
			const seq = number(row["seq"]);
			last = seq;
			count++;
			cost += LOOK_COST;
			const delivery = table.loadOpen(seq, date) ?? table.loadFull(seq);
			if (delivery === null) continue;
			if (delivery.home === "full") {
				const emptied = emptyResponses(seq);
				freed += emptied.bytes;
				responses += emptied.count;
				cost += emptied.count;
			}
			const after = transition(delivery.state, { type: "cancel", reason });
			if (after === delivery.state) continue;
			table.write(delivery, after, at, null);
			changes.moved(delivery.webhook, at, delivery.state.status, after.status);
			cancelled.push(idOf(event, seq, bytesOrNull(row["own_id"])));
			cost++;
		}
		if (freed !== 0) changes.storedBytes(number(event["project"]), -freed);
		table.listing.shorten();
		return { through: last, cancelled, responses, count, done: count === rows.length };
	};
}

/** The id of a delivery, which follows from that of its event unless it has one of its own. */
function idOf(event: EventRow, seq: number, ownId: Uint8Array | null): string {
	if (ownId !== null) return idText("dlv", ownId);
	return deliveryIdAt(idText("evt", rowId(event)), seq - number(event["seq"]) - 1);
}
