// A database as the target of a transfer: it is filled in steps, each of which is a transaction that also says how far the transfer is. It
// becomes a store with its last transaction, which writes the workspace. Begin here.
import type { Clock } from "../../../core/clock.ts";
import { StoreError } from "../../../ports/store/errors.ts";
import { PART_NAMES, type PartName, type TransferRows } from "../../../ports/store/transfer/rows.ts";
import type {
	BeginOptions,
	RowCounts,
	TransferHead,
	TransferPosition,
	TransferTarget,
} from "../../../ports/store/transfer/transfer.ts";
import { idOf, uuidOf } from "../codec/ids.ts";
import { boolean, number, text } from "../codec/rows.ts";
import { insertInto, statement } from "../codec/statements.ts";
import { IDENTITY } from "../codec/workspace-rows.ts";
import { Database, type DatabaseOptions } from "../connection/database.ts";
import { sqlState, toStoreError } from "../connection/errors.ts";
import type { Session } from "../connection/session.ts";
import { lock, migrate, requireOwnSchema } from "../schema/migrate.ts";
import { Partitions } from "../schema/partitions.ts";
import { LOG_PARTS, PARTITION_KEYS } from "./log-parts.ts";
import { RECORD_PARTS, type WritePart } from "./record-parts.ts";
import { CREATE, DROP, readUnfinished, type Unfinished } from "./unfinished.ts";

const PARTS: { readonly [Name in PartName]: WritePart<Name> } = { ...RECORD_PARTS, ...LOG_PARTS };

/** Where the rows of a part are. */
const TABLES: Readonly<Record<PartName, readonly string[]>> = {
	projects: ["projects"],
	keys: ["keys"],
	keyUses: ["key_uses"],
	webhooks: ["webhooks"],
	webhookSecrets: ["webhook_secrets"],
	webhookVersions: ["webhook_versions"],
	webhookHealth: ["webhook_health"],
	eventTypes: ["event_types"],
	customers: ["customers"],
	customerDeletions: ["customer_deletions"],
	sessions: ["sessions"],
	signInLinks: ["sign_in_links"],
	portalSessions: ["portal_sessions"],
	relays: ["relays"],
	auditEntries: ["audit_entries"],
	revokedKeys: ["revoked_keys"],
	replays: ["replays"],
	events: ["events"],
	idempotencyKeys: ["idempotency_keys"],
	deliveries: ["open_deliveries", "deliveries"],
	attempts: ["attempts"],
	erasures: ["erasures"],
	stats: ["stats"],
	statsChanges: ["stats_journal"],
	statusCounts: ["status_counts"],
	storedBytes: ["stored_bytes"],
};
/** Those that follow from the rows of a part, too. */
const ALL_TABLES = [...Object.values(TABLES).flat(), "event_customers", "event_tags", "resealed", "leads"];

/**
 * Connects to the database and migrates its schema.
 *
 * @example
 * const target = await openPostgresTarget({ url: "postgres://fanfare@127.0.0.1/fanfare", clock: systemClock });
 */
export async function openPostgresTarget(
	options: DatabaseOptions & { readonly clock: Pick<Clock, "now" | "monotonicMs" | "after"> },
): Promise<TransferTarget> {
	const database = new Database(options);
	try {
		requireOwnSchema(await migrate(database, options.clock.now()));
	} catch (error) {
		await database.close();
		throw sqlState(error) === DUPLICATE_TABLE ? foreignTables(error) : toStoreError(error);
	}
	const partitions = new Partitions(database);
	return {
		begin: (begin) => database.transact((session) => beginTransfer(session, begin)),
		write: (part, rows, moved) => writeStep(database, partitions, { part, rows, ...moved }),
		count: () => database.transact(countAll),
		finish: (head) => finishTransfer(database, head),
		close: () => database.close(),
	};
}

const DUPLICATE_TABLE = "42P07";

function foreignTables(cause: unknown): StoreError {
	const found = cause instanceof Error ? ` (${cause.message})` : "";
	return new StoreError(
		"store_conflict",
		`the database has tables of another program${found}: name an empty database, or give Fanfare's role a schema of its own`,
		{ cause },
	);
}

const SELECT_WORKSPACE = statement("SELECT id FROM workspace");

