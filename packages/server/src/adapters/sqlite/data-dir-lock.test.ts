// Two servers never share a data directory, and a dead one never keeps it.
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { lockDataDir } from "./data-dir-lock.ts";
import { startChild } from "./test/child-process.ts";

const HOLDER = `
	import { lockDataDir } from ${JSON.stringify(new URL("./data-dir-lock.ts", import.meta.url).href)};
	lockDataDir(process.argv[1]);
	console.log("locked");
	setInterval(() => {}, 1_000);
`;

describe("the lock of a data directory", () => {
	it("refuses a second process and names the first, until that one is killed", async () => {
		using dir = new TemporaryDir();
		await using holder = startChild(HOLDER, dir.path);
		await holder.line("locked");
		expect(() => lockDataDir(dir.path)).toThrow(
			`another Fanfare (process ${holder.pid}) is already running on ${dir.path}: stop it first, or give this one another FANFARE_DATA_DIR`,
		);
		await holder.kill();
		expect(readFileSync(dir.join("fanfare.pid"), "utf8")).toBe(`${holder.pid}\n`);
		const lock = lockDataDir(dir.path);
		expect(readFileSync(dir.join("fanfare.pid"), "utf8")).toBe(`${process.pid}\n`);
		lock.release();
	});

	it("is not fooled by a file that names a living process", () => {
		using dir = new TemporaryDir();
		writeFileSync(dir.join("fanfare.pid"), `${process.ppid}\n`);
		lockDataDir(dir.path).release();
	});

	it("refuses a second holder in the same process, too", () => {
		using dir = new TemporaryDir();
		const lock = lockDataDir(dir.path);
		expect(() => lockDataDir(dir.path)).toThrow(`process ${process.pid}`);
		lock.release();
		lock.release();
		expect(existsSync(dir.join("fanfare.pid"))).toBe(false);
		lockDataDir(dir.path).release();
	});

	it("makes the directory and its files for their owner only", () => {
		using dir = new TemporaryDir();
		const path = dir.join("deep", "data");
		const lock = lockDataDir(path);
		const mode = (name: string) => (statSync(dir.join("deep", "data", name)).mode & 0o777).toString(8);
		expect([mode("."), mode("fanfare.lock"), mode("fanfare.pid")]).toEqual(["700", "600", "600"]);
		lock.release();
	});

	it("says what is wrong with a directory that can't be one", () => {
		using dir = new TemporaryDir();
		writeFileSync(dir.join("file"), "");
		expect(() => lockDataDir(dir.join("file"))).toThrow(
			/data directory .*file can't be used: it is not a directory.*FANFARE_DATA_DIR/,
		);
	});
});
