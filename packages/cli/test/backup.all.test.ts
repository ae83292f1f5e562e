// `fanfare backup` in processes: other users, signals, a full disk, and ends at every step.
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

import { eventually } from "@fanfare/testkit/eventually";
import { FanfareProcess, runFanfare } from "@fanfare/testkit/fanfare-process";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { SmallDisk, smallDiskIssue } from "@fanfare/testkit/small-disk";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, beforeAll, expect, it } from "vitest";

import { backup, DIES_AT_RENAME, eventIds, waitsAt } from "./support/offline.ts";

/** Backups whose store is large enough that they take some time. */
const MANY_EVENTS = 4_000;

/** The data directory of a server that has stopped, with some megabytes of events. */
const home = new TemporaryDir();
const dataDir = home.join("data");
beforeAll(async () => {
	await using server = await startServerProcess({ dataDir });
	const events = Array.from({ length: 1_000 }, () => ({ type: "a.b", data: "x".repeat(2_000) }));
	for (let sent = 0; sent < MANY_EVENTS; sent += events.length) await server.project.events.sendBatch(events);
	await server.stop();
});
afterAll(() => home[Symbol.dispose]());

const argsOf = (file: string, from = dataDir) => ["backup", file, "--data-dir", from];

it("leaves a file of its own owner alone under any umask, and one that the store can free space in", async () => {
	using dir = new TemporaryDir();
	for (const umask of [0o000, 0o777]) {
		const file = dir.join(`umask-${umask}.db`);
		const { code } = await runFanfare(argsOf(file), { preload: [`data:text/javascript,process.umask(${umask})`] });
		expect([code, statSync(file).mode & 0o777]).toEqual([0, 0o600]);
		using db = new DatabaseSync(file);
		expect(db.prepare("PRAGMA auto_vacuum").get()).toEqual({ auto_vacuum: 2 });
	}
});

it.skipIf(process.getuid?.() !== 0).each([
	["write there", 0o755, 0o777, /this user has no permission/],
	["read the data", 0o777, 0o700, /data\/fanfare\.db can't be read: this user has no permission\n$/],
])("says that it may not %s", async (_what, mode, dataMode, message) => {
	using dir = new TemporaryDir();
	mkdirSync(dir.join("data"));
	writeFileSync(dir.join("data/fanfare.db"), "");
	chmodSync(dir.path, mode);
	chmodSync(dir.join("data"), dataMode);
	chmodSync(dir.join("data/fanfare.db"), 0o666);
	const { code, stderr } = await runFanfare(argsOf(dir.join("b.db"), dir.join("data")), { uid: 65_534 });
	expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
});

it("that is killed just before the file gets its name leaves the earlier backup", async () => {
	using dir = new TemporaryDir();
	const file = dir.join("b.db");
	expect(await backup(file, dataDir)).toMatchObject({ code: 0 });
	const { ino } = statSync(file);
	expect(await runFanfare(argsOf(file), { preload: [DIES_AT_RENAME] })).toMatchObject({ signal: "SIGKILL" });
	expect([statSync(file).ino, readdirSync(dir.path).length]).toEqual([ino, 2]);
	expect(await backup(file, dataDir)).toMatchObject({ code: 0 });
	expect(readdirSync(dir.path)).toEqual(["b.db"]);
	expect(eventIds(file).size).toBe(MANY_EVENTS);
});

it.each([
	["SIGTERM", 143, "copy"],
	["SIGINT", 130, "check"],
] as const)("that is ended by %s leaves nothing, and exits with %i", async (signal, code, step) => {
	using dir = new TemporaryDir();
	await using running = new FanfareProcess(argsOf(dir.join("b.db")), { preload: [waitsAt(step)] });
	await eventually("the unfinished file", () => running.exit !== null || readdirSync(dir.path).length > 0);
	running.kill(signal);
	expect(await running.exited).toEqual({ code, signal: null });
	expect(readdirSync(dir.path)).toEqual([]);
	expect(running.stderr).toMatch(/^fanfare: ended by a signal/);
});

it.skipIf(smallDiskIssue() !== null)("on a small disk says how much room it needs, and leaves nothing", async () => {
	using disk = new SmallDisk(4);
	const { code, stderr } = await backup(disk.join("b.db"), dataDir);
	const message = /^fanfare: a backup needs up to \d+ MB in .* only \d MB are free/;
	expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
	expect(readdirSync(disk.join())).toEqual([]);
});

it("ends when its reader goes away, with its result in place", async () => {
	using dir = new TemporaryDir();
	await using running = new FanfareProcess(argsOf(dir.join("b.db")));
	running.hangUp();
	expect(await running.exited).toEqual({ code: 0, signal: null });
	expect(eventIds(dir.join("b.db")).size).toBe(MANY_EVENTS);
});
