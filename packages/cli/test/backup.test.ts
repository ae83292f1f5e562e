// `fanfare backup`: complete beside a running server and after a crash, private, and never half a file under the name of a backup.
import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";

import { eventually } from "@fanfare/testkit/eventually";
import { FanfareProcess } from "@fanfare/testkit/fanfare-process";
import { seededRandom } from "@fanfare/testkit/seeded-random";
import { SendingLoad } from "@fanfare/testkit/sending-load";
import { startServerProcess, type ServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { backup, eventIds, waitsAt } from "./support/offline.ts";

describe("beside a running server", () => {
	const dir = new TemporaryDir();
	let server: ServerProcess;
	beforeAll(async () => {
		server = await startServerProcess({ dataDir: dir.join("data") });
	});
	afterAll(async () => {
		await server[Symbol.asyncDispose]();
		dir[Symbol.dispose]();
	});

	it("has every event that was acknowledged before, replaces the earlier backup, and disturbs no send", async () => {
		mkdirSync(dir.join("out"));
		const file = dir.join("out/fanfare.db");
		await using load = new SendingLoad(server, { senders: 4, pauseMs: 5, random: seededRandom(1), persistent: false });
		for (const round of [1, 2]) {
			await eventually("some events", () => load.acknowledged.size > 50 * round);
			const before = [...load.acknowledged.keys()];
			const { code, stdout, stderr } = await backup(file, server.dataDir);
			expect([code, stdout, stderr]).toEqual([0, "", expect.stringContaining(`The backup is in ${file}`)]);
			const ids = eventIds(file);
			expect(before.filter((id) => !ids.has(id))).toEqual([]);
			expect(statSync(file).mode & 0o777).toBe(0o600);
			expect(readdirSync(dir.join("out"))).toEqual(["fanfare.db"]);
		}
		const count = load.acknowledged.size;
		await eventually("more events", () => load.acknowledged.size > count + 50);
		await load.stop();
		expect(readFileSync(file).includes(readFileSync(`${server.dataDir}/master.key`).subarray(0, 40))).toBe(false);
	});

	it("warns if the key that it finds is not the one of the data", async () => {
		const right = readFileSync(`${server.dataDir}/master.key`, "utf8").trim();
		const fits = await backup(dir.join("key.db"), server.dataDir, { FANFARE_MASTER_KEY: right });
		expect([fits.code, fits.stderr.includes("Warning")]).toEqual([0, false]);
		const wrong = Buffer.alloc(32, 8).toString("base64");
		const other = await backup(dir.join("key.db"), server.dataDir, { FANFARE_MASTER_KEY: wrong });
		expect([other.code, other.stderr]).toEqual([0, expect.stringContaining("is another one")]);
		expect(other.stderr).not.toContain(wrong);
	});

	it("refuses a destination that is no backup, and changes nothing there", async () => {
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
});

describe("without a server", () => {
	it("has what was acknowledged before a SIGKILL, and changes nothing in the data directory that a start would miss", async () => {
		using dir = new TemporaryDir();
		await using server = await startServerProcess();
		const { id } = await server.project.events.send({ type: "a.b", data: 1 });
		server.kill("SIGKILL");
		await server.exited;
		mkdirSync(dir.join("out"));
		const file = dir.join("out/b.db");
		expect(await backup(file, server.dataDir)).toMatchObject({ code: 0 });
		expect(eventIds(file)).toContain(id);

		// One that is ended in the middle leaves the earlier backup as it was, and the next one removes what is left.
		const { ino, mtimeMs } = statSync(file);
		const args = ["backup", file, "--data-dir", server.dataDir];
		await using ended = new FanfareProcess(args, { preload: [waitsAt("check")] });
		await eventually("the unfinished file", () => ended.exit !== null || readdirSync(dir.join("out")).length > 1);
		ended.kill("SIGKILL");
		expect(await ended.exited).toEqual({ code: null, signal: "SIGKILL" });
		expect(statSync(file)).toMatchObject({ ino, mtimeMs });
		expect(await backup(file, server.dataDir)).toMatchObject({ code: 0 });
		expect(readdirSync(dir.join("out"))).toEqual(["b.db"]);
		expect(eventIds(file)).toContain(id);
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
