// The queue of waiting deliveries: when they are due, leases, and sweeps over the deliveries of a webhook.
import type { DatabaseSync } from "node:sqlite";

import { shardOf } from "../../../core/cluster/shard.ts";
import type { DeliveryLease, LongestWait } from "../../../ports/store/queue.ts";
import { deliveryId, EVENT_OF_DELIVERY } from "../codec/delivery-rows.ts";
import { firstIdAt, idBytes, idTime } from "../codec/ids.ts";
import { bytes, countOf, number, type Row } from "../codec/rows.ts";
import type { Transact } from "../connection.ts";
import type { DeliveryTable } from "../deliveries/delivery-table.ts";
import type { PulledInNote } from "../deliveries/pulled-in.ts";
import type { StatsJournal } from "../stats/stats-journal.ts";
import { createClaimDue } from "./queue/claim.ts";
import { createDueTimes, createDueWebhooks } from "./queue/due-times.ts";
import { createMarkWebhooksDeleted } from "./queue/mark-deleted.ts";
import { createSweepWebhook, createWebhooksToSweep } from "./queue/sweep.ts";

/** Prepares the calls of `QueueStore`. */
export function createQueueCalls(db: DatabaseSync, table: DeliveryTable, transact: Transact, journal: StatsJournal) {
	const dueTimes = createDueTimes(db, table);
	const dueWebhooks = createDueWebhooks(table, dueTimes);
	return {
		claimDue: createClaimDue(db, table, journal, dueTimes),
		dueWebhooks,
		leasedDeliveries: createLeasedDeliveries(db, table),
		renewLeases: createRenewLeases(db, table, transact),
		takeOver: createTakeOver(db, table, transact, dueWebhooks),
		pullIn: createPullIn(db, table, transact),
		sweepWebhook: createSweepWebhook(db, table, journal),
		webhooksToSweep: createWebhooksToSweep(db, table),
		markWebhooksDeleted: createMarkWebhooksDeleted(db, table, transact),
		countOpen: () => journal.readOpen(),
	};
}

/** A leased delivery without an attempt is a row of `open`, whose lease is in memory, or a full row that a change has made. */
function createLeasedDeliveries(db: DatabaseSync, table: DeliveryTable) {
	const selectOpen = db.prepare(`
		SELECT open.seq, open.event, open.webhook, open.project, ${EVENT_OF_DELIVERY}
		FROM open JOIN events event ON event.seq = open.event WHERE open.seq = ?
	`);
	const selectFull = db.prepare(`
		SELECT delivery.seq, delivery.event, delivery.webhook, delivery.project, own_id, lease_until, ${EVENT_OF_DELIVERY}
		FROM deliveries delivery INDEXED BY deliveries_due JOIN events event ON event.seq = delivery.event
		WHERE due_at IS NOT NULL AND lease_until IS NOT NULL AND attempt_count = 0
	`);
	return (shards: readonly number[] | null, since: number): DeliveryLease[] => {
		const toLease = (row: Row, leaseUntil: number): DeliveryLease => ({
			id: deliveryId(row),
			projectId: table.numbers.projects.at(number(row["project"])).id,
			webhookId: table.numbers.webhooks.at(number(row["webhook"])).id,
			leaseUntil,
		});
		const open = [...table.leases.all()].flatMap(([seq, leaseUntil]) => {
			const row = selectOpen.get(seq);
			return row === undefined ? [] : toLease(row, leaseUntil);
		});
		const full = selectFull.all().map((row) => toLease(row, number(row["lease_until"])));
		const isWanted = ({ id, webhookId }: DeliveryLease) =>
			idTime(idBytes("dlv", id)) >= since && (shards === null || shards.includes(shardOf(webhookId)));
		return [...open, ...full].filter(isWanted);
	};
}

function createRenewLeases(db: DatabaseSync, table: DeliveryTable, transact: Transact) {
	const renew = db.prepare(
		"UPDATE deliveries SET lease_until = ?1, due_at = ?1 WHERE seq = ?2 AND lease_until IS NOT NULL AND due_at IS NOT NULL",
	);
	return (deliveryIds: readonly string[], until: number): void =>
		transact(() => {
			for (const id of deliveryIds) {
				const delivery = table.load(id);
				if (delivery === null || delivery.state.leaseUntil === null) continue;
				if (delivery.home === "open") table.leases.set(delivery.webhook, delivery.seq, until);
				else renew.run(until, delivery.seq);
			}
		});
}

