// The audit log. A page of several conditions looks at a bounded number of entries: if few match, it ends early and says where.
import type { DatabaseSync } from "node:sqlite";

import { namedPrefix, type NamedPrefix } from "../../../core/access/audit-names.ts";
import type { AuditEntry } from "../../../core/access/audit.ts";
import { idTime } from "../../../core/ids.ts";
import type { Page, PageRequest } from "../../../core/page.ts";
import type { AuditFilter, AuditPage } from "../../../ports/store/audit.ts";
import { AUDIT_ENTRY } from "../codec/audit-rows.ts";
import { AFTER_ALL_IDS, BEFORE_ALL_IDS, idBytes, idText, justAfter } from "../codec/ids.ts";
import { bytes, number, type Row } from "../codec/rows.ts";
import { prepareInsert } from "../codec/statements.ts";
import type { Transact } from "../connection.ts";
import { common, idRange, mapPage, readPage, type IdRange, type Order } from "./keyset.ts";
import { createStatementCache, type Prepare } from "./statement-cache.ts";

/** Prepares the calls of `AuditStore` that write. */
export function createAuditCalls(db: DatabaseSync, transact: Transact) {
	const write = createWriteEntry(db);

	return { insertAuditEntry: (entry: AuditEntry): void => transact(() => write(entry)) };
}

/** Prepares the calls of `AuditStore` that a reader can make. */
export function createAuditReads(db: DatabaseSync) {
	return { auditEntries: createAuditPage(db) };
}

/** Prepares the writing of an entry, in the transaction of its change. Null is no entry. */
export function createWriteEntry(db: DatabaseSync, onConflict = ""): (entry: AuditEntry | null) => void {
	const insert = prepareInsert(db, "audit_entries", AUDIT_ENTRY.columns, onConflict);
	return (entry) => {
		if (entry !== null) insert.run(...AUDIT_ENTRY.write(entry));
	};
}

/** Prepares the question whether an entry names a key: as the one that has made a call, or as the object. */
export function createIsKeyInAudit(db: DatabaseSync): (keyId: string) => boolean {
	const ofCaller = db.prepare("SELECT 1 FROM audit_entries INDEXED BY audit_entries_by_key WHERE key_id = ? LIMIT 1");
	const ofObject = db.prepare(
		"SELECT 1 FROM audit_entries INDEXED BY audit_entries_by_object WHERE object_id = ? LIMIT 1",
	);
	return (keyId) => ofCaller.get(idBytes("key", keyId)) !== undefined || ofObject.get(keyId) !== undefined;
}

/** With several conditions, a page looks at this many entries of the index that it walks along: some 20 ms. */
const BUDGET = 10_000;
/** Whether there is a page on the other side is said after this many: if none of them matches, that page tells. */
const BUDGET_BEHIND = 500;

/** One `column = ?` of a filter. */
interface Condition {
	readonly column: string;
	readonly value: string | Uint8Array;
	readonly index: string;
}

function createAuditPage(db: DatabaseSync) {
	/** Each combination of four conditions, in two orders, has a statement or two. */
	const prepare = createStatementCache(db);
	const namesOf = createNamesOf(db);
	const read = createReadPage(prepare);

	return (filter: AuditFilter, request: PageRequest): AuditPage => {
		const page = read(filter, request);
		return { ...page, ...namesOf(page.rows) };
	};
}

/** Revoked ones have the name that they had. */
const ALL_KEYS = "(SELECT id, project_id, name FROM keys UNION ALL SELECT id, project_id, name FROM revoked_keys)";
/** What owns the rows of a table: an object of an entry has a name only if this is the entry's project. */
const OWNERS = {
	key: [ALL_KEYS, "project_id"],
	webhook: ["webhooks", "project_id"],
	proj: ["projects", "id"],
} as const;

