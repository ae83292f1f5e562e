// `fanfare restore` and `fanfare release`: a copy that sends nothing until it is released, and targets and files that are refused.
import {
	copyFileSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	statSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { DatabaseSync } from "node:sqlite";

import { eventually } from "@fanfare/testkit/eventually";
import { FanfareProcess, runFanfare } from "@fanfare/testkit/fanfare-process";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { runInProcess } from "./support/in-process.ts";
import { backup, restore, waitsAt } from "./support/offline.ts";

/** A server that has stopped, in `original`, and a backup of it, in `b.db`. */
const dir = new TemporaryDir();
const file = dir.join("b.db");
const keyFile = dir.join("original/master.key");
let key = "";
let eventId = "";
beforeAll(async () => {
	await using server = await startServerProcess({ dataDir: dir.join("original") });
	eventId = (await server.project.events.send({ type: "a.b", data: 1 })).id;
	key = server.key;
	expect(await backup(file, server.dataDir)).toMatchObject({ code: 0 });
	await server.stop();
});
afterAll(() => dir[Symbol.dispose]());

const IGNORED = new Set(["fanfare.lock", "master.key"]);
const dataIn = (dataDir: string) =>
	existsSync(dataDir) ? readdirSync(dataDir).filter((name) => !IGNORED.has(name)) : [];

it("with --hold, sends nothing of the past and nothing new, until the release sends what was waiting", async () => {
	await using receiver = await startReceiver();
	await using failing = await startReceiver();
	failing.respond([{ status: 500 }]);
	using own = new TemporaryDir();
	await using original = await startServerProcess({ dataDir: own.join("original") });
	const webhook = await original.createWebhook(receiver.url);
	const paused = await original.createWebhook(receiver.url);
	await original.project.batch.webhooks.pause(paused.id);
	const retries = { maxRetries: 1, maxRetryDelay: 3_600_000, scheduleMs: [3_600_000] };
	const slow = await original.createWebhook(failing.url, { retries });
	const { id: later } = await original.project.events.send({ type: "a.b", data: 1, webhookIds: [slow.id] });
	await original.waitForDelivery(later, ({ status, attemptCount }) => status === "Pending" && attemptCount === 1);
	expect(await backup(own.join("b.db"), original.dataDir)).toMatchObject({ code: 0 });
	await original.stop();

	const restored = await restore(own.join("b.db"), own.join("copy"), "--hold");
	expect(restored).toMatchObject({ code: 0, stdout: "" });
	expect(restored.stderr).toContain("2 webhooks are Paused with the reason restored");
	expect(restored.stderr).toContain("bring the master key with the fingerprint");
	const early = await runFanfare(["serve", "--port", "0", "--data-dir", own.join("copy")]);
	expect([early.code, early.stderr]).toEqual([1, expect.stringMatching(/master\.key is missing.*not in a backup/)]);
	expect(statSync(own.join("copy/fanfare.db")).mode & 0o777).toBe(0o600);
	copyFileSync(`${original.dataDir}/master.key`, own.join("copy/master.key"));
	await using copy = await startServerProcess({
		dataDir: own.join("copy"),
		env: { FANFARE_ADMIN_KEY: original.key },
	});
	const { webhooks } = copy.project.batch;
	expect(await webhooks.get(webhook.id)).toMatchObject({ status: "Paused", pausedReason: "restored" });
	expect(await webhooks.get(paused.id)).toMatchObject({ status: "Paused", pausedReason: null });
	const { id: fresh } = await copy.project.events.send({ type: "a.b", data: 2, webhookIds: [webhook.id] });
	const isHeld = ({ status, reason }: { status: string; reason: string | null }) =>
		status === "Held" && reason === "the webhook is paused: restored";
	await copy.waitForDelivery(fresh, isHeld);
	await copy.waitForDelivery(later, isHeld);
	const [entry] = (await copy.client.audit.list({ action: "workspace.restore" })).data;
	expect(entry).toMatchObject({ keyId: null, projectId: null });
	expect([receiver.requests.length, failing.requests.length]).toEqual([0, 1]);

	const release = (args: readonly string[], FANFARE_KEY = original.key) =>
		runInProcess(["release", ...args], { env: { FANFARE_KEY, FANFARE_URL: copy.url } });
	const { secretKey } = await copy.client.keys.create({ name: "w", scope: "write" });
	expect(await release([], secretKey)).toMatchObject({ code: 1, stderr: expect.stringMatching(/^fanfare: .*admin/) });
	const one = ["--project", copy.projectId, "--webhook"];
	const stays = `The webhook ${paused.id} was not paused by a restore, and stays Paused.\n`;
	expect(await release([...one, paused.id])).toEqual({ code: 0, stdout: "", stderr: stays });
	const released = `The webhook ${slow.id} was released.\n`;
	expect(await release([...one, slow.id])).toEqual({ code: 0, stdout: "", stderr: released });
	await copy.waitForDelivery(later, ({ status }) => status === "Succeeded");
	expect(await release([])).toEqual({ code: 0, stdout: "", stderr: "1 webhook was released.\n" });
	await copy.waitForDelivery(fresh, ({ status }) => status === "Succeeded");
	expect(await webhooks.get(webhook.id)).toMatchObject({ status: "Enabled", pausedReason: null });
	expect(await webhooks.get(paused.id)).toMatchObject({ status: "Paused", pausedReason: null });
	expect((await release(["--project", copy.projectId])).stderr).toBe("0 webhooks were released.\n");
});

describe("refuses", () => {
	it("a target that has data, is in use, or has the wrong key, and changes nothing there", async () => {
		for (const name of ["other", "keyed", "new"]) mkdirSync(dir.join(name), { mode: 0o700 });
		writeFileSync(dir.join("other/notes.txt"), "keep");
		const wrongKey = `${Buffer.alloc(32, 9).toString("base64")}\n`;
		writeFileSync(dir.join("keyed/master.key"), wrongKey, { mode: 0o600 });
		// A server has just begun to use it.
		using lock = new DatabaseSync(dir.join("new/fanfare.lock"));
		lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
		for (const [target, message, left] of [
			["other", /is not empty \(it has notes\.txt\)/, ["notes.txt"]],
			["original", /is not empty/, dataIn(dir.join("original"))],
			["keyed", /is not the key that the backup/, []],
			["new", /is already running on/, []],
		] as const) {
			const { code, stderr } = await restore(file, dir.join(target));
			expect([target, code, stderr]).toEqual([target, 1, expect.stringMatching(message)]);
			expect(dataIn(dir.join(target))).toEqual(left);
		}
	});

	it("files that are no complete backup, and leaves no store", async () => {
		const damaged = readFileSync(file);
		damaged.fill(0xff, 8_192, 8_192 + 2_048);
		writeFileSync(dir.join("damaged.db"), damaged);
		copyFileSync(file, dir.join("cut.db"));
		truncateSync(dir.join("cut.db"), statSync(file).size - 4_096);
		writeFileSync(dir.join("empty.db"), "");
		writeFileSync(dir.join("text.db"), "not a database, but long enough to have a header of one".repeat(10));
		{
			using foreign = new DatabaseSync(dir.join("foreign.db"));
			foreign.exec("CREATE TABLE other (a)");
			copyFileSync(file, dir.join("newer.db"));
			using newer = new DatabaseSync(dir.join("newer.db"));
			newer.exec("INSERT INTO migrations VALUES (9999, 'of-the-future', 0)");
		}
		copyFileSync(file, dir.join("raw.db"));
		writeFileSync(dir.join("raw.db-wal"), "frames");
		for (const [name, expected] of [
			["damaged.db", "damaged"],
			["cut.db", "is incomplete"],
			["empty.db", "is no database"],
			["text.db", "is no database"],
			["foreign.db", "a database of another program"],
			["newer.db", "a newer Fanfare has written it"],
			["raw.db", "raw.db-wal beside it"],
			["missing.db", "it does not exist"],
			["original", "is no file"],
		] as const) {
			const { code, stderr } = await restore(dir.join(name), dir.join(`of-${name}`), "--hold");
			expect([name, code, stderr]).toEqual([name, 1, expect.stringContaining(expected)]);
			expect(stderr).toMatch(/^fanfare: .*\n$/);
			expect(dataIn(dir.join(`of-${name}`))).toEqual([]);
		}
		// A link to a backup is followed: `latest.db` is a common name for one.
		symlinkSync(file, dir.join("latest.db"));
		mkdirSync(dir.join("good"), { mode: 0o700 });
		copyFileSync(keyFile, dir.join("good/master.key"));
		const good = await restore(dir.join("latest.db"), dir.join("good"));
		expect([good.code, good.stderr]).toEqual([0, expect.not.stringContaining("bring the master key")]);
	});
});

it("that is killed leaves nothing that a server would start on, and the next restore begins anew", async () => {
	const target = dir.join("copy");
	const args = ["restore", file, "--data-dir", target, "--hold"];
	await using running = new FanfareProcess(args, { preload: [waitsAt("check")] });
	const unfinished = () => existsSync(`${target}/fanfare.db.restoring`);
	await eventually("the unfinished file", () => running.exit !== null || unfinished());
	running.kill("SIGKILL");
	expect(await running.exited).toEqual({ code: null, signal: "SIGKILL" });
	expect(existsSync(`${target}/fanfare.db`)).toBe(false);
	const start = await runFanfare(["serve"], { env: { FANFARE_DATA_DIR: target, FANFARE_PORT: "0" } });
	expect([start.code, start.stderr]).toEqual([1, expect.stringContaining("has not ended: run fanfare restore again")]);

	expect(await restore(file, target, "--hold")).toMatchObject({ code: 0 });
	expect(dataIn(target)).toEqual(["fanfare.db"]);
	copyFileSync(keyFile, `${target}/master.key`);
	await using copy = await startServerProcess({ dataDir: target, env: { FANFARE_ADMIN_KEY: key } });
	expect(await copy.project.events.get(eventId)).toMatchObject({ id: eventId });
});
