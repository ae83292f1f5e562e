// The list of audit entries. A page of several conditions looks at a bounded number of entries: if few match, it ends early and says where.
import { namedPrefix, type NamedPrefix } from "../../../core/access/audit-names.ts";
import type { AuditEntry } from "../../../core/access/audit.ts";
import type { Page, PageRequest } from "../../../core/page.ts";
import type { AuditFilter, AuditPage } from "../../../ports/store/audit.ts";
import { binaryArray } from "../codec/arrays.ts";
import { AUDIT_ENTRY } from "../codec/audit-rows.ts";
import { idOf, uuidOf, uuidRange, uuidsOf, uuidTime } from "../codec/ids.ts";
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
				return { ...page, rows: entries, ...(await namesOf(session, entries)), ...stopped };
			}),
	};
}

/** What has a name, and the UUID of the project that owns it; null for the workspace. A project owns itself. */
interface Named {
	readonly name: string;
	readonly owner: string | null;
}

/** Revoked keys have the name that they had. */
const ALL_KEYS =
	"(SELECT id, project_id, name FROM keys UNION ALL SELECT id, project_id, name FROM revoked_keys) AS keys";
const OWNERS = {
	key: [ALL_KEYS, "project_id"],
	webhook: ["webhooks", "project_id"],
	proj: ["projects", "id"],
} as const;

/** The names of keys, and of objects that belong to the entry's project. */
async function namesOf(
	session: Session,
	entries: readonly AuditEntry[],
): Promise<Omit<AuditPage, keyof Page<AuditEntry>>> {
	const keyIds = new Set(entries.flatMap(({ keyId }) => keyId ?? []));
	const ids = { key: new Set(keyIds), webhook: new Set<string>(), proj: new Set<string>() };
	for (const entry of entries) {
		const prefix = namedPrefix(entry);
		if (prefix !== null) ids[prefix].add(entry.objectId);
	}
	const [key, webhook, proj] = await Promise.all([
		findNamed(session, "key", ids.key),
		findNamed(session, "webhook", ids.webhook),
		findNamed(session, "proj", ids.proj),
	]);
	const named = { key, webhook, proj };
	/** The UUID of each entry's project: a text of another form owns nothing. */
	const owners = new Map<string | null, string | null>([[null, null]]);
	for (const { projectId } of entries) {
		if (projectId !== null && !owners.has(projectId)) owners.set(projectId, uuidOf("proj", projectId) ?? "");
	}
	const keyNames = new Map<string, string>();
	for (const keyId of keyIds) {
		const key = named.key.get(keyId);
		if (key !== undefined) keyNames.set(keyId, key.name);
	}
	const objectNames = new Map<string, string>();
	for (const entry of entries) {
		const prefix = namedPrefix(entry);
		const object = prefix === null ? undefined : named[prefix].get(entry.objectId);
		if (object !== undefined && object.owner === owners.get(entry.projectId)) objectNames.set(entry.id, object.name);
	}
	return { keyNames, objectNames };
}

/** Those of these ids that have a name. */
async function findNamed(
	session: Session,
	prefix: NamedPrefix,
	ids: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Named>> {
	const uuids = uuidsOf(prefix, [...ids]);
	if (uuids.length === 0) return new Map();
	const [table, owner] = OWNERS[prefix];
	const sql = `SELECT id, ${owner} AS owner, name FROM ${table} WHERE id = ANY($1::uuid[]) AND name <> ''`;
	const rows = await session.query(sql, [binaryArray("uuid", uuids)]);
	const named = new Map<string, Named>();
	for (const row of rows) {
		const ownerId = row["owner"] === null ? null : text(row["owner"]);
		named.set(idOf(prefix, text(row["id"])), { name: text(row["name"]), owner: ownerId });
	}
	return named;
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
