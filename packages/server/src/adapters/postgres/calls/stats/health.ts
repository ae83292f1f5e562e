// The health of webhooks, and what is due to be reported about it with time alone: found by an index, and noted in the same transaction.
import { healthReported, HEALTHY, type WebhookHealth } from "../../../../core/policies/webhook-health.ts";
import { isDeliverable } from "../../../../core/webhook.ts";
import type { HealthReport, HealthReports } from "../../../../ports/store/stats.ts";
import { idOf, uuidOf, uuidsOf } from "../../codec/ids.ts";
import { number, text } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import { WEBHOOK_STATE, webhookColumns } from "../../codec/webhook-rows.ts";
import type { Database } from "../../connection/database.ts";
import { shareProjects } from "../../connection/locks.ts";
import type { Session } from "../../connection/session.ts";
import { lockDueHealth, readHealth, writeHealth } from "../../stats/health.ts";

const SELECT_DUE = statement(`
	SELECT health.webhook_id, webhooks.project_id FROM webhook_health health JOIN webhooks ON webhooks.id = health.webhook_id
	WHERE next_date <= $1 ORDER BY next_date LIMIT $2
`);
const SELECT_WEBHOOKS = statement(`
	SELECT id, disable_after_ms, ${webhookColumns(WEBHOOK_STATE)} FROM webhooks WHERE id = ANY($1::uuid[])
`);

/** The calls about health. */
export function createHealthCalls(database: Database) {
	return {
		webhookHealth: (webhookIds: readonly string[]): Promise<WebhookHealth[]> =>
			database.read(async (session) => {
				const health = await readHealth(session, uuidsOf("webhook", webhookIds));
				return webhookIds.map((id) => health.get(uuidOf("webhook", id) ?? "") ?? HEALTHY);
			}),
		async reportHealth(at: number, limit: number): Promise<HealthReports> {
			const due = await database.read((session) => session.run(SELECT_DUE, [at, limit]));
			if (due.length === 0) return { reports: [], isLast: true };
			const webhooks = due.map((row) => text(row["webhook_id"]));
			const projects = new Set(due.map((row) => text(row["project_id"])));
			const reports = await database.transact(async (session) => {
				// So that each webhook stays deliverable, or not, until its report is noted.
				await shareProjects(session, projects);
				return report(session, webhooks, at);
			});
			return { reports, isLast: due.length < limit };
		},
	};
}

async function report(session: Session, due: readonly string[], at: number): Promise<HealthReport[]> {
	// Another process may have noted some of them meanwhile.
	const [health, rows] = await Promise.all([lockDueHealth(session, due, at), session.run(SELECT_WEBHOOKS, [due])]);
	const webhooks = new Map(rows.map((row) => [text(row["id"]), row]));
	const reports: HealthReport[] = [];
	const changes: (readonly [string, WebhookHealth])[] = [];
	const atRest = new Set<string>();
	for (const webhook of due) {
		const [before, row] = [health.get(webhook), webhooks.get(webhook)];
		if (before === undefined || row === undefined) continue;
		if (!isDeliverable(WEBHOOK_STATE.read(row))) {
			atRest.add(webhook);
			changes.push([webhook, before]);
			continue;
		}
		const disableAfterMs = number(row["disable_after_ms"]);
		const after = healthReported(before, disableAfterMs, at);
		// Also if nothing was due: the row gets its right `next_date`.
		changes.push([webhook, after]);
		if (after !== before) reports.push({ webhookId: idOf("webhook", webhook), before, after, disableAfterMs });
	}
	await writeHealth(session, changes, atRest);
	return reports;
}
