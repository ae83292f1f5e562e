// Work that waits: who is due, leases, and sweeps over a webhook's deliveries.
import type { DatabaseSync, StatementSync } from "node:sqlite";

import { transition } from "../../../core/delivery.ts";
import { ERASED_REASON } from "../../../core/policies/retention.ts";
import type { ClaimRequest, LeasedDelivery } from "../../../ports/store/queue.ts";
import type { Store } from "../../../ports/store/store.ts";
import { idBytes, idHex } from "../codec/ids.ts";
import {
	rowId,
	STATE_COLUMNS,
	STATUS_CODES,
	toDueWebhook,
	toLeasedDelivery,
	toState,
	type Row,
} from "../codec/rows.ts";
import type { Transact } from "../connection.ts";
import type { FigureChanges } from "../stats/stats-changes.ts";
import type { Figures } from "../stats/stats-journal.ts";
import { createWriteState } from "./commit.ts";

/** Prepares `Store.claimDue`. */
export function createClaimDue(db: DatabaseSync, figures: Figures) {
	const select = db.prepare(`
		SELECT d.id, d.project_id, d.webhook_id, d.event_id, d.event_type, d.trigger, d.attempt_count, e.create_date, e.body
		FROM deliveries d INDEXED BY deliveries_due
		JOIN events e ON e.project_id = d.project_id AND e.id = d.event_id
		WHERE d.webhook_id = ? AND d.due_at <= ?
		ORDER BY d.due_at, d.id LIMIT ?
	`);
	const lease = db.prepare("UPDATE deliveries SET lease_until = ?1, due_at = ?1 WHERE id = ?2");
	const cancelErased = createCancelErased(db);

	return (request: ClaimRequest): LeasedDelivery[] =>
		figures.transact((changes) => {
			const due = takeWithin(select, request);
			const erased = due.filter((row) => bodyLength(row) === 0);
			for (const row of erased) cancelErased(row, request, changes);
			const claimed = erased.length === 0 ? due : due.filter((row) => !erased.includes(row));
			for (const row of claimed) lease.run(request.leaseUntil, rowId(row));
			return claimed.map((row) => toLeasedDelivery(row, request.leaseUntil));
		});
}

/** None is due as long as everybody who makes deliveries due looks whether there is a payload; an empty one is never sent. */
function createCancelErased(db: DatabaseSync) {
	const selectState = db.prepare(`SELECT ${STATE_COLUMNS} FROM deliveries WHERE id = ?`);
	const writeState = createWriteState(db);
	return (row: Row, { webhookId, now }: ClaimRequest, changes: FigureChanges): void => {
		const stateRow = selectState.get(rowId(row));
		if (stateRow === undefined) return;
		const before = toState(stateRow);
		const after = transition(before, { type: "cancel", reason: ERASED_REASON });
		writeState(rowId(row), after, now);
		changes.moved(idHex("webhook", webhookId), now, before.status, after.status);
	};
}

/** Steps through the due rows, and stops before the bodies outgrow `maxBytes`. */
function takeWithin(select: StatementSync, request: ClaimRequest): Row[] {
	const rows: Row[] = [];
	let bodyBytes = 0;
	for (const row of select.iterate(idBytes("webhook", request.webhookId), request.now, request.limit)) {
		bodyBytes += bodyLength(row);
		if (rows.length > 0 && bodyBytes > request.maxBytes) break;
		rows.push(row);
	}
	return rows;
}

function bodyLength(row: Row): number {
	const body = row["body"];
	return body instanceof Uint8Array ? body.length : 0;
}

/** Prepares `Store.dueWebhooks`: a loose scan, two index seeks a webhook, however many deliveries wait. */
export function createDueWebhooks(db: DatabaseSync) {
	const select = db.prepare(`
		WITH RECURSIVE waiting (webhook_id) AS (
			SELECT (
				SELECT webhook_id FROM deliveries INDEXED BY deliveries_due
				WHERE due_at IS NOT NULL ORDER BY webhook_id LIMIT 1
			)
			UNION ALL
			SELECT (
				SELECT webhook_id FROM deliveries INDEXED BY deliveries_due
				WHERE due_at IS NOT NULL AND webhook_id > waiting.webhook_id ORDER BY webhook_id LIMIT 1
			) FROM waiting WHERE webhook_id IS NOT NULL
		)
		SELECT webhook_id, (
			SELECT due_at FROM deliveries INDEXED BY deliveries_due
			WHERE due_at IS NOT NULL AND webhook_id = waiting.webhook_id ORDER BY due_at LIMIT 1
		) AS due_at FROM waiting WHERE webhook_id IS NOT NULL
	`);
	return () => select.all().map(toDueWebhook);
}

