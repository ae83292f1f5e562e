// The attempts of many webhooks over time, for small charts: counts alone, without the histograms of latencies.
import { STATS_WIDTHS_MS, type WebhookSeries } from "../../../../core/stats/stats.ts";
import type { SeriesQuery } from "../../../../ports/store/stats.ts";
import { uuidOf } from "../../codec/ids.ts";
import { number, text } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";
import { readOwners } from "./owners.ts";

const SELECT = statement(`
	SELECT owner, start, attempts_succeeded, attempts_failed FROM stats
	WHERE owner = ANY($1::uuid[]) AND width_ms = $2 AND start >= $3 AND start < $4
	UNION ALL
	SELECT webhook_id, minute, sum(attempts_succeeded), sum(attempts_failed) FROM stats_journal
	WHERE project_id = $5 AND webhook_id = ANY($1::uuid[]) AND minute >= $3 AND minute < $4 GROUP BY webhook_id, minute
`);

/** The call `webhookSeries`. */
export function createWebhookSeries(database: Database) {
	return ({ scope, webhookIds, width, from, to }: SeriesQuery): Promise<WebhookSeries[]> =>
		database.snapshot(async (session) => {
			const widthMs = STATS_WIDTHS_MS[width];
			const length = Math.max(0, (to - from) / widthMs);
			const zeros = () => Array.from<number>({ length }).fill(0);
			const series = webhookIds.map((webhookId) => ({
				webhookId,
				attemptsSucceeded: zeros(),
				attemptsFailed: zeros(),
			}));
			const found = length === 0 ? null : await readOwners(session, scope, webhookIds);
			if (found === null) return series;
			const byUuid = Map.groupBy(series, ({ webhookId }) => uuidOf("webhook", webhookId));
			for (const row of await session.run(SELECT, [found.owners, widthMs, from, to, found.project])) {
				const index = Math.floor((number(row["start"]) - from) / widthMs);
				for (const { attemptsSucceeded, attemptsFailed } of byUuid.get(text(row["owner"])) ?? []) {
					attemptsSucceeded[index] = (attemptsSucceeded[index] ?? 0) + number(row["attempts_succeeded"]);
					attemptsFailed[index] = (attemptsFailed[index] ?? 0) + number(row["attempts_failed"]);
				}
			}
			return series;
		});
}
