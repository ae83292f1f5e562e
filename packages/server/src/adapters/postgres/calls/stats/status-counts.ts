// How many deliveries are in each status: the counts that were rolled up, and those that are still in the journal.
import { customerOf, projectOf, type Scope } from "../../../../core/access/principal.ts";
import type { DeliveryStatus } from "../../../../core/delivery.ts";
import { FIRST_UUID, uuidOf } from "../../codec/ids.ts";
import { number } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";

const COUNTS = `
	coalesce(sum(pending), 0)::bigint AS pending, coalesce(sum(succeeded), 0)::bigint AS succeeded,
	coalesce(sum(failed), 0)::bigint AS failed, coalesce(sum(held), 0)::bigint AS held,
	coalesce(sum(cancelled), 0)::bigint AS cancelled
`;
const JOURNAL = "SELECT pending, succeeded_count AS succeeded, failed, held, cancelled FROM stats_journal";
const TABLE = "SELECT pending, succeeded, failed, held, cancelled FROM status_counts";
const SELECT_PROJECT = statement(`
	SELECT ${COUNTS} FROM (${TABLE} WHERE owner = $1 UNION ALL ${JOURNAL} WHERE project_id = $1) counts
`);
/** Counts of one webhook of a project (of all if null), and of one customer (of anybody if null). */
const SELECT_WEBHOOKS = statement(`
	WITH wanted AS MATERIALIZED (
		SELECT id FROM webhooks WHERE project_id = $1 AND ($2::uuid IS NULL OR id = $2) AND ($3::text IS NULL OR customer_id = $3)
	)
	SELECT ${COUNTS} FROM (
		${TABLE} WHERE owner IN (SELECT id FROM wanted)
		UNION ALL
		${JOURNAL} WHERE project_id = $1 AND webhook_id IN (SELECT id FROM wanted)
	) counts
`);

/** The call `statusCounts`. */
export function createStatusCounts(database: Database) {
	return (scope: Scope, webhookId: string | null): Promise<Record<DeliveryStatus, number>> =>
		database.read(async (session) => {
			const [project, customer] = [uuidOf("proj", projectOf(scope)), customerOf(scope)];
			const isWhole = webhookId === null && customer === null;
			const [row] = isWhole
				? await session.run(SELECT_PROJECT, [project])
				: await session.run(SELECT_WEBHOOKS, [
						project,
						webhookId === null ? null : (uuidOf("webhook", webhookId) ?? NO_WEBHOOK),
						customer,
					]);
			return {
				Pending: number(row?.["pending"]),
				Succeeded: number(row?.["succeeded"]),
				Failed: number(row?.["failed"]),
				Held: number(row?.["held"]),
				Cancelled: number(row?.["cancelled"]),
			};
		});
}

/** In place of a text that is no id of a webhook: no row has it. */
const NO_WEBHOOK = FIRST_UUID;
