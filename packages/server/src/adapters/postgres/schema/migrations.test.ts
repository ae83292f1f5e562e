// What a migration may do while processes of the version before are at work: see "Change the schema of PostgreSQL" in CONTRIBUTING.md.
import { createHash } from "node:crypto";

import { describe, expect, it } from "vitest";

import { readMigrations, type Migration } from "./migrate.ts";

/** Databases have what these have made: a change of one is another migration. */
const NEVER_CHANGED: Readonly<Record<string, string>> = {
	"1-initial": "1dd3af4e4be7d424",
	"2-works-with": "c79339ca139bed91",
	"3-known-schema": "6caa5f6f4ad66082",
	"4-revoked-keys": "5a8d7586c320076d",
};

/** `INSERT`s of older processes don't name the column, so it needs a value that is the same for each row. */
const NEW_COLUMN =
	/^ADD COLUMN \w+ (?:bigint|integer|smallint|boolean|text(?: COLLATE "C")?|uuid|bytea|xid8)(?:\[\])?(?:(?: NOT NULL)? DEFAULT (?:'[^']*'|-?\d+|true|false)(?: NOT NULL)?)?$/;
const NEW_TABLE = /^CREATE TABLE (\w+) \(/;
const INDEX = /^CREATE (?:UNIQUE )?INDEX \w+ ON (\w+) /;
const ROWS = /^INSERT INTO (\w+) /;
const ALTER = /^ALTER TABLE (\w+) (.*)$/;
const NEW_OTHERS = /^CREATE (?:SEQUENCE|FUNCTION) /;
/** Columns in the same order: rows move from one to the other. */
const TWINS = ["open_deliveries", "deliveries"] as const;

/** Why processes of the version before could not live with a migration, for each statement that is wrong. */
function refusals({ sql, worksWith }: Pick<Migration, "sql" | "worksWith">, before: number): string[] {
	// They can't be at work.
	if (worksWith > before) return [];
	const statements = statementsOf(sql);
	const created = new Set(statements.map((each) => NEW_TABLE.exec(each)?.[1] ?? ""));
	const added = (table: string) =>
		statements.flatMap((each) => (ALTER.exec(each)?.[1] === table ? (ALTER.exec(each)?.[2] ?? "") : []));
	const twins = TWINS.map((table) => added(table).join());
	return [
		...statements.filter((each) => !isHarmless(each, created)),
		...(twins[0] === twins[1] ? [] : [`${TWINS.join(" and ")} get different columns`]),
	];
}

function isHarmless(text: string, created: ReadonlySet<string>): boolean {
	const [, altered, change = ""] = ALTER.exec(text) ?? [];
	if (altered !== undefined) return created.has(altered) || NEW_COLUMN.test(change);
	// An index of a table with rows takes as long as it is large, and nobody can write meanwhile.
	const filled = INDEX.exec(text)?.[1] ?? ROWS.exec(text)?.[1];
	if (filled !== undefined) return created.has(filled);
	return NEW_TABLE.test(text) || NEW_OTHERS.test(text);
}

/** Without comments, each in one line. */
function statementsOf(sql: string): string[] {
	const bodies: string[] = [];
	const bare = sql.replaceAll(/--.*$/gm, "").replaceAll(/\$\$[^]*?\$\$/g, (body) => `$${bodies.push(body)}$`);
	return bare.split(";").flatMap((each) => {
		const text = each.trim().replaceAll(/\s+/g, " ");
		return text === "" ? [] : [text];
	});
}

describe("the migrations of PostgreSQL", () => {
	const migrations = readMigrations();
	const [first, ...later] = migrations;

	it("are numbered without a gap, and never changed", () => {
		expect(migrations.map(({ id }) => id)).toEqual(migrations.map((_, index) => index + 1));
		const digest = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);
		expect(Object.fromEntries(migrations.map(({ id, name, sql }) => [`${id}-${name}`, digest(sql)]))).toEqual(
			NEVER_CHANGED,
		);
	});

	it("work with ever newer programs", () => {
		const all = migrations.map(({ worksWith }) => worksWith);
		expect(all).toEqual(all.toSorted((a, b) => a - b));
	});

	it.each(later)("$id ($name) leaves the processes at work that it says it works with", (migration) => {
		const before = migrations[migration.id - 2]?.worksWith ?? 0;
		expect(refusals(migration, before)).toEqual([]);
	});

	it.each([
		"ALTER TABLE webhooks ADD COLUMN color text",
		"ALTER TABLE webhooks ADD COLUMN tries integer NOT NULL DEFAULT 3",
		"CREATE TABLE notes (id bigint PRIMARY KEY, of uuid REFERENCES projects (id)); CREATE INDEX notes_of ON notes (of); INSERT INTO notes (id) VALUES (1)",
		"ALTER TABLE open_deliveries ADD COLUMN a bigint; ALTER TABLE deliveries ADD COLUMN a bigint",
		"CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ DELETE FROM a; DROP TABLE b $$",
	])("may be: %s", (sql) => {
		expect(refusals({ sql, worksWith: 1 }, 1)).toEqual([]);
	});

	it.each([
		"ALTER TABLE webhooks ADD COLUMN color text NOT NULL",
		"ALTER TABLE webhooks ADD COLUMN at bigint DEFAULT cluster_now()",
		"ALTER TABLE webhooks ADD COLUMN key uuid UNIQUE",
		"ALTER TABLE webhooks ADD COLUMN key uuid REFERENCES keys (id)",
		"ALTER TABLE webhooks ADD COLUMN size integer GENERATED ALWAYS AS (1) STORED",
		"ALTER TABLE webhooks DROP COLUMN name",
		"ALTER TABLE webhooks RENAME COLUMN name TO title",
		"ALTER TABLE webhooks ALTER COLUMN name TYPE integer",
		"ALTER TABLE webhooks ADD CHECK (name <> '')",
		"ALTER TABLE open_deliveries ADD COLUMN a bigint",
		"CREATE INDEX webhooks_by_name ON webhooks (name)",
		"UPDATE webhooks SET name = 'x'",
		"DROP TABLE webhooks",
		"-- harmless\n CREATE TABLE a (id integer); -- really\n TRUNCATE webhooks",
	])("must not be while older processes are at work: %s", (sql) => {
		expect(refusals({ sql, worksWith: 1 }, 1)).toHaveLength(1);
		expect(refusals({ sql, worksWith: 2 }, 1)).toEqual([]);
	});

	it("begin with what they work with", () => {
		expect(first?.worksWith).toBe(1);
		expect(later.map(({ sql }) => sql)).toEqual(later.map(() => expect.stringMatching(/^-- works with: \d+\n/)));
	});
});
