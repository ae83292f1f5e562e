// Claims: due deliveries of a webhook, from both tables, the earliest due first.
import type { DatabaseSync } from "node:sqlite";

import { transition } from "../../../../core/delivery.ts";
import { ERASED_REASON } from "../../../../core/policies/retention.ts";
import { isDeliverable } from "../../../../core/webhook.ts";
import type { Claim, ClaimRequest, LeasedDelivery } from "../../../../ports/store/queue.ts";
import { deliveryId, EVENT_OF_DELIVERY, TRIGGERS } from "../../codec/delivery-rows.ts";
import { toEventDetails } from "../../codec/event-rows.ts";
import { idText } from "../../codec/ids.ts";
import { bytes, nameOf, number, text, type Row } from "../../codec/rows.ts";
import type { DeliveryTable } from "../../deliveries/delivery-table.ts";
import type { Numbered } from "../../deliveries/numbers.ts";
import type { StatsChanges } from "../../stats/stats-changes.ts";
import type { StatsJournal } from "../../stats/stats-journal.ts";
import { createReadWebhookState } from "../webhook-state.ts";
import type { DueTimes } from "./due-times.ts";

/** A due delivery with its event. `dueAt` is its place in the order. */
interface Due {
	readonly row: Row;
	readonly seq: number;
	readonly dueAt: number;
	readonly isOpen: boolean;
}

/** Prepares `claimDue`. Leases of deliveries in `open` are in memory, so claiming them writes nothing. */
export function createClaimDue(db: DatabaseSync, table: DeliveryTable, journal: StatsJournal, dueTimes: DueTimes) {
	const readWebhookState = createReadWebhookState(db);
	const openRows = createOpenRows(db, table);
	const fullRows = createFullRows(db);
	const lease = db.prepare("UPDATE deliveries SET lease_until = ?1, due_at = ?1 WHERE seq = ?2");
	const cancelErased = createCancelErased(table);

	return (request: ClaimRequest): Claim => {
		const webhook = table.numbers.webhooks.find(request.webhookId);
		if (webhook === null) return NOTHING;
		let lastOpen = 0;
		const claimed = journal.transact((changes): LeasedDelivery[] | null => {
			const state = readWebhookState(webhook.number);
			if (state === null || !isDeliverable(state)) return null;
			const deliveries: LeasedDelivery[] = [];
			const due = inOrder(openRows(webhook, request), fullRows(webhook, request));
			for (const { row, seq, isOpen } of takeWithin(due, request)) {
				if (isOpen) lastOpen = Math.max(lastOpen, seq);
				if (bodyLength(row) === 0) {
					cancelErased(row, webhook, request.now, changes);
					continue;
				}
				if (isOpen) table.leases.set(webhook.number, seq, request.leaseUntil);
				else lease.run(request.leaseUntil, seq);
				deliveries.push(toLeasedDelivery(row, table, request.leaseUntil));
			}
			return deliveries;
		});
		if (claimed === null) return NOTHING;
		table.leases.moveCursor(webhook.number, lastOpen);
		return { deliveries: claimed, nextDueAt: dueTimes.earliest(webhook.number) };
	};
}

const NOTHING: Claim = { deliveries: [], nextDueAt: null };

const COLUMNS = `${EVENT_OF_DELIVERY}, event.details AS details, event.body AS body`;

/** Reads the open deliveries of a webhook that are not leased, in order: first those whose lease has ended, then new ones. */
function createOpenRows(db: DatabaseSync, table: DeliveryTable) {
	const columns = `seq, event, webhook, project`;
	const withEvent = (from: string, order: string) => `
		SELECT waiting.*, ${COLUMNS} FROM (${from}) waiting CROSS JOIN events event ON event.seq = waiting.event ${order}
	`;
	const selectOne = db.prepare(withEvent(`SELECT ${columns} FROM open WHERE seq = ? AND webhook = ?`, ""));
	const selectListed = db.prepare(
		withEvent(
			`SELECT ${columns} FROM open INDEXED BY open_by_webhook WHERE listed = 1 AND webhook = ? AND seq > ?`,
			"ORDER BY waiting.seq",
		),
	);

	return function* (webhook: Numbered, { now }: ClaimRequest): Generator<Due> {
		const { leases, open } = table;
		for (const seq of leases.returned(webhook.number, now)) {
			const row = selectOne.get(seq, webhook.number);
			if (row !== undefined) yield asOpen(row);
		}
		const cursor = leases.cursor(webhook.number);
		const unleased = (row: Row) => leases.get(webhook.number, number(row["seq"])) === null;
		if (cursor < open.mark) {
			for (const row of selectListed.iterate(webhook.number, cursor)) if (unleased(row)) yield asOpen(row);
		}
		for (const seq of open.tail.of(webhook.number, cursor)) {
			if (leases.get(webhook.number, seq) !== null) continue;
			const row = selectOne.get(seq, webhook.number);
			if (row !== undefined) yield asOpen(row);
		}
	};
}

