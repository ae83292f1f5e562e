// The list of a project's webhooks, found by any combination of filters. A page looks at a bounded number of webhooks: if few of them
// match, it ends early and says where.
import { customerOf, projectOf, type Scope } from "../../../../core/access/principal.ts";
import type { Page, PageRequest } from "../../../../core/page.ts";
import type { Webhook } from "../../../../core/webhook.ts";
import type { WebhookFilter } from "../../../../ports/store/directory.ts";
import { FIRST_UUID, idOf, uuidOf, uuidTime } from "../../codec/ids.ts";
import { number, text, type Row } from "../../codec/rows.ts";
import { statement } from "../../codec/statements.ts";
import { WEBHOOK } from "../../codec/webhook-rows.ts";
import type { Database } from "../../connection/database.ts";
import type { Session } from "../../connection/session.ts";
import { partConditions, readPage, type Part, type Scanned } from "../keyset.ts";
import { hasProject } from "./change.ts";
import { isInternal } from "./event-types.ts";
import { webhookTests, type WebhookTest } from "./webhook-filter.ts";

/** A page looks at this many webhooks, or at those with this many bytes in what the filter compares. */
const BUDGET = 10_000;
const BUDGET_BYTES = 8 * 1_024 * 1_024;
/** Webhooks that are looked at at once. The largest have 28 KB of metadata. */
const CHUNK = 500;

const SELECT_WITH_KEY = statement(
	"SELECT id FROM webhooks WHERE project_id = $1 AND key = $2 AND key IS NOT NULL AND delete_date IS NULL",
);
const SELECT_SHOWN = statement("SELECT * FROM webhooks WHERE id = ANY($1::uuid[])");

const NO_ROWS = { rows: [], hasNewer: false, hasOlder: false };

interface Owner {
	readonly project: string | null;
	readonly customerId: string | null;
	readonly withRelays: boolean;
	/** The only webhook that may match; null if it may be any. */
	readonly only: string | null;
}

/** The call `webhooks`. */
export function createWebhookPage(database: Database) {
	return (scope: Scope, filter: WebhookFilter, request: PageRequest): Promise<Page<Webhook>> =>
		database.snapshot(async (session) => {
			const project = uuidOf("proj", projectOf(scope));
			const customerId = customerOf(scope) ?? filter.customerId;
			if ((filter.customerId ?? customerId) !== customerId) return NO_ROWS;
			if (!(await hasProject(session, project))) return NO_ROWS;
			const only = filter.key === null ? null : await withKey(session, project, filter.key);
			if (filter.key !== null && only === null) return NO_ROWS;
			// To a customer, an internal type is one that does not exist.
			const { eventType } = filter;
			const isHidden =
				eventType !== null && scope.kind === "project" && (await isInternal(session, project, eventType));
			const tests = webhookTests(filter, isHidden);
			const owner = { project, customerId, withRelays: filter.withRelays ?? false, only };
			const { stoppedAt, ...page } = await readPage("webhook", request, { low: FIRST_UUID, high: null }, (part) =>
				scan(session, owner, tests, part),
			);
			const ids = page.rows.map((row) => text(row["id"]));
			const shown = new Map((await session.run(SELECT_SHOWN, [ids])).map((row) => [text(row["id"]), row]));
			const rows = ids
				.flatMap((id): Row[] => {
					const row = shown.get(id);
					return row === undefined ? [] : [row];
				})
				.map(WEBHOOK.read);
			const stopped =
				stoppedAt === undefined ? {} : { stoppedAt: idOf("webhook", stoppedAt), scannedTo: uuidTime(stoppedAt) };
			return { ...page, rows, ...stopped };
		});
}

async function withKey(session: Session, project: string | null, key: string): Promise<string | null> {
	const [row] = await session.run(SELECT_WITH_KEY, [project, key]);
	return row === undefined ? null : text(row["id"]);
}

/** Finds the ids of up to `part.limit` webhooks, in order, and looks at about `BUDGET` of them. */
async function scan(session: Session, owner: Owner, tests: readonly WebhookTest[], part: Part): Promise<Scanned> {
	const found: Row[] = [];
	let rest = part;
	for (let [looked, size] = [0, 0]; ;) {
		const rows = await readChunk(session, owner, tests, rest);
		const last = rows.at(-1);
		if (last === undefined) return { rows: found, stoppedAt: null };
		for (const row of rows) {
			size += number(row["compared_bytes"]);
			if (row["is_hit"] === true && tests.every(({ matches }) => matches(row))) found.push(row);
			if (found.length === part.limit) return { rows: found, stoppedAt: null };
		}
		looked += rows.length;
		const lastId = text(last["id"]);
		if (rows.length < CHUNK) return { rows: found, stoppedAt: null };
		if (looked >= BUDGET || size >= BUDGET_BYTES) return { rows: found, stoppedAt: lastId };
		rest = part.order === "ASC" ? { ...rest, above: lastId } : { ...rest, below: lastId };
	}
}

/** The next webhooks of a part, and what the filter compares of those that SQL has not ruled out. */
function readChunk(
	session: Session,
	{ project, customerId, withRelays, only }: Owner,
	tests: readonly WebhookTest[],
	part: Part,
): Promise<readonly Row[]> {
	const values: unknown[] = [project];
	const place = (value: unknown) => `$${values.push(value)}`;
	// Deleted ones count as looked at: a customer may have any number of them.
	const owner =
		customerId === null
			? "webhook.project_id = $1 AND webhook.delete_date IS NULL"
			: `webhook.project_id = $1 AND webhook.customer_id = ${place(customerId)}`;
	const within = only === null ? "" : `AND webhook.id = ${place(only)}`;
	const columns = [...new Set(tests.flatMap((test) => test.columns))];
	const lengths = ["0", ...columns.map((column) => `coalesce(octet_length(webhook.${column}), 0)`)].join(" + ");
	const conditions = [
		"webhook.delete_date IS NULL",
		...(withRelays ? [] : ["webhook.endpoint NOT LIKE 'relay:%'"]),
		...tests.map(({ sql }) => `(${sql(place)})`),
	].join(" AND ");
	const shown = columns.map((column) => `CASE WHEN looked.is_hit THEN looked.${column} END AS ${column}`);
	return session.query(
		`
			SELECT ${["id", "is_hit", "bytes", "compared_bytes", ...shown].join(", ")} FROM (
				SELECT webhook.id, ${[...columns.map((column) => `webhook.${column}`), `webhook.written_bytes AS bytes, (${lengths}) AS compared_bytes`].join(", ")},
					(${conditions}) AS is_hit
				FROM webhooks webhook LEFT JOIN webhook_health health ON health.webhook_id = webhook.id
				WHERE ${owner} ${within} AND ${partConditions(part, values, "webhook.id")}
				ORDER BY webhook.id ${part.order} LIMIT ${CHUNK}
			) looked ORDER BY id ${part.order}
		`,
		values,
	);
}