/** Prepares the look-up of the names of keys, and of objects. */
function createNamesOf(db: DatabaseSync): (rows: readonly AuditEntry[]) => Omit<AuditPage, keyof Page<AuditEntry>> {
	const prepare = (prefix: NamedPrefix) => {
		const [table, owner] = OWNERS[prefix];
		return db.prepare(`SELECT name FROM ${table} WHERE id = ? AND ${owner} IS ?`);
	};
	const owned = { key: prepare("key"), webhook: prepare("webhook"), proj: prepare("proj") };
	const ofKey = db.prepare(`SELECT name FROM ${ALL_KEYS} WHERE id = ?`);
	return (rows) => {
		const keyNames = new Map<string, string>();
		for (const id of new Set(rows.map(({ keyId }) => keyId))) {
			if (id !== null) addName(keyNames, id, ofKey.get(idBytes("key", id)));
		}
		const objectNames = new Map<string, string>();
		/** Many entries are about the same object, and nearly all of a page about one project. */
		const found = new Map<string, { readonly projectId: string | null; readonly row: Row | undefined }>();
		let owner: { readonly projectId: string | null; readonly bytes: Uint8Array | null } = {
			projectId: null,
			bytes: null,
		};
		for (const entry of rows) {
			const prefix = namedPrefix(entry);
			if (prefix === null) continue;
			const { id, objectId, projectId } = entry;
			let object = found.get(objectId);
			if (object === undefined || object.projectId !== projectId) {
				if (owner.projectId !== projectId)
					owner = { projectId, bytes: projectId === null ? null : idBytes("proj", projectId) };
				object = { projectId, row: owned[prefix].get(idBytes(prefix, objectId), owner.bytes) };
				found.set(objectId, object);
			}
			addName(objectNames, id, object.row);
		}
		return { keyNames, objectNames };
	};
}

function addName(names: Map<string, string>, id: string, row: Row | undefined): void {
	const name = row?.["name"];
	if (typeof name === "string" && name !== "") names.set(id, name);
}

function createReadPage(prepare: Prepare) {
	return (filter: AuditFilter, request: PageRequest): Page<AuditEntry> => {
		const conditions = conditionsOf(filter);
		if (conditions.length > 1) return readBounded(prepare, conditions, filter, request);
		// Every entry of the index matches, so a page reads no more than it returns.
		const index = conditions[0] === undefined ? "" : `INDEXED BY ${conditions[0].index}`;
		const where = conditions.map(({ column }) => `${column} = ? AND `).join("");
		const values = conditions.map(({ value }) => value);
		const page = readPage("aud", request, idRange(filter), ({ low, high }, order, limit) =>
			prepare(`
				SELECT * FROM audit_entries ${index} WHERE ${where} id >= ? AND id < ? ORDER BY id ${order} LIMIT ?
			`).all(...values, low, high, limit),
		);
		return mapPage(page, AUDIT_ENTRY.read);
	};
}

/** Rows in order, and the last entry that was looked at if the search has stopped before it found enough. */
interface Scanned {
	readonly rows: readonly Row[];
	readonly stoppedAt: Uint8Array | null;
}