/** It has been due since its event was accepted, whatever the clock says now. */
function asOpen(row: Row): Due {
	return { row, seq: number(row["seq"]), dueAt: number(row["event_date"]), isOpen: true };
}

/** Reads the due full rows of a webhook, the earliest due first. */
function createFullRows(db: DatabaseSync) {
	const select = db.prepare(`
		SELECT delivery.seq, delivery.event, delivery.webhook, delivery.project, delivery.own_id, delivery.trigger,
			delivery.attempt_count, delivery.due_at, ${COLUMNS}
		FROM deliveries delivery INDEXED BY deliveries_due CROSS JOIN events event ON event.seq = delivery.event
		WHERE delivery.webhook = ? AND delivery.due_at <= ? ORDER BY delivery.due_at, delivery.seq
	`);
	return function* (webhook: Numbered, { now }: ClaimRequest): Generator<Due> {
		for (const row of select.iterate(webhook.number, now)) {
			yield { row, seq: number(row["seq"]), dueAt: number(row["due_at"]), isOpen: false };
		}
	};
}

/** Merges two streams by the time at which their deliveries are due. */
function* inOrder(some: Generator<Due>, others: Generator<Due>): Generator<Due> {
	try {
		let [a, b] = [some.next(), others.next()];
		while (a.done !== true || b.done !== true) {
			const takesA = b.done === true || (a.done !== true && isBefore(a.value, b.value));
			if (takesA) {
				if (a.done !== true) yield a.value;
				a = some.next();
			} else {
				if (b.done !== true) yield b.value;
				b = others.next();
			}
		}
	} finally {
		some.return(undefined);
		others.return(undefined);
	}
}

function isBefore(a: Due, b: Due): boolean {
	return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.seq < b.seq);
}

/** Reads due deliveries up to the limit, and stops before their bodies exceed `maxBytes`. */
function takeWithin(due: Iterable<Due>, { limit, maxBytes }: ClaimRequest): Due[] {
	const taken: Due[] = [];
	let bodyBytes = 0;
	for (const each of due) {
		bodyBytes += bodyLength(each.row);
		if (taken.length > 0 && bodyBytes > maxBytes) break;
		taken.push(each);
		if (taken.length === limit) break;
	}
	return taken;
}

function bodyLength(row: Row): number {
	return bytes(row["body"]).length;
}

/**
 * Cancels a due delivery whose payload is erased. There should be none, since every call that makes deliveries due checks for the
 * payload; this makes sure that an empty body is never sent.
 */
function createCancelErased(table: DeliveryTable) {
	return (row: Row, webhook: Numbered, now: number, changes: StatsChanges): void => {
		const seq = number(row["seq"]);
		const delivery = table.loadOpen(seq, number(row["event_date"])) ?? table.loadFull(seq);
		if (delivery === null) return;
		const after = transition(delivery.state, { type: "cancel", reason: ERASED_REASON });
		table.write(delivery, after, now, null);
		changes.moved(webhook.number, now, delivery.state.status, after.status);
	};
}

function toLeasedDelivery(row: Row, { numbers }: DeliveryTable, leaseUntil: number): LeasedDelivery {
	return {
		id: deliveryId(row),
		projectId: numbers.projects.at(number(row["project"])).id,
		webhookId: numbers.webhooks.at(number(row["webhook"])).id,
		eventId: idText("evt", bytes(row["event_id"])),
		eventType: text(row["event_type"]),
		trigger: nameOf(TRIGGERS, row["trigger"] ?? 0),
		attemptCount: number(row["attempt_count"] ?? 0),
		leaseUntil,
		createDate: number(row["event_date"]),
		body: bytes(row["body"]),
		traceparent: toEventDetails(row).traceparent,
	};
}