function createTakeOver(
	db: DatabaseSync,
	table: DeliveryTable,
	transact: Transact,
	dueWebhooks: ReturnType<typeof createDueWebhooks>,
) {
	const sql = (condition: string) => `
		UPDATE deliveries SET lease_until = NULL, due_at = next_attempt_at
		WHERE seq IN (
			SELECT seq FROM deliveries INDEXED BY deliveries_due
			WHERE ${condition} due_at IS NOT NULL AND lease_until IS NOT NULL
		)
	`;
	const releaseAll = db.prepare(sql(""));
	const releaseOf = db.prepare(sql("webhook = ? AND"));
	return (shards: readonly number[] | null): number => {
		const webhooks =
			shards === null ? null : dueWebhooks(shards).map(({ webhookId }) => table.numbers.webhooks.get(webhookId).number);
		const count = transact(() => {
			if (webhooks === null) return Number(releaseAll.run().changes);
			return webhooks.reduce((sum, webhook) => sum + Number(releaseOf.run(webhook).changes), 0);
		});
		return count + table.leases.end(webhooks);
	};
}

function createPullIn(db: DatabaseSync, table: DeliveryTable, transact: Transact) {
	const waiting = (condition: string) => `
		UPDATE deliveries SET next_attempt_at = ?2, due_at = ?2
		WHERE seq IN (
			SELECT delivery.seq FROM deliveries delivery INDEXED BY deliveries_due ${condition}
			delivery.webhook = ?1 AND delivery.due_at > ?2 AND delivery.lease_until IS NULL
		)
	`;
	const pullInNew = db.prepare(
		waiting(`
			CROSS JOIN events event ON event.seq = delivery.event
			WHERE delivery.attempt_count = 0 AND coalesce(delivery.create_date, event.create_date) > ?2 AND
		`),
	);
	const pullIn = db.prepare(waiting("WHERE"));
	const countOpenAhead = createCountOpenAhead(db, table);
	const selectNewest = db.prepare(`
		SELECT max(
			coalesce((SELECT id FROM events ORDER BY id DESC LIMIT 1), x''),
			coalesce((SELECT own_id FROM deliveries WHERE own_id IS NOT NULL ORDER BY own_id DESC LIMIT 1), x'')
		) AS id
	`);
	return (now: number, waits: readonly LongestWait[]): number => {
		const notes: PulledInNote[] = [];
		const pulledIn = transact(() => {
			// Usually none was made in the future, and then one seek for each webhook is enough.
			const anyNew = Buffer.compare(bytes(selectNewest.get()?.["id"]), firstIdAt(now + 1)) >= 0;
			let count = 0;
			for (const { webhookId, waitMs } of waits) {
				const webhook = table.numbers.webhooks.find(webhookId);
				if (webhook === null) continue;
				if (anyNew) {
					const open = countOpenAhead(webhook.number, now);
					count += Number(pullInNew.run(webhook.number, now).changes) + open;
					if (open > 0) notes.push({ webhook: webhook.number, upTo: table.sequence.last, at: now });
				}
				count += Number(pullIn.run(webhook.number, now + waitMs).changes);
			}
			return count;
		});
		// Deliveries in `open` are not written: that they are due is known in memory, once the others are.
		for (const note of notes) table.pulledIn.add(note);
		return pulledIn;
	};
}

/** Prepares the counting of a webhook's deliveries in `open` that are not known to be due, since their dates are in the future. */
function createCountOpenAhead(db: DatabaseSync, table: DeliveryTable): (webhook: number, now: number) => number {
	const listed = db.prepare(`
		SELECT count(*) AS count FROM open INDEXED BY open_by_webhook CROSS JOIN events event ON event.seq = open.event
		WHERE listed = 1 AND webhook = ? AND open.seq > ? AND event.create_date > ?
	`);
	const tail = db.prepare(`
		SELECT count(*) AS count FROM open NOT INDEXED CROSS JOIN events event ON event.seq = open.event
		WHERE +webhook = ? AND open.seq > ? AND event.create_date > ?
	`);
	return (webhook, now) => {
		const before = table.pulledIn.upTo(webhook, now);
		return (
			countOf(listed.get(webhook, before, now)) + countOf(tail.get(webhook, Math.max(before, table.open.mark), now))
		);
	};
}
