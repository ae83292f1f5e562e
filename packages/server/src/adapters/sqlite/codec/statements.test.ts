// Rows that gather before they are inserted.
import { DatabaseSync } from "node:sqlite";

import { expect, it } from "vitest";

import { createTransact } from "../connection.ts";
import { RowGatherer } from "./statements.ts";

function setUp() {
	const db = new DatabaseSync(":memory:");
	db.exec("CREATE TABLE probe (one INTEGER PRIMARY KEY, name TEXT, kind INTEGER)");
	const probes = new RowGatherer(db, "probe", ["one", "name"], { kind: "7" });
	const count = () => db.prepare("SELECT count(*) AS count FROM probe").get()?.["count"];
	return { db, probes, count, transact: createTransact(db, [probes]) };
}

it("stores each row once, in order and with its fixed columns, however many gather", () => {
	for (const count of [0, 1, 15, 16, 17, 100]) {
		const { db, probes, transact } = setUp();
		const rows = Array.from({ length: count }, (_, index) => ({ one: index + 1, name: `probe ${index}`, kind: 7 }));
		transact(() => {
			for (const { one, name } of rows) probes.add(one, name);
		});
		expect(
			db
				.prepare("SELECT one, name, kind FROM probe ORDER BY one")
				.all()
				.map((row) => ({ ...row })),
		).toEqual(rows);
		db.close();
	}
});

it("has every row in the table after a flush, in the same transaction", () => {
	const { db, probes, count, transact } = setUp();
	transact(() => {
		probes.add(1, "one");
		probes.flush();
		expect(count()).toBe(1);
	});
	db.close();
});

it("forgets what has gathered when the transaction fails", () => {
	const { db, probes, count, transact } = setUp();
	const failed = () =>
		transact(() => {
			for (let one = 1; one <= 20; one++) probes.add(one, "failed");
			throw new Error("the transaction fails");
		});
	expect(failed).toThrow("the transaction fails");
	transact(() => probes.add(1, "one"));
	expect(count()).toBe(1);
	db.close();
});
