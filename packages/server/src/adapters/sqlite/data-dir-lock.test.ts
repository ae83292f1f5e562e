// Two servers never share a data directory, and a dead server never keeps one locked.
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";

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

	it("ignores the id of a running process in the file if there is no lock", () => {
		using dir = new TemporaryDir();
		writeFileSync(dir.join("fanfare.pid"), `${process.ppid}\n`);
		lockDataDir(dir.path).release();
	});

	it("refuses a second lock in the same process, too", () => {
		using dir = new TemporaryDir();
		const lock = lockDataDir(dir.path);
		expect(() => lockDataDir(dir.path)).toThrow(`process ${process.pid}`);
		lock.release();
		lock.release();
		expect(existsSync(dir.join("fanfare.pid"))).toBe(false);
		lockDataDir(dir.path).release();
	});

	it("creates the directory and its files for their owner only", () => {
		using dir = new TemporaryDir();
		const path = dir.join("deep", "data");
		const lock = lockDataDir(path);
		const mode = (name: string) => (statSync(dir.join("deep", "data", name)).mode & 0o777).toString(8);
		expect([mode("."), mode("fanfare.lock"), mode("fanfare.pid")]).toEqual(["700", "600", "600"]);
		lock.release();
	});

	it("explains why a path can't be used as a data directory", () => {
		using dir = new TemporaryDir();
		writeFileSync(dir.join("file"), "");
		expect(() => lockDataDir(dir.join("file"))).toThrow(
			/data directory .*file can't be used: it is not a directory.*FANFARE_DATA_DIR/,
		);
	});
});
