// Reads of webhooks: summaries for the directory in memory, and records with their secrets.
import type { WebhookRecord, WebhookSummary } from "../../../../ports/store/directory.ts";
import { FIRST_UUID, idOf, uuidOf, uuidsOf } from "../../codec/ids.ts";
import { text } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import { DELETE_DATE, SECRET, WEBHOOK_ROW, WEBHOOK_SUMMARY, webhookColumns } from "../../codec/webhook-rows.ts";
import type { Database } from "../../connection/database.ts";

const SELECT_SUMMARIES = statement(`
	SELECT ${webhookColumns(WEBHOOK_SUMMARY)} FROM webhooks
	WHERE id > $1 AND (
		${DELETE_DATE} IS NULL OR EXISTS (SELECT 1 FROM open_deliveries WHERE open_deliveries.webhook_id = webhooks.id)
	)
	ORDER BY id LIMIT $2
`);
const SELECT_RECORDS = statement(`SELECT ${webhookColumns(WEBHOOK_ROW)} FROM webhooks WHERE id = ANY($1::uuid[])`);
const SELECT_SECRETS = statement(
	"SELECT * FROM webhook_secrets WHERE webhook_id = ANY($1::uuid[]) ORDER BY webhook_id, number DESC",
);

/** The calls `webhookSummaries` and `webhookRecords`. */
export function createWebhookReads(database: Database) {
	return {
		webhookSummaries: (after: string | null, limit: number): Promise<WebhookSummary[]> =>
			database.read(async (session) => {
				const place = after === null ? FIRST_UUID : uuidOf("webhook", after);
				return (await session.run(SELECT_SUMMARIES, [place, limit])).map(WEBHOOK_SUMMARY.read);
			}),
		webhookRecords: (webhookIds: readonly string[]): Promise<WebhookRecord[]> =>
			database.snapshot(async (session) => {
				const ids = uuidsOf("webhook", webhookIds);
				const [records, secrets] = await Promise.all([
					session.run(SELECT_RECORDS, [ids]),
					session.run(SELECT_SECRETS, [ids]),
				]);
				const secretsOf = Map.groupBy(secrets, (row) => idOf("webhook", text(row["webhook_id"])));
				return records.map(WEBHOOK_ROW.read).map((record) => ({
					...record,
					secrets: (secretsOf.get(record.id) ?? []).map(SECRET.read),
				}));
			}),
	};
}
