// What a connection promises: a commit is on the disk, nothing of a failed transaction is, and the file is its owner's.
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
	it("syncs each commit to the disk, and checks what refers to what", () => {
		withFile((db) => {
			expect(pragma(db, "journal_mode")).toBe("wal");
			expect(pragma(db, "synchronous")).toBe(FULL);
			expect(pragma(db, "foreign_keys")).toBe(1);
		});
	});

	it("is bounded in its log and its memory, and waits a moment for an operator's lock", () => {
		withFile((db) => {
			expect(pragma(db, "wal_autocheckpoint")).toBe(1_000);
			expect(pragma(db, "journal_size_limit")).toBe(64 * 1_024 * 1_024);
			expect(pragma(db, "cache_size")).toBe(-16_384);
			expect(pragma(db, "mmap_size")).toBe(0);
			expect(pragma(db, "busy_timeout")).toBe(2_000);
		});
	});

	it("syncs each commit again after work in the background, also after work that failed", () => {
		withFile((db) => {
			expect(inBackground(db, () => pragma(db, "synchronous"))).toBe(NORMAL);
			expect(pragma(db, "synchronous")).toBe(FULL);
			const failing = () =>
				inBackground(db, () => {
					throw new RangeError("no work");
				});
			expect(failing).toThrow("no work");
			expect(pragma(db, "synchronous")).toBe(FULL);
			expect(pragma(db, "wal_autocheckpoint")).toBe(1_000);
		});
	});

	it("lets nobody but the owner read the file and those beside it, whatever their modes were", () => {
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

	it("says of a file that is no database what to do", () => {
		using dir = new TemporaryDir();
		const path = dir.join("fanfare.db");
		writeFileSync(path, "not a database, and longer than the header of one would be: ".repeat(20));
		expect(() => openConnection({ path })).toThrow(`${path} is not a database: restore it from a backup`);
	});
});

describe("a transaction", () => {
	it("leaves nothing of what it did when it fails, and the next one works", () => {
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
