// Takes a data directory back to an older schema, with the rows of all tables and columns that the older schema has.
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";

import { migrate, readMigrations } from "../../packages/server/src/adapters/sqlite/schema/migrate.ts";
import { openSqliteStore } from "../../packages/server/src/adapters/sqlite/sqlite-store.ts";
import { deliveryIdAt } from "../../packages/server/src/core/ids.ts";

interface Column {
	readonly name: string;
	readonly isRequired: boolean;
	readonly isText: boolean;
}

/** The number of migrations. */
export function migrationCount(): number {
	return readMigrations().length;
}

/** Leaves the directory as a Fanfare with only the first `version` migrations would have it. No server may use it. */
export async function downgrade(dataDir: string, version: number): Promise<void> {
	const path = join(dataDir, "fanfare.db");
	await rollUp(path);
	const olderPath = join(dataDir, "older.db");
	const db = new DatabaseSync(olderPath, { enableForeignKeyConstraints: false });
	try {
		db.exec("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL");
		migrate(db, Date.now(), readMigrations().slice(0, version));
		db.exec(`ATTACH '${path.replaceAll("'", "''")}' AS newer`);
		db.function("delivery_id", { deterministic: true }, deliveryId);
		db.exec("BEGIN");
		for (const table of tablesOf(db, "main")) {
			const former = version < FIRST_NARROW ? FORMER_ROWS[table] : undefined;
			if (former !== undefined) copyRows(db, table, `(${former})`);
			else if (table !== "migrations" && tablesOf(db, "newer").includes(table)) copyRows(db, table, `newer."${table}"`);
		}
		db.exec("COMMIT; DETACH newer; PRAGMA wal_checkpoint(TRUNCATE)");
	} finally {
		db.close();
	}
	for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
	renameSync(olderPath, path);
}

/** Leaves the journal of the stats empty, whose entries have another form in older schemas. */
async function rollUp(path: string): Promise<void> {
	const store = await openSqliteStore({ path });
	while ((await store.rollUpStats({ keepMinutesFrom: 0, keepHoursFrom: 0, limit: 1_000 })) > 0);
	await store.close();
}

/** The first schema with the present form of deliveries and attempts. */
const FIRST_NARROW = 10;

/** The rows of tables that newer schemas keep in another form, in their former form. */
const FORMER_ROWS: Readonly<Record<string, string>> = {
	events: `
		SELECT event.seq, event.id, project.id AS project_id, type, timestamp, event.create_date, delivery_count, body
		FROM newer.events event JOIN newer.projects project ON project.number = event.project
	`,
	deliveries: `
		SELECT coalesce(own_id, delivery_id(event.id, delivery.seq - delivery.event)) AS id, project.id AS project_id,
			webhook.id AS webhook_id, event.id AS event_id, event.type AS event_type, delivery.*
		FROM (
			SELECT seq, event, webhook, project, own_id, status, reason, attempt_count, auto_attempt_count, next_attempt_at,
				lease_until, trigger, schedule_resumes_at, response_code, update_date, due_at
			FROM newer.deliveries
			UNION ALL
			SELECT open.seq, event, webhook, open.project, NULL, 0, NULL, 0, 0, create_date, NULL, 0, NULL, NULL, create_date,
				create_date
			FROM newer.open open JOIN newer.events events ON events.seq = open.event
		) delivery
		JOIN newer.events event ON event.seq = delivery.event
		JOIN newer.projects project ON project.number = delivery.project
		JOIN newer.webhooks webhook ON webhook.number = delivery.webhook
	`,
	attempts: `
		SELECT coalesce(own_id, delivery_id(event.id, delivery.seq - delivery.event)) AS delivery_id, a.attempt ->> 1 AS number,
			unhex(replace(substr(a.attempt ->> 2, 5), '-', '')) AS id, a.attempt ->> 3 AS trigger, a.attempt ->> 4 AS start_date,
			a.attempt ->> 5 AS duration_ms, a.attempt ->> 6 AS response_code, a.attempt ->> 7 AS error, a.attempt ->> 8 AS reason,
			a.attempt -> 9 AS request_headers, nullif(a.attempt -> 10, 'null') AS response_headers,
			a.attempt ->> 11 AS response_body, a.attempt ->> 12 AS response_body_truncated
		FROM (
			SELECT seq AS delivery, attempt FROM newer.deliveries WHERE attempt IS NOT NULL
			UNION ALL SELECT delivery, attempt FROM newer.attempts
		) a
		JOIN newer.deliveries delivery ON delivery.seq = a.delivery
		JOIN newer.events event ON event.seq = delivery.event
	`,
	idempotency_keys: `
		SELECT project.id AS project_id, key, fingerprint, event.id AS event_id, k.create_date
		FROM newer.idempotency_keys k JOIN newer.projects project ON project.number = k.project
		JOIN newer.events event ON event.seq = k.event
	`,
	replays: "SELECT *, (SELECT id FROM newer.events WHERE seq = position_seq) AS position FROM newer.replays",
	webhook_health: `
		SELECT webhooks.id AS webhook_id, health.* FROM newer.webhook_health health
		JOIN newer.webhooks webhooks ON webhooks.number = health.webhook
	`,
	figures_state: "SELECT one, through FROM newer.stats_state",
};

/** The id of the delivery at a place after its event's id. */
function deliveryId(eventId: SQLOutputValue, place: SQLOutputValue): Uint8Array {
	const hex = Buffer.from(eventId as Uint8Array).toString("hex");
	const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
	return Buffer.from(
		deliveryIdAt(`evt_${uuid}`, Number(place) - 1)
			.slice("dlv_".length)
			.replaceAll("-", ""),
		"hex",
	);
}

function copyRows(db: DatabaseSync, table: string, rows: string): void {
	const known = new Set(
		db
			.prepare(`SELECT * FROM ${rows}`)
			.columns()
			.map(({ name }) => name),
	);
	const columns = columnsOf(db, "main", table);
	const values = columns.map(({ name, isRequired, isText }) => {
		if (known.has(name)) return `"${name}"`;
		if (!isRequired) return "NULL";
		return isText ? "'{}'" : "0";
	});
	const names = columns.map(({ name }) => `"${name}"`).join(", ");
	db.exec(`DELETE FROM main."${table}"`);
	db.exec(`INSERT INTO main."${table}" (${names}) SELECT ${values.join(", ")} FROM ${rows}`);
}

function tablesOf(db: DatabaseSync, schema: string): string[] {
	const sql = `SELECT name FROM ${schema}.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`;
	return db
		.prepare(sql)
		.all()
		.map(({ name }) => String(name));
}

function columnsOf(db: DatabaseSync, schema: string, table: string): Column[] {
	return db
		.prepare(`PRAGMA ${schema}.table_info("${table}")`)
		.all()
		.map((row) => ({
			name: String(row["name"]),
			isRequired: Number(row["notnull"]) === 1 || Number(row["pk"]) > 0,
			isText: String(row["type"]) === "TEXT",
		}));
}
