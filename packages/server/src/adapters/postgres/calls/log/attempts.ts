// The attempts of a delivery, in pages, with the endpoints that were called.
import { customerOf, projectOf, type Scope } from "../../../../core/access/principal.ts";
import type { Page, PageRequest } from "../../../../core/page.ts";
import type { LoggedAttempt } from "../../../../ports/store/log.ts";
import { toAttempt } from "../../codec/attempt-rows.ts";
import { uuidOf } from "../../codec/ids.ts";
import { number, text, type Row } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";

/** A page ends early when its texts are longer than this. */
const MAX_PAGE_SIZE = 4 * 1_024 * 1_024;
const NO_ROWS = { rows: [], hasNewer: false, hasOlder: false };

const SELECT_WEBHOOK = statement(`
	SELECT delivery.webhook_id FROM (
		SELECT id, project_id, webhook_id, event_type FROM open_deliveries WHERE id = $1
		UNION ALL SELECT id, project_id, webhook_id, event_type FROM deliveries WHERE id = $1
	) delivery
	WHERE delivery.project_id = $2 AND ($3::text IS NULL OR (
		EXISTS (SELECT 1 FROM webhooks w WHERE w.id = delivery.webhook_id AND w.customer_id = $3)
		AND NOT EXISTS (SELECT 1 FROM event_types t WHERE t.project_id = $2 AND t.name = delivery.event_type AND t.visibility = 1)
	))
`);
const SELECT_VERSIONS = statement(
	"SELECT revision, endpoint FROM webhook_versions WHERE webhook_id = $1 ORDER BY revision DESC",
);
/** The sizes add up before a text is read, so that a page never has more than one row beyond its end. */
const select = (comparison: string, order: string) =>
	statement(`
		SELECT number, attempt FROM (
			SELECT number, attempt, sum(octet_length(attempt)) OVER (ORDER BY number ${order}) - octet_length(attempt) AS before
			FROM (
				SELECT number, attempt FROM attempts WHERE delivery_id = $1 AND number ${comparison} $2 ORDER BY number ${order} LIMIT $3
			) page
		) sized WHERE before <= ${MAX_PAGE_SIZE} ORDER BY number ${order}
	`);
const SELECT_OLDER = select("<", "DESC");
const SELECT_NEWER = select(">", "ASC");
const EXISTS_OLDER = select("<=", "DESC");
const EXISTS_NEWER = select(">=", "ASC");
const COUNT = statement("SELECT min(number) AS first, max(number) AS last FROM attempts WHERE delivery_id = $1");
const HIGHEST = 2 ** 31 - 1;

/** The call `attempts`. The numbers of a delivery's attempts are the cursors. */
export function createAttemptPage(database: Database) {
	return (scope: Scope, deliveryId: string, { limit, cursor }: PageRequest): Promise<Page<LoggedAttempt>> =>
		database.snapshot(async (session) => {
			const id = uuidOf("dlv", deliveryId);
			const [found] = await session.run(SELECT_WEBHOOK, [id, uuidOf("proj", projectOf(scope)), customerOf(scope)]);
			if (found === undefined) return NO_ROWS;
			const isNewer = cursor?.direction === "newer";
			const edge = cursor === null ? HIGHEST : Number(cursor.id);
			const [endpointAt, rows, behind, [ends]] = await Promise.all([
				readEndpoints(session, text(found["webhook_id"])),
				session.run(isNewer ? SELECT_NEWER : SELECT_OLDER, [id, edge, limit]),
				cursor === null ? [] : session.run(isNewer ? EXISTS_OLDER : EXISTS_NEWER, [id, edge, 1]),
				session.run(COUNT, [id]),
			]);
			const attempts = rows.map((row) => toLogged(row, endpointAt));
			const last = rows.at(-1);
			const goesOn = last !== undefined && last["number"] !== ends?.[isNewer ? "last" : "first"];
			const isBehind = behind.length > 0;
			if (isNewer) return { rows: attempts.toReversed(), hasNewer: goesOn, hasOlder: isBehind };
			return { rows: attempts, hasNewer: isBehind, hasOlder: goesOn };
		});
}

type EndpointAt = (revision: number) => string | null;

async function readEndpoints(session: Session, webhook: string): Promise<EndpointAt> {
	const versions = await session.run(SELECT_VERSIONS, [webhook]);
	return (revision) => {
		const found = versions.find((row) => number(row["revision"]) <= revision);
		return found === undefined ? null : text(found["endpoint"]);
	};
}

function toLogged(row: Row, endpointAt: EndpointAt): LoggedAttempt {
	const attempt = toAttempt(text(row["attempt"]));
	const { webhookRevision } = attempt;
	return { ...attempt, endpoint: webhookRevision === null ? null : endpointAt(webhookRevision) };
}
