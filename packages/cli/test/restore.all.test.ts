// `fanfare restore` of earlier versions, on a full disk, and with ends at every step.
import { existsSync, readdirSync, readFileSync } from "node:fs";

import { eventually } from "@fanfare/testkit/eventually";
import { FanfareProcess, runFanfare } from "@fanfare/testkit/fanfare-process";
import { fixtureServerOptions, openDataFixture } from "@fanfare/testkit/fixture/data-fixture";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { SmallDisk, smallDiskIssue } from "@fanfare/testkit/small-disk";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, beforeAll, expect, it } from "vitest";

import { backup, DIES_AT_RENAME, restore, waitsAt } from "./support/offline.ts";

/** A backup of version 0.1, in `old.db`, and one of this version, in `b.db`. */
const dir = new TemporaryDir();
const fixture = openDataFixture("0.1");
beforeAll(async () => {
	expect(await backup(dir.join("old.db"), fixture.dataDir)).toMatchObject({ code: 0 });
	await using server = await startServerProcess({ dataDir: dir.join("original") });
	expect(await backup(dir.join("b.db"), server.dataDir)).toMatchObject({ code: 0 });
	await server.stop();
});
afterAll(() => {
	fixture[Symbol.dispose]();
	dir[Symbol.dispose]();
});

const argsTo = (name: string) => ["restore", dir.join("b.db"), "--data-dir", dir.join(name), "--hold"];
const dataIn = (name: string) =>
	existsSync(dir.join(name)) ? readdirSync(dir.join(name)).filter((each) => !/\.lock$|\.pid$/.test(each)) : [];

it("upgrades a backup of version 0.1 first, and holds its webhooks", async () => {
	const { code, stderr } = await restore(dir.join("old.db"), dir.join("held"), "--hold");
	expect([code, stderr]).toEqual([0, expect.stringMatching(/\d webhooks are Paused with the reason restored/)]);
	expect(dataIn("held")).toEqual(["fanfare.db"]);
	await using copy = await startServerProcess(fixtureServerOptions({ ...fixture, dataDir: dir.join("held") }));
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

it("without a hold, leaves a backup of version 0.1 as it is, which the first start upgrades", async () => {
	const { code, stderr } = await restore(dir.join("old.db"), dir.join("copy"));
	expect([code, stderr]).toEqual([0, expect.stringContaining("the first start upgrades it")]);
	expect(readFileSync(dir.join("copy/fanfare.db")).equals(readFileSync(dir.join("old.db")))).toBe(true);
	await using copy = await startServerProcess(fixtureServerOptions({ ...fixture, dataDir: dir.join("copy") }));
	expect((await copy.client.listProjects()).length).toBeGreaterThan(0);
});

it.skipIf(smallDiskIssue() !== null)("refuses a disk without room", async () => {
	using disk = new SmallDisk(1);
	disk.fill(100_000);
	const { code, stderr } = await restore(dir.join("b.db"), disk.join("copy"));
	expect([code, stderr]).toEqual([1, expect.stringMatching(/the backup has \d+ MB, but only 1 MB are free/)]);
});

it("that is killed just before the store gets its name leaves nothing else, with the webhooks already on hold", async () => {
	const killed = await runFanfare(argsTo("killed"), { preload: [DIES_AT_RENAME] });
	expect([killed.signal, dataIn("killed")]).toEqual(["SIGKILL", ["fanfare.db.restoring"]]);
	expect(await runFanfare(argsTo("killed"))).toMatchObject({ code: 0 });
	expect(dataIn("killed")).toEqual(["fanfare.db"]);
});

it("that is ended by SIGTERM leaves the target as empty as before, and exits with 143", async () => {
	await using running = new FanfareProcess(argsTo("ended"), { preload: [waitsAt("check")] });
	const unfinished = () => dataIn("ended").includes("fanfare.db.restoring");
	await eventually("the unfinished file", () => running.exit !== null || unfinished());
	running.kill("SIGTERM");
	expect(await running.exited).toEqual({ code: 143, signal: null });
	expect(dataIn("ended")).toEqual([]);
});