/** Reads a page of the entries that match several conditions. It ends early if few match, and says where. */
function readBounded(
	prepare: Prepare,
	conditions: readonly Condition[],
	filter: AuditFilter,
	{ cursor, limit }: PageRequest,
): Page<AuditEntry> {
	const range = idRange(filter);
	const scan = (part: IdRange, order: Order, most: number, budget: number) =>
		scanSome(prepare, conditions, { part: common(range, part), order, limit: most, budget });
	const edge = cursor === null ? AFTER_ALL_IDS : idBytes("aud", cursor.id);
	const isNewer = cursor?.direction === "newer";
	// The entry of the cursor is behind the page.
	const older = { low: BEFORE_ALL_IDS, high: edge };
	const newer = { low: justAfter(edge), high: AFTER_ALL_IDS };
	const found = isNewer ? scan(newer, "ASC", limit + 1, BUDGET) : scan(older, "DESC", limit + 1, BUDGET);
	const rows = found.rows.slice(0, limit).map(AUDIT_ENTRY.read);
	const goesOn = found.rows.length > limit || found.stoppedAt !== null;
	const behind = () =>
		isNewer
			? scan({ low: BEFORE_ALL_IDS, high: justAfter(edge) }, "DESC", 1, BUDGET_BEHIND)
			: scan({ low: edge, high: AFTER_ALL_IDS }, "ASC", 1, BUDGET_BEHIND);
	const isBehind = cursor !== null && isAny(behind());
	const stopped = found.stoppedAt === null ? {} : stopAt(found.stoppedAt);
	if (isNewer) return { rows: rows.toReversed(), hasNewer: goesOn, hasOlder: isBehind, ...stopped };
	return { rows, hasNewer: isBehind, hasOlder: goesOn, ...stopped };
}

function isAny({ rows, stoppedAt }: Scanned): boolean {
	return rows.length > 0 || stoppedAt !== null;
}

function stopAt(id: Uint8Array): Pick<Page<AuditEntry>, "stoppedAt" | "scannedTo"> {
	const stoppedAt = idText("aud", id);
	return { stoppedAt, scannedTo: idTime(stoppedAt) };
}

/** Looks at `budget` entries of the first condition's index, for up to `limit` that meet the other conditions. */
function scanSome(
	prepare: Prepare,
	conditions: readonly Condition[],
	search: { readonly part: IdRange; readonly order: Order; readonly limit: number; readonly budget: number },
): Scanned {
	const { part, order, limit, budget } = search;
	const [first, ...others] = conditions;
	if (first === undefined) return { rows: [], stoppedAt: null };
	const from = `FROM audit_entries INDEXED BY ${first.index} WHERE ${first.column} = ? AND id >= ? AND id < ?`;
	const looked = prepare(`
		SELECT count(*) AS count, ${order === "ASC" ? "max" : "min"}(id) AS last
		FROM (SELECT id ${from} ORDER BY id ${order} LIMIT ?)
	`).get(first.value, part.low, part.high, budget);
	const count = number(looked?.["count"]);
	if (looked === undefined || count === 0) return { rows: [], stoppedAt: null };
	const last = bytes(looked["last"]);
	const within = order === "ASC" ? [part.low, justAfter(last)] : [last, part.high];
	const rows = prepare(`
		SELECT * ${from} ${others.map(({ column }) => `AND ${column} = ?`).join(" ")} ORDER BY id ${order} LIMIT ?
	`).all(first.value, ...within, ...others.map(({ value }) => value), limit);
	return { rows, stoppedAt: count < budget || rows.length === limit ? null : last };
}

/** Ids of objects that no two projects have. Names of event types and ids of customers can be the same in several projects. */
const UNIQUE_ID = /^(?:[a-z]+_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|proj_[0-9a-f]{32})$/;

/**
 * The conditions of a filter. The first one usually leads to the fewest entries, and never to those of other projects: a page of a
 * project must neither take longer nor end earlier because of them.
 */
function conditionsOf({ objectId, keyId, projectId, action }: AuditFilter): Condition[] {
	const conditions: Condition[] = [];
	const add = (column: string, value: string | Uint8Array | null, index: string): void => {
		if (value !== null) conditions.push({ column, value, index });
	};
	const isUnique = objectId !== null && UNIQUE_ID.test(objectId);
	if (isUnique) add("object_id", objectId, "audit_entries_by_object");
	add("project_id", projectId === null ? null : idBytes("proj", projectId), "audit_entries_by_project");
	if (!isUnique) add("object_id", objectId, "audit_entries_by_object");
	add("key_id", keyId === null ? null : idBytes("key", keyId), "audit_entries_by_key");
	add("action", action, "audit_entries_by_action");
	return conditions;
}
