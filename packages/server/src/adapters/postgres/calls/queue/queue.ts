// The queue of waiting deliveries: when they are due, leases, and sweeps over the deliveries of a webhook.
import type { DeliveryLease, LongestWait } from "../../../../ports/store/queue.ts";
import { binaryArray } from "../../codec/arrays.ts";
import { firstUuidAt, idOf, uuidsOf } from "../../codec/ids.ts";
import { number, text } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";
import type { ChangeNumbers } from "../../deliveries/change-numbers.ts";
import { createClaimDue } from "./claim.ts";
import { createMarkWebhooksDeleted } from "./mark-deleted.ts";
import { createSweepWebhook, createWebhooksToSweep } from "./sweep.ts";

/** A loose index scan: one look for each webhook, however many deliveries wait. */
const SELECT_DUE_WEBHOOKS = statement(`
	WITH RECURSIVE waiting AS (
		(SELECT webhook_id, due_at, shard FROM open_deliveries WHERE due_at IS NOT NULL ORDER BY webhook_id, due_at LIMIT 1)
		UNION ALL
		SELECT following.* FROM waiting CROSS JOIN LATERAL (
			SELECT webhook_id, due_at, shard FROM open_deliveries
			WHERE due_at IS NOT NULL AND webhook_id > waiting.webhook_id ORDER BY webhook_id, due_at LIMIT 1
		) following
	)
	SELECT webhook_id, due_at FROM waiting WHERE $1::integer[] IS NULL OR shard = ANY($1::integer[])
`);
/** The primary key finds what is young. */
const SELECT_LEASED = statement(`
	SELECT id, project_id, webhook_id, lease_until FROM open_deliveries
	WHERE id >= $2 AND lease_until IS NOT NULL AND due_at IS NOT NULL AND attempt_count = 0
		AND ($1::integer[] IS NULL OR shard = ANY($1::integer[]))
`);
/** Rows are locked in the order of ids. */
const RENEW = statement(`
	WITH locked AS MATERIALIZED (
		SELECT id FROM open_deliveries WHERE id = ANY($1::uuid[]) AND lease_until IS NOT NULL AND due_at IS NOT NULL
		ORDER BY id FOR UPDATE
	)
	UPDATE open_deliveries SET lease_until = $2, due_at = $2 WHERE id IN (SELECT id FROM locked)
`);
const TAKE_OVER = statement(`
	WITH locked AS MATERIALIZED (
		SELECT id FROM open_deliveries
		WHERE lease_until IS NOT NULL AND due_at IS NOT NULL AND ($1::integer[] IS NULL OR shard = ANY($1::integer[]))
		ORDER BY id FOR UPDATE
	)
	UPDATE open_deliveries SET lease_until = NULL, due_at = next_attempt_at WHERE id IN (SELECT id FROM locked)
`);
const COUNT_OPEN = statement(`
	SELECT coalesce(sum(pending), 0)::bigint AS pending, coalesce(sum(held), 0)::bigint AS held FROM (
		SELECT pending, held FROM status_counts JOIN projects ON projects.id = status_counts.owner
		UNION ALL
		SELECT pending, held FROM stats_journal
	) counts
`);

/** The calls of `QueueStore`. */
export function createQueueCalls(database: Database, numbers: ChangeNumbers) {
	return {
		claimDue: createClaimDue(database, numbers),
		dueWebhooks: (shards: readonly number[] | null): Promise<{ webhookId: string; dueAt: number }[]> =>
			database.read(async (session) =>
				(await session.run(SELECT_DUE_WEBHOOKS, [shards])).map((row) => ({
					webhookId: idOf("webhook", text(row["webhook_id"])),
					dueAt: number(row["due_at"]),
				})),
			),
		leasedDeliveries: (shards: readonly number[] | null, since: number): Promise<DeliveryLease[]> =>
			database.read(async (session) =>
				(await session.run(SELECT_LEASED, [shards, firstUuidAt(since)])).map((row) => ({
					id: idOf("dlv", text(row["id"])),
					projectId: idOf("proj", text(row["project_id"])),
					webhookId: idOf("webhook", text(row["webhook_id"])),
					leaseUntil: number(row["lease_until"]),
				})),
			),
		renewLeases: (deliveryIds: readonly string[], until: number): Promise<void> =>
			database.transact(async (session) => {
				await session.run(RENEW, [binaryArray("uuid", uuidsOf("dlv", deliveryIds)), until]);
			}),
		takeOver: (shards: readonly number[] | null): Promise<number> =>
			database.transact((session) => session.change(TAKE_OVER, [shards])),
		pullIn: (now: number, waits: readonly LongestWait[]): Promise<number> =>
			database.transact((session) => pullIn(session, now, waits)),
		sweepWebhook: createSweepWebhook(database, numbers),
		webhooksToSweep: createWebhooksToSweep(database),
		markWebhooksDeleted: createMarkWebhooksDeleted(database),
		countOpen: (): Promise<{ Pending: number; Held: number }> =>
			database.read(async (session) => {
				const [row] = await session.run(COUNT_OPEN);
				return { Pending: number(row?.["pending"]), Held: number(row?.["held"]) };
			}),
	};
}

/** Each webhook's deliveries are found by its index, however many others wait, and then locked in the order of ids. */
const pulledIn = (condition: string) =>
	statement(`
		WITH found AS MATERIALIZED (
			SELECT d.id, given.latest FROM unnest($1::uuid[], $2::bigint[]) AS given(webhook_id, latest) CROSS JOIN LATERAL (
				SELECT id FROM open_deliveries d
				WHERE d.webhook_id = given.webhook_id AND d.due_at > given.latest AND d.lease_until IS NULL AND ${condition} OFFSET 0
			) d
		),
		locked AS MATERIALIZED (
			SELECT id FROM open_deliveries d
			WHERE id = ANY(ARRAY(SELECT id FROM found)) AND due_at IS NOT NULL AND lease_until IS NULL AND ${condition} ORDER BY id FOR UPDATE
		)
		UPDATE open_deliveries d SET next_attempt_at = found.latest, due_at = found.latest FROM locked JOIN found USING (id)
		WHERE d.id = locked.id AND d.due_at > found.latest
	`);
const PULL_IN = pulledIn("TRUE");
const PULL_IN_NEW = pulledIn("d.attempt_count = 0 AND d.create_date > $3");
/** Usually none was made in the future, and then one look is enough. */
const SELECT_FUTURE = statement("SELECT 1 FROM open_deliveries WHERE id >= $1 LIMIT 1");

async function pullIn(session: Session, now: number, waits: readonly LongestWait[]): Promise<number> {
	const known = waits.flatMap(({ webhookId, waitMs }) => uuidsOf("webhook", [webhookId]).map((id) => ({ id, waitMs })));
	const webhooks = known.map(({ id }) => id);
	let count = 0;
	const future = await session.run(SELECT_FUTURE, [firstUuidAt(now + 1)]);
	if (future.length > 0) count += await session.change(PULL_IN_NEW, [webhooks, webhooks.map(() => now), now]);
	return count + (await session.change(PULL_IN, [webhooks, known.map(({ waitMs }) => now + waitMs)]));
}
