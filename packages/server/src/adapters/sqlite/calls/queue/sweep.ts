// Sweeps: bring the waiting deliveries of a webhook into the state that follows from the webhook, in steps.
import type { DatabaseSync } from "node:sqlite";

import { transition } from "../../../../core/delivery.ts";
import { sweepChange, type SweepChange } from "../../../../core/webhook.ts";
import type { SweepStep, WebhooksToSweep } from "../../../../ports/store/queue.ts";
import { STATUS_CODES } from "../../codec/delivery-rows.ts";
import { AFTER_ALL_IDS, BEFORE_ALL_IDS, idBytes } from "../../codec/ids.ts";
import { number, rowId, type Row } from "../../codec/rows.ts";
import { DELETE_DATE, WEBHOOK_STATUS_CODES, webhookId } from "../../codec/webhook-rows.ts";
import type { DeliveryTable, StoredDelivery } from "../../deliveries/delivery-table.ts";
import type { StatsJournal } from "../../stats/stats-journal.ts";
import { createReadWebhookState } from "../webhook-state.ts";

/** Prepares `sweepWebhook`. */
export function createSweepWebhook(db: DatabaseSync, table: DeliveryTable, journal: StatsJournal) {
	const readWebhookState = createReadWebhookState(db);
	const select = createSelectToSweep(db, table);

	return (id: string, at: number, limit: number): SweepStep => {
		const webhook = table.numbers.webhooks.find(id);
		return journal.transact((changes) => {
			const change = sweepChange(webhook === null ? null : readWebhookState(webhook.number), at);
			if (webhook === null) return { change, count: 0, done: true };
			const deliveries = select[change.type](webhook.number, limit);
			for (const delivery of deliveries) {
				const after = transition(delivery.state, change);
				table.write(delivery, after, at, null);
				changes.moved(webhook.number, at, delivery.state.status, after.status);
			}
			table.listing.shorten();
			return { change, count: deliveries.length, done: deliveries.length < limit };
		});
	};
}

type Select = (webhook: number, limit: number) => StoredDelivery[];

/** Prepares the reading of the deliveries that each change of a sweep applies to. */
function createSelectToSweep(db: DatabaseSync, table: DeliveryTable): Readonly<Record<SweepChange["type"], Select>> {
	const selectListed = db.prepare(`
		SELECT open.seq, event.create_date AS due_at FROM open INDEXED BY open_by_webhook
		CROSS JOIN events event ON event.seq = open.event
		WHERE listed = 1 AND webhook = ? ORDER BY open.seq LIMIT ?
	`);
	const selectOpen = db.prepare(`
		SELECT open.seq, event.create_date AS due_at FROM open CROSS JOIN events event ON event.seq = open.event WHERE open.seq = ?
	`);
	const ofTail = (webhook: number, limit: number): Row[] => {
		const seqs = [...table.open.tail.of(webhook).take(limit)];
		return seqs.flatMap((seq) => selectOpen.all(seq));
	};
	const selectDue = db.prepare(`
		SELECT seq, due_at FROM deliveries INDEXED BY deliveries_due
		WHERE webhook = ? AND due_at IS NOT NULL ORDER BY due_at, seq LIMIT ?
	`);
	const selectHeld = db.prepare(`
		SELECT seq FROM deliveries INDEXED BY deliveries_by_webhook_status
		WHERE webhook = ? AND status = ${STATUS_CODES.Held} AND status <> 1 ORDER BY seq LIMIT ?
	`);
	/** The earliest due first, from both tables. */
	const pending: Select = (webhook, limit) => {
		const listed = selectListed.all(webhook, limit);
		const open = [...listed, ...ofTail(webhook, limit - listed.length)];
		return [
			...open.map((row) => ({ row, isOpen: true })),
			...selectDue.all(webhook, limit).map((row) => ({ row, isOpen: false })),
		]
			.sort((a, b) => number(a.row["due_at"]) - number(b.row["due_at"]) || number(a.row["seq"]) - number(b.row["seq"]))
			.slice(0, limit)
			.flatMap(({ row, isOpen }) => {
				const seq = number(row["seq"]);
				return (isOpen ? table.loadOpen(seq, number(row["due_at"])) : table.loadFull(seq)) ?? [];
			});
	};
	const held: Select = (webhook, limit) =>
		selectHeld.all(webhook, limit).flatMap((row) => table.loadFull(number(row["seq"])) ?? []);
	const waiting: Select = (webhook, limit) => {
		const deliveries = pending(webhook, limit);
		return [...deliveries, ...held(webhook, limit - deliveries.length)];
	};
	return { hold: pending, resume: held, cancel: waiting };
}

/**
 * Prepares `webhooksToSweep`: one or two seeks for each webhook, and one look at the tail of `open`, however many deliveries
 * wait.
 */
export function createWebhooksToSweep(db: DatabaseSync, table: DeliveryTable) {
	const select = db.prepare(`
		SELECT id FROM webhooks WHERE id > :after AND id <= :last AND ((
			(${DELETE_DATE} IS NOT NULL OR status <> ${WEBHOOK_STATUS_CODES.Enabled}) AND ${hasPending("webhooks.number")}
		) OR (
			(${DELETE_DATE} IS NOT NULL OR status = ${WEBHOOK_STATUS_CODES.Enabled}) AND ${hasHeld("webhooks.number")}
		))
	`);
	const selectLast = db.prepare("SELECT id FROM webhooks WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?");
	return (afterId: string | null, limit: number): WebhooksToSweep => {
		const after = afterId === null ? BEFORE_ALL_IDS : idBytes("webhook", afterId);
		const last = selectLast.get(after, limit - 1);
		const range = { after, last: last === undefined ? AFTER_ALL_IDS : rowId(last) };
		const webhookIds = select.all({ ...range, mark: table.open.mark }).map(webhookId);
		return { webhookIds, next: last === undefined ? null : webhookId(last) };
	};
}

/** SQL for whether a webhook has Pending deliveries. `:mark` is that of the open rows. */
export function hasPending(webhook: string): string {
	return `(
		EXISTS (SELECT 1 FROM deliveries INDEXED BY deliveries_due WHERE webhook = ${webhook} AND due_at IS NOT NULL)
		OR EXISTS (SELECT 1 FROM open INDEXED BY open_by_webhook WHERE listed = 1 AND webhook = ${webhook})
		OR ${webhook} IN (SELECT webhook FROM open NOT INDEXED WHERE seq > :mark)
	)`;
}

/** SQL for whether a webhook has Held deliveries. */
export function hasHeld(webhook: string): string {
	return `EXISTS (
		SELECT 1 FROM deliveries INDEXED BY deliveries_by_webhook_status
		WHERE webhook = ${webhook} AND status = ${STATUS_CODES.Held} AND status <> 1
	)`;
}
