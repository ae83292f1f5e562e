// The attempts of many webhooks over time, for small charts: counts alone, without the histograms of latencies.
import type { DatabaseSync } from "node:sqlite";

import { STATS_WIDTHS_MS, type WebhookSeries } from "../../../../core/stats/stats.ts";
import type { SeriesQuery } from "../../../../ports/store/stats.ts";
import { number } from "../../codec/rows.ts";
import { ATTEMPTS_FAILED, ATTEMPTS_SUCCEEDED, increase } from "../../stats/stats-sums.ts";
import type { OwnersOf } from "./owners.ts";

/** One seek for each webhook and bucket, which finds the row or that there is none. */
export const SERIES_SQL = `
	WITH RECURSIVE starts (start) AS (SELECT ?1 UNION ALL SELECT start + ?2 FROM starts WHERE start + ?2 < ?3)
	SELECT stats.start, attempts_succeeded, attempts_failed FROM starts
	CROSS JOIN stats ON width_ms = ?2 AND stats.start = starts.start AND owner = ?4
`;

/** Prepares `webhookSeries`. */
export function createWebhookSeries(db: DatabaseSync, ownersOf: OwnersOf) {
	const select = db.prepare(SERIES_SQL);
	return ({ scope, webhookIds, width, from, to }: SeriesQuery): WebhookSeries[] => {
		const widthMs = STATS_WIDTHS_MS[width];
		const length = Math.max(0, (to - from) / widthMs);
		return webhookIds.map((webhookId) => {
			const attemptsSucceeded = Array.from<number>({ length }).fill(0);
			const attemptsFailed = Array.from<number>({ length }).fill(0);
			const add = (start: number, succeeded: number, failed: number): void => {
				const index = Math.floor((start - from) / widthMs);
				increase(attemptsSucceeded, index, succeeded);
				increase(attemptsFailed, index, failed);
			};
			for (const owner of length === 0 ? [] : ownersOf(scope, webhookId)) {
				for (const row of select.iterate(from, widthMs, to, owner.bytes)) {
					add(number(row["start"]), number(row["attempts_succeeded"]), number(row["attempts_failed"]));
				}
				for (const [minute, { counts }] of owner.recent) {
					if (minute >= from && minute < to) add(minute, counts[ATTEMPTS_SUCCEEDED] ?? 0, counts[ATTEMPTS_FAILED] ?? 0);
				}
			}
			return { webhookId, attemptsSucceeded, attemptsFailed };
		});
	};
}
