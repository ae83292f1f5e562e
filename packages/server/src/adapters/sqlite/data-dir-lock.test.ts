// Two servers never share a data directory, and a dead server never keeps one locked.
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { lockDataDir } from "./data-dir-lock.ts";
import { startChild } from "./test/child-process.ts";

const LOCKING = `
	import { lockDataDir } from ${JSON.stringify(new URL("./data-dir-lock.ts", import.meta.url).href)};
	lockDataDir(process.argv[1]);
	console.log("locked");
	setInterval(() => {}, 1_000);
`;

describe("the lock of a data directory", () => {
	it("refuses a second process and names the first, until that one is killed", async () => {
		using dir = new TemporaryDir();
		await using other = startChild(LOCKING, dir.path);
		await other.line("locked");
		expect(() => lockDataDir(dir.path)).toThrow(
			`another Fanfare (process ${other.pid}) is already running on ${dir.path}: stop it first, or give this one another FANFARE_DATA_DIR`,
		);
		await other.kill();
		expect(readFileSync(dir.join("fanfare.pid"), "utf8")).toBe(`${other.pid}\n`);
		const lock = lockDataDir(dir.path);
		expect(readFileSync(dir.join("fanfare.pid"), "utf8")).toBe(`${process.pid}\n`);
		lock.release();
	});

	it("refuses a second lock in the same process, too, and ignores the id of a running process without a lock", () => {
		using dir = new TemporaryDir();
		writeFileSync(dir.join("fanfare.pid"), `${process.ppid}\n`);
		const lock = lockDataDir(dir.path);
		expect(() => lockDataDir(dir.path)).toThrow(`process ${process.pid}`);
		for (let n = 0; n < 2; n++) lock.release();
		expect(existsSync(dir.join("fanfare.pid"))).toBe(false);
		lockDataDir(dir.path).release();
	});

	it("creates the directory and its files for their owner only", () => {
		using dir = new TemporaryDir();
		const path = dir.join("deep", "data");
		const lock = lockDataDir(path);
		const mode = (name: string) => (statSync(dir.join("deep", "data", name)).mode & 0o777).toString(8);
		expect([mode(".."), mode(".")]).toEqual(["700", "700"]);
		// No other file: SQLite's journal would get permissions of its own.
		expect(readdirSync(path).map((name) => [name, mode(name)])).toEqual([
			["fanfare.lock", "600"],
			["fanfare.pid", "600"],
		]);
		lock.release();
	});

	it("refuses a directory that everybody may write to, and says what to do", () => {
		using dir = new TemporaryDir();
		for (const mode of [0o777, 0o1777, 0o702]) {
			chmodSync(dir.path, mode);
			expect(() => lockDataDir(dir.path)).toThrow(
				`the data directory ${dir.path} can be written to by every user of this machine (mode ${(mode & 0o777).toString(8)}): run chmod 700 on it, or set FANFARE_DATA_DIR to a new directory in it`,
			);
		}
		expect(readdirSync(dir.path)).toEqual([]);
		lockDataDir(dir.join("data")).release();
	});

	it("warns of a directory that its group may write to", () => {
		using dir = new TemporaryDir();
		chmodSync(dir.path, 0o770);
		const lock = lockDataDir(dir.path);
		expect(lock.warning).toMatch(/^the data directory .* can be written to by its group \(mode 770\).*chmod 700/);
		lock.release();
		chmodSync(dir.path, 0o755);
		const other = lockDataDir(dir.path);
		expect(other.warning).toBeNull();
		other.release();
	});

	it("writes its process id to a file of its own, and never through a link", () => {
		using dir = new TemporaryDir();
		writeFileSync(dir.join("elsewhere"), "keep");
		symlinkSync(dir.join("elsewhere"), dir.join("fanfare.pid"));
		const lock = lockDataDir(dir.path);
		expect(readFileSync(dir.join("elsewhere"), "utf8")).toBe("keep");
		expect(readFileSync(dir.join("fanfare.pid"), "utf8")).toBe(`${process.pid}\n`);
		lock.release();
	});

	it("explains why a path can't be used as a data directory", () => {
		using dir = new TemporaryDir();
		writeFileSync(dir.join("file"), "");
		const notDirectory = /data directory .*file can't be used: it is not a directory.*FANFARE_DATA_DIR/;
		expect(() => lockDataDir(dir.join("file"))).toThrow(notDirectory);
		// Where no directory can be created.
		if (process.platform !== "linux") return;
		expect(() => lockDataDir("/proc/fanfare/data")).toThrow(/\/proc\/fanfare\/data can't be used: .*FANFARE_DATA_DIR/);
	});
});
