// The health of webhooks: rows of those whose last attempt failed. The others are healthy, and have none.
import { FAILING_AFTER_FAILED, reportDueAt, type WebhookHealth } from "../../../core/policies/webhook-health.ts";
import { number as numberIn, orNull, record, text as textIn, type Codec } from "../codec/columns.ts";
import { number, text, type Row } from "../codec/rows.ts";
import { list, placeholders, statement } from "../codec/statements.ts";
import type { Session } from "../connection/session.ts";

/** The columns of a health that is not `HEALTHY`. */
export const HEALTH: Codec<WebhookHealth> = record<WebhookHealth>({
	failingSince: orNull(numberIn("failing_since")),
	failedCount: numberIn("failed_count"),
	exhaustedCount: numberIn("exhausted_count"),
	reason: orNull(textIn("reason")),
	reportDate: orNull(numberIn("report_date")),
	warnDate: orNull(numberIn("warn_date")),
	remindDate: orNull(numberIn("remind_date")),
});

const WRITTEN = ["webhook_id", ...HEALTH.columns, "next_date"];
const COLUMNS = list(["webhook_id", ...HEALTH.columns]);
const SELECT = statement(`SELECT ${COLUMNS} FROM webhook_health WHERE webhook_id = ANY($1::uuid[])`);
/** Locked, so that no other process changes it between this read and the write. */
const LOCK = statement(`
	SELECT ${COLUMNS} FROM webhook_health WHERE webhook_id = ANY($1::uuid[]) ORDER BY webhook_id FOR UPDATE
`);
/** What a commit has locked changes now, and is looked at again later. */
const LOCK_DUE = statement(`
	SELECT ${COLUMNS} FROM webhook_health WHERE webhook_id = ANY($1::uuid[]) AND next_date <= $2
	ORDER BY webhook_id FOR UPDATE SKIP LOCKED
`);
const SELECT_WINDOWS = statement("SELECT id, disable_after_ms FROM webhooks WHERE id = ANY($1::uuid[])");
const PUT = statement(`
	INSERT INTO webhook_health (${list(WRITTEN)}) VALUES (${placeholders(WRITTEN)})
	ON CONFLICT (webhook_id) DO UPDATE SET (${list(WRITTEN)}) = (${list(WRITTEN.map((column) => `excluded.${column}`))})
`);
const DELETE = statement("DELETE FROM webhook_health WHERE webhook_id = ANY($1::uuid[])");

type HealthByWebhook = Map<string, WebhookHealth>;

/** The health of those of these webhooks that are not healthy, by UUID. */
export async function readHealth(session: Session, webhooks: readonly string[]): Promise<HealthByWebhook> {
	return byWebhook(await session.run(SELECT, [webhooks]));
}

/** The same; the rows are locked until the transaction ends. */
export async function lockHealth(session: Session, webhooks: readonly string[]): Promise<HealthByWebhook> {
	return byWebhook(await session.run(LOCK, [webhooks]));
}

/** The same for those about which something is due to be reported. */
export async function lockDueHealth(
	session: Session,
	webhooks: readonly string[],
	at: number,
): Promise<HealthByWebhook> {
	return byWebhook(await session.run(LOCK_DUE, [webhooks, at]));
}

function byWebhook(rows: readonly Row[]): HealthByWebhook {
	return new Map(rows.map((row) => [text(row["webhook_id"]), HEALTH.read(row)]));
}

/** Writes the health of webhooks, by UUID. Of those in `atRest`, nothing is due to be reported before their next attempt. */
export async function writeHealth(
	session: Session,
	changes: Iterable<readonly [webhook: string, health: WebhookHealth]>,
	atRest: ReadonlySet<string> = new Set(),
): Promise<void> {
	const sorted = [...changes].sort(([a], [b]) => (a < b ? -1 : 1));
	const healthy = sorted.flatMap(([webhook, { failingSince }]) => (failingSince === null ? webhook : []));
	const failing = sorted.filter(([, { failingSince }]) => failingSince !== null);
	if (healthy.length > 0) await session.run(DELETE, [healthy]);
	if (failing.length === 0) return;
	const windows = await session.run(SELECT_WINDOWS, [failing.map(([webhook]) => webhook)]);
	const windowOf = new Map(windows.map((row) => [text(row["id"]), number(row["disable_after_ms"])]));
	for (const [webhook, health] of failing) {
		const window = windowOf.get(webhook);
		// Without the webhook's row there is nobody whom it could be reported about.
		if (window === undefined) continue;
		const next = atRest.has(webhook) || health.failedCount < FAILING_AFTER_FAILED ? null : reportDueAt(health, window);
		await session.run(PUT, [webhook, ...HEALTH.write(health), next]);
	}
}
