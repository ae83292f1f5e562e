// The list of audit entries. A page of several conditions looks at a bounded number of entries: if few match, it ends early and says where.
import type { AuditEntry } from "../../../core/access/audit.ts";
import type { PageRequest } from "../../../core/page.ts";
import type { AuditFilter, AuditPage } from "../../../ports/store/audit.ts";
import { binaryArray } from "../codec/arrays.ts";
import { AUDIT_ENTRY } from "../codec/audit-rows.ts";
import { idOf, uuidOf, uuidRange, uuidsOf, uuidTime, type StoredPrefix } from "../codec/ids.ts";
import { text } from "../codec/rows.ts";
import type { Database } from "../connection/database.ts";
import type { Session } from "../connection/session.ts";
import { partConditions, readPage, type Part, type Scanned } from "./keyset.ts";

/** With several conditions, a page looks at this many entries of the index that it walks along. */
const BUDGET = 10_000;

/** One `column = …` of a filter. */
interface Condition {
	readonly column: string;
	readonly value: string | null;
}

/** The calls of `AuditStore` that read. */
export function createAuditReads(database: Database) {
	return {
		auditEntries: (filter: AuditFilter, request: PageRequest): Promise<AuditPage> =>
			database.snapshot(async (session) => {
				const conditions = conditionsOf(filter);
				const { rows, stoppedAt, ...page } = await readPage("aud", request, uuidRange(filter), (part) =>
					scan(session, conditions, part),
				);
				const stopped =
					stoppedAt === undefined ? {} : { stoppedAt: idOf("aud", stoppedAt), scannedTo: uuidTime(stoppedAt) };
				const entries = rows.map(AUDIT_ENTRY.read);
				return { ...page, rows: entries, names: await namesOf(session, entries), ...stopped };
			}),
	};
}

/** What is called by a name that entries have the id of. */
async function namesOf(session: Session, entries: readonly AuditEntry[]): Promise<ReadonlyMap<string, string>> {
	const ids = [...new Set(entries.flatMap(({ keyId, objectId }) => [keyId ?? objectId, objectId]))];
	const namesIn = async (prefix: StoredPrefix, table: "keys" | "webhooks" | "projects") => {
		const uuids = uuidsOf(prefix, ids);
		if (uuids.length === 0) return [];
		const sql = `SELECT id, name FROM ${table} WHERE id = ANY($1::uuid[]) AND name <> ''`;
		const rows = await session.query(sql, [binaryArray("uuid", uuids)]);
		return rows.map((row) => [idOf(prefix, text(row["id"])), text(row["name"])] as const);
	};
	const keys = await namesIn("key", "keys");
	const webhooks = await namesIn("webhook", "webhooks");
	const projects = await namesIn("proj", "projects");
	return new Map([...keys, ...webhooks, ...projects]);
}

/** Looks at entries of the first condition's index, in order, for those that meet the other conditions. */
async function scan(session: Session, [first, ...others]: readonly Condition[], part: Part): Promise<Scanned> {
	const values: unknown[] = [];
	const equals = ({ column, value }: Condition) => `${column} = $${values.push(value)}`;
	const along = [...(first === undefined ? [] : [equals(first)]), partConditions(part, values)].join(" AND ");
	const order = `ORDER BY id ${part.order}`;
	if (others.length === 0) {
		const rows = await session.query(
			`SELECT * FROM audit_entries WHERE ${along} ${order} LIMIT $${values.push(part.limit)}`,
			values,
		);
		return { rows, stoppedAt: null };
	}
	const budget = `$${values.push(BUDGET)}`;
	const rows = await session.query(
		`
			WITH looked AS MATERIALIZED (SELECT * FROM audit_entries WHERE ${along} ${order} LIMIT ${budget}),
				last AS (SELECT id AS stopped_at FROM looked ORDER BY id ${part.order === "ASC" ? "DESC" : "ASC"} LIMIT 1),
				size AS (SELECT count(*) AS size FROM looked)
			SELECT looked.*, last.stopped_at, size.size FROM last CROSS JOIN size LEFT JOIN (
				SELECT * FROM looked WHERE ${others.map(equals).join(" AND ")} ${order} LIMIT $${values.push(part.limit)}
			) looked ON TRUE ${order}
		`,
		values,
	);
	const found = rows.filter((row) => row["id"] !== null);
	const isCut = rows[0] !== undefined && rows[0]["size"] === BUDGET && found.length < part.limit;
	return { rows: found, stoppedAt: isCut ? text(rows[0]?.["stopped_at"]) : null };
}

/** Ids of objects that no two projects have. Names of event types and ids of customers can be the same in several projects. */
const UNIQUE_ID = /^(?:[a-z]+_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|proj_[0-9a-f]{32})$/;

/**
 * The conditions of a filter. The first one usually leads to the fewest entries, and never to those of other projects: a page of a
 * project must neither take longer nor end earlier because of them.
 */
function conditionsOf({ objectId, keyId, projectId, action }: AuditFilter): Condition[] {
	const conditions: Condition[] = [];
	const isUnique = objectId !== null && UNIQUE_ID.test(objectId);
	const object = objectId === null ? [] : [{ column: "object_id", value: objectId }];
	if (isUnique) conditions.push(...object);
	if (projectId !== null) conditions.push({ column: "project_id", value: uuidOf("proj", projectId) });
	if (!isUnique) conditions.push(...object);
	if (keyId !== null) conditions.push({ column: "key_id", value: uuidOf("key", keyId) });
	if (action !== null) conditions.push({ column: "action", value: action });
	return conditions;
}