/** Prepares `Store.nextDueAt`. */
export function createNextDueAt(db: DatabaseSync) {
	const select = db.prepare(`
		SELECT webhook_id, due_at FROM deliveries INDEXED BY deliveries_due
		WHERE webhook_id = ? AND due_at IS NOT NULL ORDER BY due_at LIMIT 1
	`);
	return (webhookId: string): number | null => {
		const row = select.get(idBytes("webhook", webhookId));
		return row === undefined ? null : toDueWebhook(row).dueAt;
	};
}

/** Prepares `Store.renewLeases`. */
export function createRenewLeases(db: DatabaseSync, transact: Transact) {
	const renew = db.prepare(
		"UPDATE deliveries SET lease_until = ?1, due_at = ?1 WHERE id = ?2 AND lease_until IS NOT NULL AND due_at IS NOT NULL",
	);
	return (deliveryIds: readonly string[], until: number): void =>
		transact(() => {
			for (const id of deliveryIds) renew.run(until, idBytes("dlv", id));
		});
}

/** Prepares `Store.releaseAllLeases`. */
export function createReleaseAllLeases(db: DatabaseSync, transact: Transact) {
	const release = db.prepare(`
		UPDATE deliveries SET lease_until = NULL, due_at = next_attempt_at
		WHERE id IN (
			SELECT id FROM deliveries INDEXED BY deliveries_due WHERE due_at IS NOT NULL AND lease_until IS NOT NULL
		)
	`);
	return (): number => transact(() => Number(release.run().changes));
}

/** Prepares `Store.sweepWebhook`. */
export function createSweepWebhook(db: DatabaseSync, figures: Figures) {
	const selectPending = db.prepare(`
		SELECT id, ${STATE_COLUMNS} FROM deliveries INDEXED BY deliveries_due
		WHERE webhook_id = ? AND due_at IS NOT NULL ORDER BY due_at, id LIMIT ?
	`);
	const selectOthers = db.prepare(`
		SELECT id, ${STATE_COLUMNS} FROM deliveries INDEXED BY deliveries_by_webhook_status
		WHERE webhook_id = ? AND status = ? AND status > 1 ORDER BY id LIMIT ?
	`);
	const selectSucceeded = db.prepare(`
		SELECT id, ${STATE_COLUMNS} FROM deliveries INDEXED BY deliveries_by_webhook
		WHERE webhook_id = ? AND status = 1 ORDER BY id LIMIT ?
	`);
	const writeState = createWriteState(db);

	const sweep: (...parameters: Parameters<Store["sweepWebhook"]>) => number = (webhookId, from, change, at, limit) => {
		const id = idBytes("webhook", webhookId);
		const webhook = idHex("webhook", webhookId);
		return figures.transact((changes) => {
			const rows =
				from === "Pending"
					? selectPending.all(id, limit)
					: from === "Succeeded"
						? selectSucceeded.all(id, limit)
						: selectOthers.all(id, STATUS_CODES[from], limit);
			let count = 0;
			for (const row of rows) {
				const before = toState(row);
				const after = transition(before, change);
				if (after === before) continue;
				writeState(rowId(row), after, at);
				changes.moved(webhook, at, before.status, after.status);
				count++;
			}
			return count;
		});
	};
	return sweep;
}

/** Prepares `Store.forgetIdempotencyKeys`. */
export function createForgetIdempotencyKeys(db: DatabaseSync, transact: Transact) {
	const forget = db.prepare(`
		DELETE FROM idempotency_keys WHERE (project_id, key) IN (
			SELECT project_id, key FROM idempotency_keys WHERE create_date < ? ORDER BY create_date LIMIT ?
		)
	`);
	return (before: number, limit: number): number => transact(() => Number(forget.run(before, limit).changes));
}
