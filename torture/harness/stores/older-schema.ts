// Takes a database back to an older schema, and holds up the migrations that bring it to the present one.
import { eventually } from "@fanfare/testkit/eventually";

import { readMigrations } from "../../../packages/server/src/adapters/postgres/schema/migrate.ts";
import type { PostgresData } from "./postgres-data.ts";

/** What undoes each migration but the first. */
const UNDO: Readonly<Record<number, string>> = {
	2: "ALTER TABLE migrations DROP COLUMN works_with",
	3: "ALTER TABLE members DROP COLUMN known_schema",
	4: "DROP TABLE revoked_keys",
};

/** The number of migrations. */
export function migrationCount(): number {
	return readMigrations().length;
}

/** Leaves the database as a Fanfare with only the first `version` migrations would have it. No server may use it. */
export async function undoMigrations(database: PostgresData, version: number): Promise<void> {
	const ids = Array.from({ length: migrationCount() - version }, (_, n) => migrationCount() - n);
	const statements = ids.map((id) => {
		const undo = UNDO[id];
		if (undo === undefined) throw new Error(`older-schema.ts does not say what undoes migration ${id}`);
		return `DELETE FROM migrations WHERE id = ${id}; ${undo};`;
	});
	await database.query(`BEGIN; ${statements.join(" ")} COMMIT`);
}

/** The columns of all tables but partitions. Two databases of the same schema have the same ones. */
export async function columnsOf(database: PostgresData): Promise<string> {
	const [row] = await database.query(`
		SELECT string_agg(c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY c.relname, a.attname) AS columns
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = 'fanfare'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
			AND a.attnum > 0 AND NOT a.attisdropped
	`);
	return String(row?.["columns"]);
}

/** Longer than any round. */
const HOLD = "SELECT pg_sleep(3600)";
const HOLDER = `FROM pg_stat_activity WHERE query LIKE '%${HOLD}%' AND wait_event = 'PgSleep'`;

/** Each migration waits from now on, in the middle of its transaction, for up to a second, and is then tried again. */
export async function holdMigrations(database: PostgresData): Promise<void> {
	// It is cancelled, or ends with the database.
	void database.query(`BEGIN; LOCK TABLE migrations IN SHARE MODE; ${HOLD}; COMMIT`).catch(() => {});
	await eventually("migrations to be held up", async () => {
		return (await database.query(`SELECT pid ${HOLDER}`)).length > 0;
	});
}

export async function letMigrationsGoOn(database: PostgresData): Promise<void> {
	await database.query(`SELECT pg_cancel_backend(pid) ${HOLDER}`);
}

/**
 * Waits until a process is held up in a migration. Returns the port that it has connected from.
 *
 * @param killed ports of processes that were killed, whose connections the database may not have closed yet
 */
export function migrating(database: PostgresData, killed: ReadonlySet<number>): Promise<number> {
	return eventually("a process to migrate", async () => {
		const waiting = await database.query(`
			SELECT a.client_port AS port FROM pg_locks l JOIN pg_stat_activity a USING (pid)
			WHERE NOT l.granted AND l.relation = 'migrations'::regclass AND a.usename <> current_user
		`);
		const ports = waiting.map(({ port }) => Number(port)).filter((port) => !killed.has(port));
		return ports[0] ?? null;
	});
}
