// Late statements do what others do, but are compiled when they are first used.
import { DatabaseSync } from "node:sqlite";

import { describe, expect, it } from "vitest";

import { openSqliteStore } from "../sqlite-store.ts";
import { prepareLate } from "./late-statements.ts";

/** Notes the SQL of each statement that the connection compiles, which is late. */
function noteCompiled(db: DatabaseSync): readonly string[] {
	const compiled: string[] = [];
	const prepare = db.prepare.bind(db);
	db.prepare = (sql) => {
		compiled.push(sql);
		return prepare(sql);
	};
	prepareLate(db);
	return compiled;
}

describe("late statements", () => {
	it("are compiled once, when they are first used", () => {
		using db = new DatabaseSync(":memory:");
		const compiled = noteCompiled(db);
		const statement = db.prepare("SELECT ? AS value");
		expect(compiled).toEqual([]);
		expect(statement.get(1)).toEqual({ value: 1 });
		expect(statement.all(2)).toEqual([{ value: 2 }]);
		expect([...statement.iterate(3)]).toEqual([{ value: 3 }]);
		expect(compiled).toEqual(["SELECT ? AS value"]);
	});

	it("take named and anonymous parameters together, and say what they have changed", () => {
		using db = new DatabaseSync(":memory:");
		db.exec("CREATE TABLE t (a, b)");
		prepareLate(db);
		expect(db.prepare("INSERT INTO t VALUES (?, :b)").run({ b: 2 }, 1)).toEqual({ changes: 1, lastInsertRowid: 1 });
		expect(db.prepare("SELECT * FROM t").get()).toEqual({ a: 1, b: 2 });
	});

	it("throw at their use what is wrong with their SQL", () => {
		using db = new DatabaseSync(":memory:");
		prepareLate(db);
		const statement = db.prepare("SELECT * FROM missing");
		expect(() => statement.get()).toThrow("no such table: missing");
	});

	it("are few in a store that was just opened", async () => {
		let compiled: readonly string[] = [];
		const onConnected = (db: DatabaseSync) => void (compiled = noteCompiled(db));
		const store = await openSqliteStore({ path: ":memory:", onConnected });
		const atFirst = compiled.length;
		await store.close();
		expect(atFirst).toBeLessThan(50);
	});
});
