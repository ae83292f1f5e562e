// Erases the data of a deleted webhook whose customer is being deleted: the responses of its receiver, then the texts in its record. Its
// deliveries and attempts stay in the log, and belong to nobody.
import { FIRST_UUID } from "../../codec/ids.ts";
import { text } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Session } from "../../connection/session.ts";
import type { StatsChanges } from "../../stats/journal.ts";
import { withoutResponse } from "../erased.ts";
import { Responses } from "../retention/responses.ts";
import { LOOK_COST } from "../retention/walk.ts";

export interface ErasedWebhook {
	/** The UUID of the last delivery that is done; null if none is. */
	readonly through: string | null;
	/** Deliveries that were looked at. */
	readonly count: number;
	/** Whether nothing is left. */
	readonly done: boolean;
}

export interface WebhookStep {
	readonly through: string | null;
	readonly limit: number;
	readonly at: number;
}

const SELECT_WAITING = statement("SELECT 1 FROM open_deliveries WHERE webhook_id = $1 LIMIT 1");
const MARK = statement("UPDATE webhooks SET erased = TRUE WHERE id = $1 AND NOT erased");
/** Locked: an attempt that ends meanwhile is written before, or finds the mark. */
const LOCK_DELIVERIES = statement(`
	SELECT id, project_id FROM deliveries WHERE webhook_id = $1 AND id > $2 ORDER BY id LIMIT $3 FOR UPDATE
`);
const DETACH_REPLAYS = statement(`
	UPDATE replays SET customer_id = NULL WHERE id IN (
		SELECT id FROM replays WHERE webhook_id = $1 AND customer_id IS NOT NULL ORDER BY id LIMIT $2
	)
`);
/** Everything that people have written into it. Its id, dates and numbers stay. */
const ERASE_RECORD = [
	"DELETE FROM webhook_secrets WHERE webhook_id = ANY($1::uuid[])",
	"DELETE FROM resealed WHERE webhook_id = ANY($1::uuid[])",
	"DELETE FROM webhook_versions WHERE webhook_id = ANY($1::uuid[])",
	"DELETE FROM webhook_health WHERE webhook_id = ANY($1::uuid[])",
	`UPDATE webhooks SET customer_id = NULL, name = '', description = NULL, endpoint = '', event_types = NULL, metadata = '{}',
		disabled_reason = NULL, header_names = '[]', sealed_headers = NULL, secret_hint = '', key = NULL
	WHERE id = ANY($1::uuid[])`,
].map(statement);

/** Erases what people have written into webhooks. Nothing of them may wait. */
export async function eraseRecords(session: Session, webhooks: readonly string[]): Promise<void> {
	for (const erase of ERASE_RECORD) await session.run(erase, [webhooks]);
}

/**
 * Makes a step. Does nothing while the webhook has deliveries that wait: they are cancelled elsewhere. From the first step on, no
 * response is stored any more.
 */
export async function eraseWebhook(
	session: Session,
	webhook: string,
	{ through, limit, at }: WebhookStep,
	stats: StatsChanges,
): Promise<ErasedWebhook | "waiting"> {
	if (through === null && (await session.run(SELECT_WAITING, [webhook])).length > 0) return "waiting";
	const most = Math.ceil(limit);
	await session.run(MARK, [webhook]);
	const rows = await session.run(LOCK_DELIVERIES, [webhook, through ?? FIRST_UUID, most]);
	const ids = rows.map((row) => text(row["id"]));
	const responses = await Responses.read(session, ids, withoutResponse);
	let [last, cost, count] = [through, 0, 0];
	for (const row of rows) {
		if (cost >= limit) break;
		last = text(row["id"]);
		const erased = responses.erase(last);
		stats.storedBytes(text(row["project_id"]), at, -erased.bytes);
		cost += LOOK_COST + erased.count;
		count += 1;
	}
	await responses.write(session);
	if (count === most || count < rows.length) return { through: last, count, done: false };
	if ((await session.change(DETACH_REPLAYS, [webhook, most])) === most) return { through: last, count, done: false };
	await eraseRecords(session, [webhook]);
	return { through: last, count, done: true };
}
