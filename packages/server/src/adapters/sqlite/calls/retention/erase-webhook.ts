// Erases the data of a deleted webhook whose customer is being deleted: the responses of its receiver, then the texts in its record. Its
// deliveries and attempts stay in the log, and belong to nobody.
import type { DatabaseSync } from "node:sqlite";

import { idText } from "../../codec/ids.ts";
import { number, rowId, type Row } from "../../codec/rows.ts";
import type { DeliveryTable } from "../../deliveries/delivery-table.ts";
import type { StatsChanges } from "../../stats/stats-changes.ts";
import { withoutResponse } from "../erased.ts";
import { hasHeld, hasPending } from "../queue/sweep.ts";
import { createEmptyResponses } from "./purge.ts";

export interface ErasedWebhook {
	/** The number of the last delivery that is done. */
	readonly through: number;
	/** Deliveries that were looked at. */
	readonly count: number;
	/** Whether nothing is left. */
	readonly done: boolean;
}

/** A delivery that is looked at and needs no change costs this much of the limit. */
const LOOK_COST = 0.2;

/**
 * Prepares a step, which must be in a transaction with `changes`. The row must have `id` and `number`. Does nothing while the
 * webhook has deliveries that wait: they are cancelled elsewhere. From the first step on, no response is stored any more.
 */
export function createEraseWebhook(db: DatabaseSync, table: DeliveryTable) {
	const isWaiting = createIsWaiting(db, table);
	const mark = db.prepare("UPDATE webhooks SET erased = 1 WHERE id = ? AND erased = 0");
	const select = createSelectDeliveries(db, table);
	const emptyResponses = createEmptyResponses(db, withoutResponse);
	const detachReplays = db.prepare(`
		UPDATE replays SET customer_id = NULL WHERE id IN (
			SELECT id FROM replays INDEXED BY replays_by_webhook WHERE webhook_id = ? AND customer_id IS NOT NULL LIMIT ?
		)
	`);
	const eraseRecord = createEraseRecord(db, table);

	return (
		webhook: Row,
		{ through, limit }: { readonly through: number; readonly limit: number },
		changes: StatsChanges,
	): ErasedWebhook | "waiting" => {
		const [id, place] = [rowId(webhook), number(webhook["number"])];
		if (through === 0 && isWaiting(place)) return "waiting";
		mark.run(id);
		const most = Math.ceil(limit);
		const rows = select(place, through, most);
		let [last, cost, count] = [through, 0, 0];
		for (const row of rows) {
			if (cost >= limit) break;
			last = number(row["seq"]);
			const emptied = emptyResponses(last);
			if (emptied.bytes !== 0) changes.storedBytes(number(row["project"]), -emptied.bytes);
			cost += LOOK_COST + emptied.count;
			count++;
		}
		if (count === most || count < rows.length) return { through: last, count, done: false };
		if (Number(detachReplays.run(id, most).changes) === most) return { through: last, count, done: false };
		eraseRecord(id, place);
		return { through: last, count, done: true };
	};
}

function createIsWaiting(db: DatabaseSync, table: DeliveryTable): (webhook: number) => boolean {
	const select = db.prepare(`
		SELECT 1 FROM webhooks w WHERE number = :webhook AND (${hasPending("w.number")} OR ${hasHeld("w.number")})
	`);
	return (webhook) => select.get({ webhook, mark: table.open.mark }) !== undefined;
}

/** Prepares the reading of full rows of a webhook after a number, in order: those in the index, then those in the tail. */
function createSelectDeliveries(db: DatabaseSync, { listing }: DeliveryTable) {
	const listed = db.prepare(`
		SELECT seq, project FROM deliveries INDEXED BY deliveries_by_webhook
		WHERE listed = 1 AND webhook = ? AND seq > ? ORDER BY seq LIMIT ?
	`);
	const tail = db.prepare(`
		SELECT seq, project FROM deliveries NOT INDEXED WHERE seq > ? AND webhook = ? ORDER BY seq LIMIT ?
	`);
	return (webhook: number, after: number, limit: number): Row[] => {
		const rows = listed.all(webhook, after, limit);
		const left = limit - rows.length;
		return left === 0 ? rows : [...rows, ...tail.all(Math.max(after, listing.mark), webhook, left)];
	};
}

/** Prepares the erasing of everything that people have written into a webhook. Its id, dates and numbers stay. */
export function createEraseRecord(
	db: DatabaseSync,
	{ numbers }: Pick<DeliveryTable, "numbers">,
): (id: Uint8Array, number: number) => void {
	const erase = db.prepare(`
		UPDATE webhooks SET customer_id = NULL, name = '', description = NULL, endpoint = '', event_types = NULL, metadata = '{}',
			disabled_reason = NULL, header_names = '[]', sealed_headers = NULL, secret_hint = '', key = NULL
		WHERE id = ?
	`);
	const removals = ["webhook_secrets", "resealed"].map((name) =>
		db.prepare(`DELETE FROM ${name} WHERE webhook_id = ?`),
	);
	const removalsByNumber = ["webhook_versions", "webhook_health"].map((name) =>
		db.prepare(`DELETE FROM ${name} WHERE webhook = ?`),
	);
	return (id, number) => {
		for (const removal of removals) removal.run(id);
		for (const removal of removalsByNumber) removal.run(number);
		erase.run(id);
		// It is read again with its next use.
		numbers.webhooks.forget(idText("webhook", id));
	};
}
