// `fanfare backup`: complete beside a running server and after a crash, private, and never half a file under the name of a backup.
import {
	chmodSync,
	existsSync,
	linkSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { DatabaseSync } from "node:sqlite";

import { eventually } from "@fanfare/testkit/eventually";
import { FanfareProcess, runFanfare } from "@fanfare/testkit/fanfare-process";
import { seededRandom } from "@fanfare/testkit/seeded-random";
import { SendingLoad } from "@fanfare/testkit/sending-load";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { SmallDisk, smallDiskIssue } from "@fanfare/testkit/small-disk";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { waitsAt } from "./support/waits-at.ts";

/** Backups whose store is large enough that they take some time. */
const MANY_EVENTS = 4_000;

/** Ends the process when it would give a finished file its name. */
const DIES_AT_RENAME = `data:text/javascript,${encodeURIComponent(`
	import fs from "node:fs";
	import { syncBuiltinESMExports } from "node:module";
	fs.renameSync = () => process.kill(process.pid, "SIGKILL");
	syncBuiltinESMExports();
`)}`;

const backup = (file: string, dataDir: string, ...more: readonly string[]) =>
	runFanfare(["backup", file, "--data-dir", dataDir, ...more]);

/** The ids of all events in a database file, as the API shows them. */
function eventIds(path: string): Set<string> {
	using db = new DatabaseSync(path, { readOnly: true });
	const rows = db.prepare("SELECT lower(hex(id)) AS hex FROM events").all();
	const uuid = (hex: string) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
	return new Set(rows.map((row) => `evt_${uuid(String(row["hex"]))}`));
}

/** The data directory of a server that has stopped, with some megabytes of events. */
async function largeDataDir(dir: TemporaryDir): Promise<string> {
	await using server = await startServerProcess({ dataDir: dir.join("data") });
	const events = Array.from({ length: 1_000 }, () => ({ type: "a.b", data: "x".repeat(2_000) }));
	for (let sent = 0; sent < MANY_EVENTS; sent += events.length) await server.project.events.sendBatch(events);
	await server.stop();
	return server.dataDir;
}

describe("beside a running server", () => {
	it("has every event that was acknowledged before, replaces the earlier backup, and disturbs no send", async () => {
		using dir = new TemporaryDir();
		await using server = await startServerProcess();
		const file = dir.join("fanfare.db");
		await using load = new SendingLoad(server, { senders: 4, pauseMs: 5, random: seededRandom(1), persistent: false });
		for (const round of [1, 2]) {
			await eventually("some events", () => load.acknowledged.size > 50 * round);
			const before = [...load.acknowledged.keys()];
			const { code, stdout, stderr } = await backup(file, server.dataDir);
			expect([code, stdout, stderr]).toEqual([0, "", expect.stringContaining(`The backup is in ${file}`)]);
			const ids = eventIds(file);
			expect(before.filter((id) => !ids.has(id))).toEqual([]);
			expect(statSync(file).mode & 0o777).toBe(0o600);
			expect(readdirSync(dir.path)).toEqual(["fanfare.db"]);
		}
		const count = load.acknowledged.size;
		await eventually("more events", () => load.acknowledged.size > count + 50);
		await load.stop();
		expect(readFileSync(file).includes(readFileSync(`${server.dataDir}/master.key`).subarray(0, 40))).toBe(false);
	});

	it("leaves a file of its own owner alone under any umask, and one that the store can free space in", async () => {
		using dir = new TemporaryDir();
		await using server = await startServerProcess();
		for (const umask of [0o000, 0o777]) {
			const file = dir.join(`umask-${umask}.db`);
			const preload = [`data:text/javascript,process.umask(${umask})`];
			const { code } = await runFanfare(["backup", file, "--data-dir", server.dataDir], { preload });
			expect([code, statSync(file).mode & 0o777]).toEqual([0, 0o600]);
			using db = new DatabaseSync(file);
			expect(db.prepare("PRAGMA auto_vacuum").get()).toEqual({ auto_vacuum: 2 });
		}
	});

	it("warns if the key that it finds is not the one of the data", async () => {
		using dir = new TemporaryDir();
		const masterKey = Buffer.alloc(32, 7).toString("base64");
		await using server = await startServerProcess({ env: { FANFARE_MASTER_KEY: masterKey } });
		const args = ["backup", dir.join("b.db"), "--data-dir", server.dataDir];
		const fits = await runFanfare(args, { env: { FANFARE_MASTER_KEY: masterKey } });
		expect([fits.code, fits.stderr.includes("Warning")]).toEqual([0, false]);
		const other = await runFanfare(args, { env: { FANFARE_MASTER_KEY: Buffer.alloc(32, 8).toString("base64") } });
		expect([other.code, other.stderr]).toEqual([0, expect.stringContaining("is another one")]);
		expect(other.stderr).not.toContain(masterKey);
	});
});

describe("without a server", () => {
	it("has what was acknowledged before a SIGKILL, and changes nothing in the data directory that a start would miss", async () => {
		using dir = new TemporaryDir();
		await using server = await startServerProcess();
		const { id } = await server.project.events.send({ type: "a.b", data: 1 });
		server.kill("SIGKILL");
		await server.exited;
		expect(await backup(dir.join("b.db"), server.dataDir)).toMatchObject({ code: 0 });
		expect(eventIds(dir.join("b.db"))).toContain(id);
		await server.restart();
		expect(await server.project.events.get(id)).toMatchObject({ id });
	});

	it("refuses a directory without data, and creates nothing", async () => {
		using dir = new TemporaryDir();
		const refused = await backup(dir.join("b.db"), dir.join("mistyped"));
		expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/^fanfare: .*mistyped.*\n$/)]);
		expect(readdirSync(dir.path)).toEqual([]);
	});
});

