// Migrates the schema to the newest version. A migration is a file migrations/NNNN-name.sql, which never changes once released.
//
// Processes of older programs may be at work on the database. A migration says in its first line from which schema on programs can work on what
// it makes: `-- works with: 3`. Most add something, and work with all programs that the migration before works with. Those can also start on
// the newer schema. See "Change the schema of PostgreSQL" in CONTRIBUTING.md.
import { readdirSync, readFileSync } from "node:fs";

import { StoreError } from "../../../ports/store/errors.ts";
import { number, textOrNull } from "../codec/rows.ts";
import { statement } from "../codec/statements.ts";
import type { Database } from "../connection/database.ts";
import { isLocked } from "../connection/errors.ts";
import { SCHEMA_LOCK } from "../connection/locks.ts";
import { requireEncoding, requireServer } from "../connection/server-requirements.ts";
import type { Session } from "../connection/session.ts";

export interface Migration {
	readonly id: number;
	readonly name: string;
	readonly sql: string;
	/** The oldest schema whose programs can work on what it makes. */
	readonly worksWith: number;
}

/** The schema of a database, and the newest one that this program knows. It may be older, and able to work on the schema all the same. */
export interface SchemaVersions {
	readonly current: number;
	readonly known: number;
}

const FOLDER = new URL("./migrations/", import.meta.url);
const FILE_NAME = /^(\d{4})-([a-z0-9-]+)\.sql$/;
const WORKS_WITH = /^-- works with: (\d+)\n/;
/** Its rows are written before there is a column for what it works with. */
const FIRST = 1;

/** Reads the migrations of this program, in order. */
export function readMigrations(folder: URL = FOLDER): Migration[] {
	const migrations: Migration[] = [];
	for (const file of readdirSync(folder).sort()) {
		const [, digits, name] = FILE_NAME.exec(file) ?? [];
		if (digits === undefined || name === undefined) continue;
		const id = Number(digits);
		const sql = readFileSync(new URL(file, folder), "utf8");
		const worksWith = id === FIRST ? FIRST : Number(WORKS_WITH.exec(sql)?.[1]);
		if (!(worksWith <= id))
			throw new Error(`the first line of ${file} must be "-- works with: N", a schema up to its own`);
		migrations.push({ id, name, sql, worksWith });
	}
	return migrations;
}

const CREATE_MIGRATIONS = statement(`
	CREATE TABLE IF NOT EXISTS migrations (id integer PRIMARY KEY, name text NOT NULL, apply_date bigint NOT NULL)
`);
const SELECT_APPLIED = statement("SELECT coalesce(max(id), 0) AS id FROM migrations");
const SELECT_WORKS_WITH = statement("SELECT coalesce(max(works_with), 0) AS id FROM migrations");
const INSERT_FIRST = statement("INSERT INTO migrations (id, name, apply_date) VALUES ($1, $2, $3)");
const INSERT_MIGRATION = statement("INSERT INTO migrations (id, name, apply_date, works_with) VALUES ($1, $2, $3, $4)");
const SELECT_OLDER = statement(`
	SELECT string_agg(DISTINCT name || ' (' || version || ')', ', ') AS names FROM members
	WHERE coalesce(known_schema, 0) < $1 AND expire_date > cluster_now()
`);
const LOCK = `SELECT pg_advisory_xact_lock(${SCHEMA_LOCK}, 0)`;
/** Another process may be migrating for a while. */
const WAIT = statement("SELECT set_config('lock_timeout', '0', true), set_config('statement_timeout', '0', true)");
/**
 * A migration waits this long for a table that others use, such as a dump. While it waits, so does everybody who uses the table after it:
 * for less than a tenure.
 */
const TABLE_LOCK_MS = 1_000;
const LIMIT_WAIT = statement(`SELECT set_config('lock_timeout', '${TABLE_LOCK_MS}', true)`);
/** Then it lets the others go on for a while. */
const LET_OTHERS = "SELECT pg_sleep(2)";
const MAX_TRIES = 100;

/**
 * Applies the migrations that are missing, each in a transaction of its own. Of several processes that start at once, one applies each
 * migration, and the others wait. `now` is recorded as their date. Throws a `StoreError` if the server or the database is unfit (`requireServer`), if a newer program has made a schema on which this
 * one can't work, if members are at work that can't work on this one's schema, or if a table can't be changed for minutes since others use it.
 */
