// What is due to be reported about the health of webhooks with time alone: found by an index, and noted in the same transaction.
import type { DatabaseSync } from "node:sqlite";

import { healthReported } from "../../../core/policies/webhook-health.ts";
import { isDeliverable } from "../../../core/webhook.ts";
import type { HealthReport, HealthReports } from "../../../ports/store/stats.ts";
import { number } from "../codec/rows.ts";
import { WEBHOOK_STATE, webhookColumns } from "../codec/webhook-rows.ts";
import type { Transact } from "../connection.ts";
import type { Numbers } from "../deliveries/numbers.ts";
import { HealthChanges, type HealthTable } from "./health-table.ts";

/** Prepares `StatsStore.reportHealth`. If nothing is due, it only reads one entry of an index. */
export function createReportHealth(db: DatabaseSync, numbers: Numbers, transact: Transact, health: HealthTable) {
	const select = db.prepare(`
		SELECT webhook FROM webhook_health INDEXED BY webhook_health_due
		WHERE next_date <= ? ORDER BY next_date LIMIT ?
	`);
	const selectWebhook = db.prepare(
		`SELECT disable_after_ms, ${webhookColumns(WEBHOOK_STATE)} FROM webhooks WHERE number = ?`,
	);

	/** Notes in `changes` what is due about one webhook. Null if nothing is to be said. */
	const report = (webhook: number, at: number, changes: HealthChanges): HealthReport | null => {
		const row = selectWebhook.get(webhook);
		if (row === undefined || !isDeliverable(WEBHOOK_STATE.read(row))) {
			changes.rest(webhook);
			return null;
		}
		const disableAfterMs = number(row["disable_after_ms"]);
		const before = health.of(webhook);
		const after = healthReported(before, disableAfterMs, at);
		// Also if nothing was due: the row gets its right `next_date`.
		changes.reported(webhook, after);
		if (after === before) return null;
		return { webhookId: numbers.webhooks.at(webhook).id, before, after, disableAfterMs };
	};

	return (at: number, limit: number): HealthReports => {
		const due = select.all(at, limit);
		if (due.length === 0) return { reports: [], isLast: true };
		const changes = new HealthChanges(health);
		const reports = transact(() => {
			const reports = due.map((row) => report(number(row["webhook"]), at, changes));
			health.write(changes);
			return reports.filter((each) => each !== null);
		});
		health.apply(changes);
		return { reports, isLast: due.length < limit };
	};
}
