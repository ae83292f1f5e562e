// Backups that can't be completed: a write-ahead log that grows too long, and a disk that fills up during the copy.
import { readdirSync, writeFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";

import { SmallDisk, smallDiskIssue } from "@fanfare/testkit/small-disk";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

import { copyInProcess } from "../../adapters/sqlite/backup/run-task.ts";
import { openConnection } from "../../adapters/sqlite/connection.ts";
import { openSqliteStore } from "../../adapters/sqlite/sqlite-store.ts";
import { readConfig } from "../../config.ts";
import { backupDataDir } from "./backup.ts";

const NEVER = new AbortController().signal;

/** A store whose file has some megabytes. */
async function fillStore(path: string): Promise<void> {
	await (await openSqliteStore({ path })).close();
	using db = openConnection({ path });
	db.exec("CREATE TABLE filler (text BLOB)");
	db.exec(
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 4096) INSERT INTO filler SELECT randomblob(2000) FROM n",
	);
}

it("gives up when the write-ahead log grows by more than is allowed, and leaves the log to the server", async () => {
	using dir = new TemporaryDir();
	await fillStore(dir.join("fanfare.db"));
	using out = new TemporaryDir();
	using db = openConnection({ path: dir.join("fanfare.db") });
	const config = readConfig({ FANFARE_DATA_DIR: dir.path });
	const failures: unknown[] = [];
	const backup = backupDataDir(config, out.join("b.db"), { maxWalMb: 0 }).catch((error: unknown) =>
		failures.push(error),
	);
	while (failures.length === 0) {
		db.exec("INSERT INTO filler VALUES (randomblob(20000))");
		await nextTurn();
	}
	await backup;
	const message = expect.stringContaining("has grown by more than 0 MB") as string;
	expect(failures).toMatchObject([{ name: "BackupFileError", message }]);
	expect(readdirSync(out.path)).toEqual([]);
	// The read transaction of the copy has ended, so the log can be emptied.
	expect(db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()).toMatchObject({ busy: 0 });
});

it.skipIf(smallDiskIssue() !== null)("leaves half of the free disk to the server, whatever is allowed", async () => {
	using disk = new SmallDisk(32);
	using out = new TemporaryDir();
	await fillStore(disk.join("fanfare.db"));
	using db = openConnection({ path: disk.join("fanfare.db") });
	db.exec("INSERT INTO filler VALUES (1)");
	disk.fill(400_000);
	const config = readConfig({ FANFARE_DATA_DIR: disk.join() });
	const failures: unknown[] = [];
	const began = Promise.withResolvers<void>();
	const options = { onProgress: () => began.resolve() };
	const backup = backupDataDir(config, out.join("b.db"), options).catch((error: unknown) => failures.push(error));
	await began.promise;
	while (failures.length === 0) {
		// More than the half, and not the whole.
		if (disk.freeBytes > 100_000) db.exec("INSERT INTO filler VALUES (1)");
		await nextTurn();
	}
	await backup;
	expect(failures).toMatchObject([{ message: expect.stringContaining("has grown by more than 1 MB") as string }]);
	expect(readdirSync(out.path)).toEqual([]);
});

it.skipIf(smallDiskIssue() !== null)("says that the disk is full if it fills up during the copy", async () => {
	using dir = new TemporaryDir();
	using disk = new SmallDisk(4);
	await fillStore(dir.join("fanfare.db"));
	writeFileSync(disk.join("b.db"), "");
	const copy = copyInProcess(dir.join("fanfare.db"), disk.join("b.db"), NEVER);
	await expect(copy).rejects.toMatchObject({ name: "StoreError", code: "store_full" });
});

it("ends its process when it is aborted", async () => {
	using dir = new TemporaryDir();
	await fillStore(dir.join("fanfare.db"));
	writeFileSync(dir.join("b.db"), "");
	const abort = new AbortController();
	const copy = copyInProcess(dir.join("fanfare.db"), dir.join("b.db"), abort.signal);
	abort.abort(new Error("enough"));
	await expect(copy).rejects.toThrow("enough");
	await expect(copyInProcess(dir.join("fanfare.db"), dir.join("b.db"), abort.signal)).rejects.toThrow("enough");
});