export async function migrate(
	database: Database,
	now: number,
	migrations: readonly Migration[] = readMigrations(),
): Promise<SchemaVersions> {
	const known = migrations.at(-1)?.id ?? 0;
	const current = await database.define(async (session) => {
		await requireServer(session);
		await lock(session);
		await session.run(CREATE_MIGRATIONS);
		const applied = await idOf(session, SELECT_APPLIED);
		// One in which an earlier version has stored something goes on: what waits there must not be lost.
		if (applied === 0) await requireEncoding(session);
		if (applied > known) await requireCompatible(session, { current: applied, known });
		return applied;
	});
	for (const migration of migrations) {
		if (migration.id <= current) continue;
		await whenFree(migration, (isAgain) => database.define((session) => apply(session, migration, now, isAgain)));
	}
	return { current: Math.max(current, known), known };
}

/** For a program that must know everything that is stored. Throws a `StoreError` if the schema is newer than the program. */
export function requireOwnSchema({ current, known }: SchemaVersions): void {
	if (current > known) throw newerSchema(`schema ${current}, this program knows ${known}`);
}

async function requireCompatible(session: Session, { current, known }: SchemaVersions): Promise<void> {
	const worksWith = await idOf(session, SELECT_WORKS_WITH);
	if (worksWith <= known) return;
	throw newerSchema(
		`schema ${current}, on which programs from schema ${worksWith} on can work; this program knows ${known}`,
	);
}

/** The failure of a program that can't work on a newer schema. */
export function newerSchema(detail: string): StoreError {
	return new StoreError(
		"store_unavailable",
		`this database was written by a newer Fanfare (${detail}): run that version or restore a backup`,
	);
}

async function apply(
	session: Session,
	{ id, name, sql, worksWith }: Migration,
	now: number,
	isAgain: boolean,
): Promise<void> {
	await lock(session);
	if ((await idOf(session, SELECT_APPLIED)) >= id) return;
	// With the lock, so that of several processes that start, none tries while another one lets the others go on.
	if (isAgain) await session.longScript(LET_OTHERS);
	await session.run(LIMIT_WAIT);
	if (worksWith > FIRST) await requireNoneOlder(session, worksWith);
	// A statement without parameters can be several.
	await session.longScript(sql);
	if (id === FIRST) await session.run(INSERT_FIRST, [id, name, now]);
	else await session.run(INSERT_MIGRATION, [id, name, now, worksWith]);
}

/** Throws while members are at work whose programs know only older schemas than this. None can join before the transaction has ended. */
async function requireNoneOlder(session: Session, schema: number): Promise<void> {
	await session.script("LOCK TABLE members IN SHARE ROW EXCLUSIVE MODE");
	const [row] = await session.run(SELECT_OLDER, [schema]);
	const names = textOrNull(row?.["names"]);
	if (names === null) return;
	throw new StoreError(
		"store_unavailable",
		`processes of an older Fanfare are at work on this database, and can't work on the schema of this version: ${names}. ` +
			`Replace them by the version before this one first, or stop them; one that was killed counts for some seconds`,
	);
}

/** Tries again while others use the tables that are to be changed. */
async function whenFree({ id, name }: Migration, work: (isAgain: boolean) => Promise<void>): Promise<void> {
	for (let tries = 1; ; tries++) {
		try {
			return await work(tries > 1);
		} catch (error) {
			if (!isLocked(error)) throw error;
			if (tries === MAX_TRIES) throw inUse(`${id} (${name})`, error);
		}
	}
}

function inUse(migration: string, cause: unknown): StoreError {
	const message = `the schema can't be changed by migration ${migration}, since another session of the database uses a table all the time, such as a dump: end it, or wait until it has ended, and start again`;
	return new StoreError("store_unavailable", message, { cause });
}

/** Taken by the statement after the settings, so that it waits as long as it takes. */
export async function lock(session: Session): Promise<void> {
	await session.run(WAIT);
	await session.longScript(LOCK);
}

async function idOf(session: Session, select: typeof SELECT_APPLIED): Promise<number> {
	const [row] = await session.run(select);
	return number(row?.["id"]);
}
