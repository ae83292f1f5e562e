// What is going on at webhooks: how many of their deliveries wait or have failed, and their last attempts. The journal of the stats, and
// the table of counts, say which delivery had the last attempt. The attempt itself is read from the log, so it is gone when the log is
// purged.
import { customerOf, projectOf, type Scope } from "../../../../core/access/principal.ts";
import type { LastAttempt, WebhookActivity } from "../../../../ports/store/stats.ts";
import { DELIVERY_COLUMNS } from "../../codec/delivery-rows.ts";
import { uuidOf } from "../../codec/ids.ts";
import { number, text, textOrNull } from "../../codec/rows.ts";
import { list, statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";
import { toLogged, withShownColumns } from "../log/logged-rows.ts";
import { readOwners } from "./owners.ts";

const NO_ACTIVITY: WebhookActivity = { deliveries: { Pending: 0, Held: 0, Failed: 0 }, lastAttempt: null };

const SELECT_COUNTS = statement(`
	SELECT owner.id, coalesce(counts.pending, 0) + coalesce(recent.pending, 0) AS pending,
		coalesce(counts.held, 0) + coalesce(recent.held, 0) AS held,
		coalesce(counts.failed, 0) + coalesce(recent.failed, 0) AS failed,
		coalesce(recent.last_attempt, counts.last_attempt) AS last_attempt
	FROM unnest($1::uuid[]) AS owner(id)
	LEFT JOIN status_counts counts ON counts.owner = owner.id
	LEFT JOIN (
		SELECT webhook_id, sum(pending) AS pending, sum(held) AS held, sum(failed) AS failed,
			(array_agg(last_attempt ORDER BY seq DESC) FILTER (WHERE last_attempt IS NOT NULL))[1] AS last_attempt
		FROM stats_journal WHERE project_id = $2 AND webhook_id = ANY($1::uuid[]) GROUP BY webhook_id
	) recent ON recent.webhook_id = owner.id
`);
const COLUMNS = list(DELIVERY_COLUMNS);
const SELECT_DELIVERIES = statement(`
	${withShownColumns(`
		SELECT ${COLUMNS} FROM open_deliveries WHERE id = ANY($1::uuid[])
		UNION ALL SELECT ${COLUMNS} FROM deliveries WHERE id = ANY($1::uuid[])
	`)}
	WHERE $2::text IS NULL OR NOT EXISTS (
		SELECT 1 FROM event_types t WHERE t.project_id = $3 AND t.name = delivery.event_type AND t.visibility = 1
	)
`);

/** The call `webhookActivity`. */
export function createWebhookActivity(database: Database) {
	return (scope: Scope, webhookIds: readonly string[]): Promise<WebhookActivity[]> =>
		database.snapshot(async (session) => {
			const found = await readOwners(session, scope, webhookIds);
			if (found === null) return webhookIds.map(() => NO_ACTIVITY);
			const rows = await session.run(SELECT_COUNTS, [found.owners, found.project]);
			const attempts = await readLastAttempts(
				session,
				scope,
				rows.flatMap((row) => textOrNull(row["last_attempt"]) ?? []),
			);
			const activities = new Map(
				rows.map((row) => [
					text(row["id"]),
					{
						deliveries: {
							Pending: number(row["pending"]),
							Held: number(row["held"]),
							Failed: number(row["failed"]),
						},
						lastAttempt: attempts.get(textOrNull(row["last_attempt"]) ?? "") ?? null,
					},
				]),
			);
			return webhookIds.map((id) => activities.get(uuidOf("webhook", id) ?? "") ?? NO_ACTIVITY);
		});
}

/** The last attempts of deliveries, by the UUID of the delivery, as far as the scope sees them. */
async function readLastAttempts(
	session: Session,
	scope: Scope,
	deliveries: readonly string[],
): Promise<Map<string, LastAttempt>> {
	if (deliveries.length === 0) return new Map();
	const values = [deliveries, customerOf(scope), uuidOf("proj", projectOf(scope))];
	const rows = await session.run(SELECT_DELIVERIES, values);
	return new Map(
		rows.flatMap((row) => {
			const { id: deliveryId, lastAttempt } = toLogged(row);
			if (lastAttempt === null) return [];
			const { startDate, responseCode, error, cause } = lastAttempt;
			return [[text(row["id"]), { deliveryId, startDate, responseCode, error, cause }] as const];
		}),
	);
}
