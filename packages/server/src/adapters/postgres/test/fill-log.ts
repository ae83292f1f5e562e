// Fills a database with a large log by a few statements, for tests of plans: events over some days, each with a delivery and an attempt.
import { firstUuidAt, uuidOf } from "../codec/ids.ts";
import type { Database } from "../connection/database.ts";
import { Partitions } from "../schema/partitions.ts";

const DAY_MS = 86_400_000;

export interface LogFill {
	readonly projectId: string;
	/** Event `n` has a delivery to one of them. */
	readonly webhookIds: readonly string[];
	readonly count: number;
	/** When the first event was made, and over how many days they go. */
	readonly start: number;
	readonly days: number;
}

/**
 * Adds the rows. Of 1,000 deliveries, 50 are Failed, 10 Cancelled, 20 Pending, 1 Held, and all others Succeeded. Each 10,000th event has
 * the type `rare.one`. Each second one has the tag `often`, the first ones have `once`, and all are for the customer `acme`.
 */
export async function fillLog(
	database: Database,
	{ projectId, webhookIds, count, start, days }: LogFill,
): Promise<void> {
	const every = Array.from({ length: days + 1 }, (_, day) => firstUuidAt(start + day * DAY_MS));
	await new Partitions(database).ensure(every);
	const step = Math.max(1, Math.floor((days * DAY_MS) / count));
	const project = uuidOf("proj", projectId);
	const webhooks = webhookIds.map((id) => uuidOf("webhook", id)).join(",");
	const rows = `
		SELECT n, ${start}::bigint + n * ${step} AS at, '${project}'::uuid AS project_id,
			('{${webhooks}}'::uuid[])[1 + (n % ${webhookIds.length})::integer] AS webhook_id,
			${uuidAt(`${start}::bigint + n * ${step}`, "0000")} AS event_id, ${uuidAt(`${start}::bigint + n * ${step}`, "0001")} AS id,
			CASE WHEN n % 10000 = 9 THEN 'rare.one' WHEN n % 3 = 0 THEN 'order.paid' WHEN n % 3 = 1 THEN 'order.sent' ELSE 'user.new' END AS type,
			CASE WHEN n % 20 = 0 THEN 2 WHEN n % 100 = 1 THEN 4 WHEN n % 50 = 3 THEN 0 WHEN n % 1000 = 2 THEN 3 ELSE 1 END AS status
		FROM generate_series(0::bigint, ${count - 1}) n
	`;
	const columns = `id, project_id, webhook_id, event_id, event_type, shard, status, attempt_count, auto_attempt_count, next_attempt_at,
		trigger, response_code, due_at, cause, is_replayed, create_date, update_date, change`;
	const deliveries = `
		SELECT id, project_id, webhook_id, event_id, type, 0, status, 1, 1, CASE WHEN status = 0 THEN at END,
			0, CASE WHEN status = 1 THEN 200 ELSE 500 END, CASE WHEN status = 0 THEN at END, CASE WHEN status = 1 THEN 0 ELSE 88 END,
			false, at, at, CASE WHEN status <> 1 THEN at * 64 END FROM rows
	`;
	await database.transact(async (session) => {
		await session.longScript(`
			SET LOCAL statement_timeout = 0;
			CREATE UNLOGGED TABLE rows AS ${rows};
			INSERT INTO events (id, project_id, type, timestamp, create_date, delivery_count, body)
				SELECT event_id, project_id, type, at, at, 1, decode(repeat('ab', 300), 'hex') FROM rows;
			INSERT INTO event_tags SELECT project_id, 'often', event_id FROM rows WHERE n % 2 = 0;
			INSERT INTO event_tags SELECT project_id, 'once', event_id FROM rows ORDER BY n LIMIT 20 ON CONFLICT DO NOTHING;
			INSERT INTO idempotency_keys SELECT project_id, 'k' || event_id::text, event_id, NULL, at FROM rows;
			INSERT INTO event_customers SELECT project_id, 'acme', event_id FROM rows;
			INSERT INTO deliveries (${columns}) ${deliveries} WHERE status IN (1, 2, 4);
			INSERT INTO open_deliveries (${columns}) ${deliveries} WHERE status IN (0, 3);
			INSERT INTO attempts SELECT id, 1, '[2,1,"atm_1",0,1,1,200,null,null,{},{},"' || repeat('x', 200) || '",false]' FROM rows;
			DROP TABLE rows;
		`);
	});
}

/** SQL for a UUID of this time. */
function uuidAt(ms: string, counter: string): string {
	return `(lpad(to_hex(${ms}), 12, '0') || '70008000${counter}00000000')::uuid`;
}