it("refuses a destination that is no backup, and changes nothing there", async () => {
	using dir = new TemporaryDir();
	await using server = await startServerProcess({ dataDir: dir.join("data") });
	const store = `${server.dataDir}/fanfare.db`;
	writeFileSync(dir.join("notes.txt"), "keep", { mode: 0o644 });
	symlinkSync(dir.join("notes.txt"), dir.join("link.db"));
	linkSync(store, dir.join("hard-link.db"));
	mkdirSync(dir.join("folder"));
	const before = readdirSync(dir.path);
	for (const [file, expected] of [
		[dir.join("notes.txt"), "is no backup"],
		[dir.join("link.db"), "is a link"],
		[dir.join("hard-link.db"), "is no backup"],
		[dir.join("folder"), "is a directory"],
		[dir.join("missing/b.db"), "is not a directory"],
		[store, "in the data directory"],
		[dir.join("data/other.db"), "in the data directory"],
	] as const) {
		const { code, stderr } = await backup(file, server.dataDir);
		expect([file, code, stderr]).toEqual([file, 1, expect.stringContaining(expected)]);
		expect(stderr).toMatch(/^fanfare: .*\n$/);
	}
	expect(readdirSync(dir.path)).toEqual(before);
	expect(readFileSync(dir.join("notes.txt"), "utf8")).toBe("keep");
	expect(statSync(dir.join("notes.txt")).mode & 0o777).toBe(0o644);
	await server.project.events.send({ type: "a.b", data: 1 });
});

it.skipIf(process.getuid?.() !== 0)("says that it may not write there", async () => {
	using dir = new TemporaryDir();
	chmodSync(dir.path, 0o755);
	mkdirSync(dir.join("data"), { mode: 0o777 });
	writeFileSync(dir.join("data/fanfare.db"), "", { mode: 0o666 });
	const { code, stderr } = await runFanfare(["backup", dir.join("b.db"), "--data-dir", dir.join("data")], {
		uid: 65_534,
	});
	expect([code, stderr]).toEqual([1, expect.stringContaining("this user has no permission")]);
});

it.skipIf(process.getuid?.() !== 0)("says that it may not read the data", async () => {
	using dir = new TemporaryDir();
	chmodSync(dir.path, 0o777);
	mkdirSync(dir.join("data"), { mode: 0o700 });
	writeFileSync(dir.join("data/fanfare.db"), "");
	const { code, stderr } = await runFanfare(["backup", dir.join("b.db"), "--data-dir", dir.join("data")], {
		uid: 65_534,
	});
	const expected = `fanfare: ${dir.join("data/fanfare.db")} can't be read: this user has no permission\n`;
	expect([code, stderr]).toEqual([1, expected]);
});

