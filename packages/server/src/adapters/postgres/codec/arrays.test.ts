// Binary arrays: PostgreSQL reads what was written.
import { postgresIssue, startPostgres, type PostgresServer } from "@fanfare/testkit/programs/postgres";
import { runs } from "@fanfare/testkit/runs";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { systemClock } from "../../system/system-clock.ts";
import { Database } from "../connection/database.ts";
import { binaryArray, type ArrayType } from "./arrays.ts";
import { bytes } from "./rows.ts";

const VALUES = {
	bool: fc.boolean(),
	bytea: fc.uint8Array(),
	int8: fc.maxSafeInteger(),
	int2: fc.integer({ min: -32_768, max: 32_767 }),
	int4: fc.integer(),
	text: fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\u0000")),
	uuid: fc.uuid(),
} as const satisfies Record<ArrayType, fc.Arbitrary<unknown>>;

describe.skipIf(postgresIssue() !== null)("binary arrays", () => {
	let server: PostgresServer;
	let database: Database;
	beforeAll(async () => {
		server = await startPostgres();
		database = new Database({ url: server.url, clock: systemClock });
	});
	afterAll(async () => {
		await database.close();
		await server[Symbol.asyncDispose]();
	});

	const read = (type: ArrayType, array: Buffer) =>
		database.read((session) => session.query(`SELECT * FROM unnest($1::${type}[]) AS given(value)`, [array]));

	it.each(Object.keys(VALUES) as ArrayType[])("of the type %s arrive as they were", async (type) => {
		await fc.assert(
			fc.asyncProperty(fc.array(fc.option(VALUES[type] as fc.Arbitrary<never>)), async (values) => {
				const rows = await read(type, binaryArray(type, values));
				const got = rows.map(({ value }) => (type === "bytea" && value !== null ? bytes(value) : value));
				expect(got).toEqual(values);
			}),
			{ numRuns: runs(20) },
		);
	});

	it("replace the character that text cannot have", async () => {
		expect(await read("text", binaryArray("text", ["a\u0000b"]))).toEqual([{ value: "a\ufffdb" }]);
		const given = ["a\u0000b", ["\u0000", "c"]];
		const rows = await database.read((session) => session.query("SELECT $1::text AS one, $2::text[] AS many", given));
		expect(rows).toEqual([{ one: "a\ufffdb", many: ["\ufffd", "c"] }]);
	});
});
