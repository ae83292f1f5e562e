// `fanfare restore` and `fanfare release`: a copy that sends nothing until it is released, and targets and files that are refused.
import {
	chmodSync,
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
import { fixtureServerOptions, openDataFixture } from "@fanfare/testkit/fixture/data-fixture";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { SmallDisk, smallDiskIssue } from "@fanfare/testkit/small-disk";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

import { waitsAt } from "./support/waits-at.ts";

const backup = (file: string, dataDir: string) => runFanfare(["backup", file, "--data-dir", dataDir]);
const restore = (file: string, dataDir: string, ...more: readonly string[]) =>
	runFanfare(["restore", file, "--data-dir", dataDir, ...more]);

/** Ends the process when it would give a finished file its name. */
const DIES_AT_RENAME = `data:text/javascript,${encodeURIComponent(`
	import fs from "node:fs";
	import { syncBuiltinESMExports } from "node:module";
	fs.renameSync = () => process.kill(process.pid, "SIGKILL");
	syncBuiltinESMExports();
`)}`;

/** A backup of a server that has stopped, in `b.db`, and its master key. */
async function makeBackup(dir: TemporaryDir) {
	await using server = await startServerProcess({ dataDir: dir.join("original") });
	const { id } = await server.project.events.send({ type: "a.b", data: 1 });
	expect(await backup(dir.join("b.db"), server.dataDir)).toMatchObject({ code: 0 });
	await server.stop();
	return { file: dir.join("b.db"), keyFile: dir.join("original/master.key"), key: server.key, eventId: id };
}

const IGNORED = new Set(["fanfare.lock", "master.key"]);
const dataIn = (dataDir: string) =>
	existsSync(dataDir) ? readdirSync(dataDir).filter((name) => !IGNORED.has(name)) : [];

describe("on hold", () => {
	it("sends nothing of the past and nothing new, until the release sends what was waiting", async () => {
		await using receiver = await startReceiver();
		await using failing = await startReceiver();
		failing.respond([{ status: 500 }]);
		using dir = new TemporaryDir();
		await using original = await startServerProcess({ dataDir: dir.join("original") });
		const webhook = await original.createWebhook(receiver.url);
		const paused = await original.createWebhook(receiver.url);
		await original.project.batch.webhooks.pause(paused.id);
		const retries = { maxRetries: 1, maxRetryDelay: 3_600_000, scheduleMs: [3_600_000] };
		const slow = await original.createWebhook(failing.url, { retries });
		const { id: later } = await original.project.events.send({ type: "a.b", data: 1, webhookIds: [slow.id] });
		await original.waitForDelivery(later, ({ status, attemptCount }) => status === "Pending" && attemptCount === 1);
		expect(await backup(dir.join("b.db"), original.dataDir)).toMatchObject({ code: 0 });
		await original.stop();

		const restored = await restore(dir.join("b.db"), dir.join("copy"), "--hold");
		expect(restored).toMatchObject({ code: 0, stdout: "" });
		expect(restored.stderr).toContain("2 webhooks are Paused with the reason restored");
		expect(restored.stderr).toContain("bring the master key with the fingerprint");
		const early = await runFanfare(["serve", "--port", "0", "--data-dir", dir.join("copy")]);
		expect([early.code, early.stderr]).toEqual([1, expect.stringMatching(/master\.key is missing.*not in a backup/)]);
		expect(statSync(dir.join("copy/fanfare.db")).mode & 0o777).toBe(0o600);
		copyFileSync(`${original.dataDir}/master.key`, dir.join("copy/master.key"));
		const env = { FANFARE_ADMIN_KEY: original.key };
		await using copy = await startServerProcess({ dataDir: dir.join("copy"), env });
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

		const settings = { env: { FANFARE_KEY: original.key, FANFARE_URL: copy.url } };
		const one = ["release", "--project", copy.projectId, "--webhook"];
		expect(await runFanfare([...one, paused.id], settings)).toMatchObject({
			code: 0,
			stderr: `The webhook ${paused.id} was not paused by a restore, and stays Paused.\n`,
		});
		expect(await runFanfare([...one, slow.id], settings)).toMatchObject({
			code: 0,
			stderr: `The webhook ${slow.id} was released.\n`,
		});
		await copy.waitForDelivery(later, ({ status }) => status === "Succeeded");
		const others = await runFanfare(["release"], settings);
		expect(others).toMatchObject({ code: 0, stdout: "", stderr: "1 webhook was released.\n" });
		await copy.waitForDelivery(fresh, ({ status }) => status === "Succeeded");
		expect(await webhooks.get(webhook.id)).toMatchObject({ status: "Enabled", pausedReason: null });
		expect(await webhooks.get(paused.id)).toMatchObject({ status: "Paused", pausedReason: null });
		expect(await runFanfare(["release", "--project", copy.projectId], settings)).toMatchObject({
			code: 0,
			stderr: "0 webhooks were released.\n",
		});
	});

	it("upgrades a backup of version 0.1 first, and holds its webhooks", async () => {
		using dir = new TemporaryDir();
		using fixture = openDataFixture("0.1");
		expect(await backup(dir.join("b.db"), fixture.dataDir)).toMatchObject({ code: 0 });
		const { code, stderr } = await restore(dir.join("b.db"), dir.join("copy"), "--hold");
		expect([code, stderr]).toEqual([0, expect.stringMatching(/\d webhooks are Paused with the reason restored/)]);
		expect(dataIn(dir.join("copy"))).toEqual(["fanfare.db"]);
		const options = fixtureServerOptions({ ...fixture, dataDir: dir.join("copy") });
		await using copy = await startServerProcess(options);
		let held = 0;
		for (const { id } of await copy.client.listProjects()) {
			for await (const webhook of copy.client.project(id).batch.webhooks.list()) {
				expect(webhook.status).not.toBe("Enabled");
				if (webhook.pausedReason === "restored") held += 1;
			}
		}
		expect(held).toBeGreaterThan(0);
		expect(await copy.client.releaseWebhooks()).toMatchObject({ released: held, complete: true });
	});
});

it("without a hold, leaves a backup of version 0.1 as it is, which the first start upgrades", async () => {
	using dir = new TemporaryDir();
	using fixture = openDataFixture("0.1");
	expect(await backup(dir.join("b.db"), fixture.dataDir)).toMatchObject({ code: 0 });
	const { code, stderr } = await restore(dir.join("b.db"), dir.join("copy"));
	expect([code, stderr]).toEqual([0, expect.stringContaining("the first start upgrades it")]);
	expect(readFileSync(dir.join("copy/fanfare.db")).equals(readFileSync(dir.join("b.db")))).toBe(true);
	await using copy = await startServerProcess(fixtureServerOptions({ ...fixture, dataDir: dir.join("copy") }));
	expect((await copy.client.listProjects()).length).toBeGreaterThan(0);
});

describe("refuses", () => {
	it("a target that has data, is in use, or has the wrong key, and changes nothing there", async () => {
		using dir = new TemporaryDir();
		const { file } = await makeBackup(dir);
		mkdirSync(dir.join("other"), { mode: 0o700 });
		writeFileSync(dir.join("other/notes.txt"), "keep");
		const notEmpty = await restore(file, dir.join("other"));
		expect([notEmpty.code, notEmpty.stderr]).toEqual([1, expect.stringMatching(/is not empty \(it has notes\.txt\)/)]);
		const original = await restore(file, dir.join("original"));
		expect([original.code, original.stderr]).toEqual([1, expect.stringContaining("is not empty")]);

		mkdirSync(dir.join("keyed"), { mode: 0o700 });
		writeFileSync(dir.join("keyed/master.key"), `${Buffer.alloc(32, 9).toString("base64")}\n`, { mode: 0o600 });
		const wrongKey = await restore(file, dir.join("keyed"));
		expect([wrongKey.code, wrongKey.stderr]).toEqual([1, expect.stringContaining("is not the key that the backup")]);
		expect(dataIn(dir.join("keyed"))).toEqual([]);
		chmodSync(dir.join("other"), 0o777);
		expect(readdirSync(dir.join("other"))).toEqual(["notes.txt"]);
	});

	it("a target that a server has just begun to use", async () => {
		using dir = new TemporaryDir();
		const { file } = await makeBackup(dir);
		mkdirSync(dir.join("new"), { mode: 0o700 });
		using lock = new DatabaseSync(dir.join("new/fanfare.lock"));
		lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
		const { code, stderr } = await restore(file, dir.join("new"));
		expect([code, stderr]).toEqual([1, expect.stringContaining("is already running on")]);
		expect(dataIn(dir.join("new"))).toEqual([]);
	});

	it("files that are no complete backup, and leaves no store", async () => {
		using dir = new TemporaryDir();
		const { file, keyFile } = await makeBackup(dir);
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

	it.skipIf(smallDiskIssue() !== null)("a disk without room", async () => {
		using dir = new TemporaryDir();
		using disk = new SmallDisk(1);
		const { file } = await makeBackup(dir);
		disk.fill(100_000);
		const { code, stderr } = await restore(file, disk.join("copy"));
		expect([code, stderr]).toEqual([1, expect.stringMatching(/the backup has \d+ MB, but only 1 MB are free/)]);
		expect(dataIn(disk.join("copy"))).toEqual([]);
	});
});

describe("an end in the middle", () => {
	/** Begins a restore, and waits until its unfinished file is there. It is never checked. */
	async function begin(dir: TemporaryDir, file: string): Promise<FanfareProcess> {
		const args = ["restore", file, "--data-dir", dir.join("copy"), "--hold"];
		const running = new FanfareProcess(args, { preload: [waitsAt("check")] });
		await eventually(
			"the unfinished file",
			() => running.exit !== null || existsSync(dir.join("copy/fanfare.db.restoring")),
		);
		expect(running.exit).toBeNull();
		return running;
	}

	it("by SIGKILL leaves nothing that a server would start on, and the next restore begins anew", async () => {
		using dir = new TemporaryDir();
		const { file, keyFile, key, eventId } = await makeBackup(dir);
		await using running = await begin(dir, file);
		running.kill("SIGKILL");
		await running.exited;
		expect(existsSync(dir.join("copy/fanfare.db"))).toBe(false);
		const env = { FANFARE_DATA_DIR: dir.join("copy"), FANFARE_PORT: "0" };
		const start = await runFanfare(["serve"], { env });
		expect([start.code, start.stderr]).toEqual([
			1,
			expect.stringContaining("has not ended: run fanfare restore again"),
		]);

		expect(await restore(file, dir.join("copy"), "--hold")).toMatchObject({ code: 0 });
		expect(dataIn(dir.join("copy"))).toEqual(["fanfare.db"]);
		copyFileSync(keyFile, dir.join("copy/master.key"));
		await using copy = await startServerProcess({ dataDir: dir.join("copy"), env: { FANFARE_ADMIN_KEY: key } });
		expect(await copy.project.events.get(eventId)).toMatchObject({ id: eventId });
	});

	it("just before the store gets its name leaves the same, with the webhooks already on hold", async () => {
		using dir = new TemporaryDir();
		const { file } = await makeBackup(dir);
		const args = ["restore", file, "--data-dir", dir.join("copy"), "--hold"];
		expect(await runFanfare(args, { preload: [DIES_AT_RENAME] })).toMatchObject({ signal: "SIGKILL" });
		expect(dataIn(dir.join("copy")).filter((name) => name !== "fanfare.pid")).toEqual(["fanfare.db.restoring"]);
		expect(await runFanfare(args)).toMatchObject({ code: 0 });
		expect(dataIn(dir.join("copy"))).toEqual(["fanfare.db"]);
	});

	it("by SIGTERM leaves the target as empty as before, and exits with 143", async () => {
		using dir = new TemporaryDir();
		const { file } = await makeBackup(dir);
		await using running = await begin(dir, file);
		running.kill("SIGTERM");
		expect(await running.exited).toEqual({ code: 143, signal: null });
		expect(dataIn(dir.join("copy"))).toEqual([]);
	});
});

describe("fanfare release", () => {
	it.each([
		["without a key", [], {}, "FANFARE_KEY is not set"],
		[
			"of a webhook without its project",
			["--webhook", "webhook_1"],
			{ FANFARE_KEY: "sk_1" },
			"--webhook needs --project",
		],
		["with an unusable address", ["--url", "nowhere"], { FANFARE_KEY: "sk_1" }, "--url must be an absolute http"],
		[
			"with one in its variable",
			[],
			{ FANFARE_KEY: "sk_1", FANFARE_URL: "nowhere" },
			"FANFARE_URL must be an absolute",
		],
	])("refuses %s", async (_how, args, env, expected) => {
		const { code, stdout, stderr } = await runFanfare(["release", ...args], { env });
		expect([code, stdout, stderr]).toEqual([1, "", expect.stringContaining(expected)]);
		expect(stderr).not.toMatch(/^ {4}at /m);
	});

	it("says that a key of a lower scope does not do", async () => {
		await using server = await startServerProcess();
		const { secretKey } = await server.client.keys.create({ name: "w", scope: "write" });
		const { code, stderr } = await runFanfare(["release", "--url", server.url], { env: { FANFARE_KEY: secretKey } });
		expect([code, stderr]).toEqual([1, expect.stringMatching(/^fanfare: .*admin/)]);
	});
});