describe("an end in the middle", () => {
	/** Begins a backup, and waits until its unfinished file is there. It comes no further than this step. */
	async function begin(dir: TemporaryDir, dataDir: string, step: "copy" | "check"): Promise<FanfareProcess> {
		const args = ["backup", dir.join("out/b.db"), "--data-dir", dataDir];
		const running = new FanfareProcess(args, { preload: [waitsAt(step)] });
		const isThere = () => readdirSync(dir.join("out")).some((name) => name.includes(".partial-"));
		await eventually("the unfinished file", () => running.exit !== null || isThere());
		expect(running.exit).toBeNull();
		return running;
	}

	it("by SIGKILL leaves the earlier backup as it was, and the next one removes what is left", async () => {
		using dir = new TemporaryDir();
		const dataDir = await largeDataDir(dir);
		mkdirSync(dir.join("out"));
		expect(await backup(dir.join("out/b.db"), dataDir)).toMatchObject({ code: 0 });
		const { ino, mtimeMs } = statSync(dir.join("out/b.db"));
		await using running = await begin(dir, dataDir, "check");
		running.kill("SIGKILL");
		await running.exited;
		expect(statSync(dir.join("out/b.db"))).toMatchObject({ ino, mtimeMs });
		expect(await backup(dir.join("out/b.db"), dataDir)).toMatchObject({ code: 0 });
		expect(readdirSync(dir.join("out"))).toEqual(["b.db"]);
		expect(eventIds(dir.join("out/b.db")).size).toBe(MANY_EVENTS);
	});

	it("just before the file gets its name leaves the earlier backup, too", async () => {
		using dir = new TemporaryDir();
		await using server = await startServerProcess();
		expect(await backup(dir.join("b.db"), server.dataDir)).toMatchObject({ code: 0 });
		const { ino } = statSync(dir.join("b.db"));
		await server.project.events.send({ type: "a.b", data: 1 });
		const args = ["backup", dir.join("b.db"), "--data-dir", server.dataDir];
		expect(await runFanfare(args, { preload: [DIES_AT_RENAME] })).toMatchObject({ signal: "SIGKILL" });
		expect(statSync(dir.join("b.db")).ino).toBe(ino);
		expect(readdirSync(dir.path)).toHaveLength(2);
		expect(await runFanfare(args)).toMatchObject({ code: 0 });
		expect(readdirSync(dir.path)).toEqual(["b.db"]);
		expect(eventIds(dir.join("b.db")).size).toBe(1);
	});

	it.each([
		["SIGTERM", 143, "copy"],
		["SIGINT", 130, "check"],
	] as const)("by %s leaves nothing, and exits with %i", async (signal, code, step) => {
		using dir = new TemporaryDir();
		const dataDir = await largeDataDir(dir);
		mkdirSync(dir.join("out"));
		await using running = await begin(dir, dataDir, step);
		running.kill(signal);
		expect(await running.exited).toEqual({ code, signal: null });
		expect(readdirSync(dir.join("out"))).toEqual([]);
		expect(running.stderr).toMatch(/^fanfare: ended by a signal/);
	});
});

describe.skipIf(smallDiskIssue() !== null)("on a small disk", () => {
	it("says how much room it needs, and leaves nothing", async () => {
		using dir = new TemporaryDir();
		using disk = new SmallDisk(4);
		const dataDir = await largeDataDir(dir);
		const { code, stderr } = await backup(disk.join("b.db"), dataDir);
		expect([code, stderr]).toEqual([
			1,
			expect.stringMatching(/^fanfare: a backup needs up to \d+ MB in .* only \d MB are free/),
		]);
		expect(readdirSync(disk.join())).toEqual([]);
	});
});

it("names the limit of the log in its help, and refuses one that is no number", async () => {
	const help = await runFanfare(["backup", "--help"]);
	expect([help.code, help.stdout]).toEqual([0, expect.stringContaining("--max-wal-mb")]);
	const refused = await runFanfare(["backup", "b.db", "--max-wal-mb", "lots"]);
	expect([refused.code, refused.stdout, existsSync("b.db")]).toEqual([2, "", false]);
	expect(refused.stderr).toContain("--max-wal-mb");
});

it("ends when its reader goes away, with its result in place", async () => {
	using dir = new TemporaryDir();
	await using server = await startServerProcess();
	const running = new FanfareProcess(["backup", dir.join("b.db"), "--data-dir", server.dataDir]);
	running.hangUp();
	expect(await running.exited).toEqual({ code: 0, signal: null });
	expect(eventIds(dir.join("b.db")).size).toBe(0);
});
