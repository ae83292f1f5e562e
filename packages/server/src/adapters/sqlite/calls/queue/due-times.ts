// When the deliveries of webhooks are due, over both tables.
import type { DatabaseSync } from "node:sqlite";

import { shardOf } from "../../../../core/cluster/shard.ts";
import { number } from "../../codec/rows.ts";
import type { DeliveryTable } from "../../deliveries/delivery-table.ts";

export interface DueTimes {
	/** When the earliest Pending delivery of a webhook is due: for a leased one, the end of its lease. Null if it has none. */
	readonly earliest: (webhook: number) => number | null;
	/** The same for every webhook with a Pending delivery, by webhook. */
	readonly all: () => Map<number, number>;
}

/** Prepares the reading of due times. Each webhook takes some seeks, however many deliveries wait. */
export function createDueTimes(db: DatabaseSync, table: DeliveryTable): DueTimes {
	const { open } = table;
	const firstFull = db.prepare(`
		SELECT due_at FROM deliveries INDEXED BY deliveries_due
		WHERE webhook = ? AND due_at IS NOT NULL ORDER BY due_at LIMIT 1
	`);
	const firstOpen = createFirstOpen(db, table);
	const withFull = createLooseScan(db, "deliveries INDEXED BY deliveries_due", "due_at IS NOT NULL");
	const withListed = createLooseScan(db, "open INDEXED BY open_by_webhook", "listed = 1");

	const earliest = (webhook: number, tail: Iterable<number>): number | null => {
		const row = firstFull.get(webhook);
		return least([row === undefined ? null : number(row["due_at"]), firstOpen(webhook, tail)]);
	};
	return {
		earliest: (webhook) => earliest(webhook, open.tail.of(webhook)),
		all() {
			const tails = open.tail.byWebhook();
			const all = new Map<number, number>();
			for (const webhook of new Set([...withFull(), ...withListed(), ...tails.keys()])) {
				const dueAt = earliest(webhook, tails.get(webhook) ?? []);
				if (dueAt !== null) all.set(webhook, dueAt);
			}
			return all;
		},
	};
}

/** Prepares `dueWebhooks`. */
export function createDueWebhooks(table: DeliveryTable, { all }: DueTimes) {
	return (shards: readonly number[] | null): { webhookId: string; dueAt: number }[] => {
		const wanted = shards === null ? null : new Set(shards);
		return [...all()].flatMap(([webhook, dueAt]) => {
			const { id: webhookId } = table.numbers.webhooks.at(webhook);
			return wanted === null || wanted.has(shardOf(webhookId)) ? [{ webhookId, dueAt }] : [];
		});
	};
}

function least(times: readonly (number | null)[]): number | null {
	const known = times.filter((time) => time !== null);
	return known.length === 0 ? null : Math.min(...known);
}

/**
 * Prepares the search for the first of a webhook's open deliveries that is not leased, or for the end of the first lease. `tail` has the
 * numbers of those that are not listed.
 */
function createFirstOpen(
	db: DatabaseSync,
	{ leases, open, pulledIn }: DeliveryTable,
): (webhook: number, tail: Iterable<number>) => number | null {
	const dateOf = db.prepare(
		"SELECT event.create_date AS date FROM open JOIN events event ON event.seq = open.event WHERE open.seq = ?",
	);
	const listed = db.prepare(
		"SELECT seq FROM open INDEXED BY open_by_webhook WHERE listed = 1 AND webhook = ? AND seq > ? ORDER BY seq",
	);

	const firstListed = (webhook: number, cursor: number): number | null => {
		for (const row of listed.iterate(webhook, cursor)) {
			const seq = number(row["seq"]);
			if (leases.get(webhook, seq) === null) return seq;
		}
		return null;
	};
	const firstOfTail = (webhook: number, cursor: number, tail: Iterable<number>): number | null => {
		for (const seq of tail) if (seq > cursor && leases.get(webhook, seq) === null) return seq;
		return null;
	};
	return (webhook, tail) => {
		const cursor = leases.cursor(webhook);
		const [returned] = leases.returned(webhook, -Infinity);
		const seq =
			returned ?? (cursor < open.mark ? firstListed(webhook, cursor) : null) ?? firstOfTail(webhook, cursor, tail);
		const row = seq === null ? undefined : dateOf.get(seq);
		const dueAt = seq === null || row === undefined ? null : pulledIn.dueAt(webhook, seq, number(row["date"]));
		return least([dueAt, leases.firstEnd(webhook)]);
	};
}

/** The webhooks in an index that begins with them: one seek each, however many entries they have. */
function createLooseScan(db: DatabaseSync, indexed: string, condition: string): () => number[] {
	const select = db.prepare(`
		WITH RECURSIVE waiting (webhook) AS (
			SELECT (SELECT webhook FROM ${indexed} WHERE ${condition} ORDER BY webhook LIMIT 1)
			UNION ALL
			SELECT (SELECT webhook FROM ${indexed} WHERE ${condition} AND webhook > waiting.webhook ORDER BY webhook LIMIT 1)
			FROM waiting WHERE webhook IS NOT NULL
		)
		SELECT webhook FROM waiting WHERE webhook IS NOT NULL
	`);
	return () => select.all().map((row) => number(row["webhook"]));
}
