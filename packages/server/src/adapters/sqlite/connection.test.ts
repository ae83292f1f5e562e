// Commits are on the disk, failed transactions leave nothing, and only the owner can read the files.
import { chmodSync, statSync, writeFileSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { createTransact, inBackground, openConnection } from "./connection.ts";

const FULL = 2;
const NORMAL = 1;

function pragma(db: DatabaseSync, name: string): unknown {
	return Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

function withFile(use: (db: DatabaseSync, path: string) => void): void {
	using dir = new TemporaryDir();
	const path = dir.join("fanfare.db");
	const db = openConnection({ path });
	use(db, path);
	db.close();
}

describe("a connection", () => {
	it("syncs each commit, checks foreign keys, bounds the WAL and the cache, and waits a moment for an operator's lock", () => {
		withFile((db) => {
			const expected = {
				journal_mode: "wal",
				synchronous: FULL,
				foreign_keys: 1,
				wal_autocheckpoint: 1_000,
				journal_size_limit: 64 * 1_024 * 1_024,
				cache_size: -16_384,
				mmap_size: 0,
				busy_timeout: 2_000,
			};
			for (const [name, value] of Object.entries(expected)) expect([name, pragma(db, name)]).toEqual([name, value]);
		});
	});

	it("syncs each commit again after background work, even if the work failed", () => {
		withFile((db) => {
			expect(inBackground(db, () => pragma(db, "synchronous"))).toBe(NORMAL);
			expect(pragma(db, "synchronous")).toBe(FULL);
			const failing = () =>
				inBackground(db, () => {
					throw new RangeError("the work failed");
				});
			expect(failing).toThrow("the work failed");
			expect(pragma(db, "synchronous")).toBe(FULL);
			expect(pragma(db, "wal_autocheckpoint")).toBe(1_000);
		});
	});

	it("makes the database files readable by their owner only, whatever their modes were", () => {
		withFile((db, path) => {
			db.exec("CREATE TABLE t (n)");
			const modes = [path, `${path}-wal`, `${path}-shm`].map((file) => statSync(file).mode & 0o777);
			expect(modes).toEqual([0o600, 0o600, 0o600]);
		});
		using dir = new TemporaryDir();
		const path = dir.join("old.db");
		openConnection({ path }).close();
		chmodSync(path, 0o644);
		openConnection({ path }).close();
		expect(statSync(path).mode & 0o777).toBe(0o600);
	});

	it("reports a file that is not a database, and says what to do", () => {
		using dir = new TemporaryDir();
		const path = dir.join("fanfare.db");
		writeFileSync(path, "not a database, but longer than the header of one: ".repeat(20));
		expect(() => openConnection({ path })).toThrow(`${path} is not a database: restore it from a backup`);
	});
});

describe("a transaction", () => {
	it("leaves nothing behind when it fails, and the next one works", () => {
		withFile((db) => {
			db.exec("CREATE TABLE t (n)");
			const transact = createTransact(db);
			const count = () => Number(db.prepare("SELECT count(*) AS n FROM t").get()?.["n"]);
			const failing = () =>
				transact(() => {
					db.exec("INSERT INTO t VALUES (1)");
					throw new RangeError("half-way");
				});
			expect(failing).toThrow("half-way");
			expect(db.isTransaction).toBe(false);
			expect(count()).toBe(0);
			transact(() => db.exec("INSERT INTO t VALUES (2)"));
			expect(count()).toBe(1);
		});
	});
});