async function beginTransfer(
	session: Session,
	{ workspaceId, state, restart }: BeginOptions,
): Promise<TransferPosition> {
	// A server that begins to use the database at the same time has the same lock.
	await lock(session);
	const unfinished = await readUnfinished(session);
	if (unfinished === null) await requireEmpty(session, workspaceId);
	else if (unfinished.workspaceId !== workspaceId) {
		throw new StoreError(
			"store_conflict",
			`the database has the unfinished migration of another workspace (${unfinished.workspaceId}): use an empty database`,
		);
	}
	if (unfinished !== null && unfinished.state === state && !restart) return positionOf(unfinished);
	if (unfinished !== null) {
		await session.longScript(`TRUNCATE ${ALL_TABLES.join(", ")}`);
		await session.script(DROP);
	}
	const [first] = PART_NAMES;
	const position = { part: first, after: null };
	await session.script(CREATE);
	await session.query("INSERT INTO unfinished_transfer (one, workspace_id, state, part) VALUES (1, $1, $2, $3)", [
		uuidOf("ws", workspaceId),
		state,
		first,
	]);
	return position;
}

function positionOf({ part, after }: Unfinished): TransferPosition {
	return { part, after };
}

async function requireEmpty(session: Session, workspaceId: string): Promise<void> {
	const [workspace] = await session.run(SELECT_WORKSPACE);
	const found = workspace === undefined ? null : idOf("ws", text(workspace["id"]));
	if (found === workspaceId) {
		throw new StoreError(
			"store_conflict",
			`the database has this workspace (${found}) already: an earlier migration has ended, and servers can use the database. To migrate again, name an empty one`,
		);
	}
	const [row] = await session.query(
		`SELECT ${ALL_TABLES.map((name) => `EXISTS (SELECT 1 FROM ${name})`).join(" OR ")} AS has_rows`,
	);
	if (found === null && !boolean(row?.["has_rows"])) return;
	const whose = found === null ? "" : ` (workspace ${found})`;
	throw new StoreError(
		"store_conflict",
		`the database is not empty: it has the data of another Fanfare${whose}. Name an empty database, such as a new one`,
	);
}

interface Step<Name extends PartName> {
	readonly part: Name;
	readonly rows: readonly TransferRows[Name][];
	readonly from: TransferPosition;
	readonly to: TransferPosition;
}

const MOVE = statement(`
	UPDATE unfinished_transfer SET part = $3, after = $4 WHERE part IS NOT DISTINCT FROM $1 AND after IS NOT DISTINCT FROM $2
`);

async function writeStep<Name extends PartName>(
	database: Database,
	partitions: Partitions,
	{ part, rows, from, to }: Step<Name>,
): Promise<void> {
	const partitionKey = part in PARTITION_KEYS ? PARTITION_KEYS[part as keyof typeof PARTITION_KEYS] : null;
	if (partitionKey !== null) await partitions.ensure(rows.map(partitionKey as (row: TransferRows[Name]) => string));
	await database.inBackground(async (session) => {
		const moved = session.change(MOVE, [from.part, from.after, to.part, to.after]);
		if (rows.length > 0) PARTS[part](session, rows);
		if ((await moved) === 1) return;
		throw new StoreError(
			"store_conflict",
			"another process has gone on with the migration into this database: let that one end",
		);
	});
}

/** Without the limits of time of other statements, whose answers would have to come in time, too. */
async function countAll(session: Session): Promise<RowCounts> {
	await session.query("SELECT set_config('statement_timeout', '0', true)");
	await session.script("CREATE TABLE row_counts (part text, rows bigint)");
	for (const part of PART_NAMES) {
		for (const table of TABLES[part]) {
			await session.longScript(`INSERT INTO row_counts SELECT '${part}', count(*) FROM ${table}`);
		}
	}
	const rows = await session.query("SELECT part, sum(rows)::bigint AS rows FROM row_counts GROUP BY part");
	await session.script("DROP TABLE row_counts");
	return Object.fromEntries(rows.map((row) => [text(row["part"]), number(row["rows"])])) as Record<PartName, number>;
}

const INSERT_WORKSPACE = insertInto("workspace", ["one", "version", ...IDENTITY.columns]);
const INSERT_LEADS = insertInto("leads", ["one", "id_ms", "changes"]);

async function finishTransfer(database: Database, head: TransferHead): Promise<void> {
	// Autovacuum would do it in a while; until then, plans would be those of empty tables.
	await database.transact(async (session) => {
		await session.query("SELECT set_config('statement_timeout', '0', true)");
		await session.longScript(`ANALYZE ${ALL_TABLES.join(", ")}`);
	});
	await database.transact(async (session) => {
		await lock(session);
		await session.run(INSERT_WORKSPACE, [1, head.version, ...IDENTITY.write(head.identity)]);
		await session.run(INSERT_LEADS, [1, head.idLeadMs, head.changeLead]);
		await session.script(DROP);
	});
}
