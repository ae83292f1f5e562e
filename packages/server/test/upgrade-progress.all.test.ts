// While a start moves the rows of an earlier version, the server says how far that is, and every end of the process is a pause.
import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { eventually } from "@fanfare/testkit/eventually";
import { runFanfare } from "@fanfare/testkit/fanfare-process";
import { fixtureServerOptions, openDataFixture, type DataFixture } from "@fanfare/testkit/fixture/data-fixture";
import { readAnswer, withoutNewFields } from "@fanfare/testkit/fixture/recorded-answers";
import { freePort, ServerProcess } from "@fanfare/testkit/server-process";
import { SmallDisk, smallDiskIssue } from "@fanfare/testkit/small-disk";
import { readStoredData } from "@fanfare/testkit/stored-data";
import { expect, it } from "vitest";

const HOLD_UPGRADE = new URL("../../testkit/src/world/hold-upgrade.ts", import.meta.url).href;

/** A server on data of version 0.1, whose upgrade waits after each step until `release` is called. */
async function startUpgrade(fixture: DataFixture) {
	const hold = join(fixture.dataDir, "..", "hold");
	writeFileSync(hold, "");
	const { env, preload, dataDir } = fixtureServerOptions(fixture);
	const options = { dataDir, env: { ...env, HOLD_UPGRADE: hold }, preload: [...preload, HOLD_UPGRADE] };
	const server = new ServerProcess(options, await freePort());
	await server.waitForStderr(/^Upgrade: moving the stored rows to the form of this version: 0 %/m);
	return { server, release: () => rmSync(hold) };
}

/** Expects some of the recorded answers. `test-upgrade.ts` compares all of them. */
async function expectAnswers(server: ServerProcess, { expected }: DataFixture): Promise<void> {
	for (const [path, recorded] of Object.entries(expected.answers)) {
		if (!path.endsWith("/events")) continue;
		const answer = await readAnswer((each) => server.call("GET", each), path);
		expect.soft(withoutNewFields(answer, recorded), path).toEqual(recorded);
	}
}

/** Whether events are moved and the keys, which come last, are not. */
function isHalfMoved(dataDir: string): boolean {
	using db = new DatabaseSync(join(dataDir, "fanfare.db"), { readOnly: true });
	const has = (sql: string) => db.prepare(sql).get() !== undefined;
	return (
		has("SELECT 1 FROM sqlite_schema WHERE name = 'former_events'") &&
		has("SELECT 1 FROM events") &&
		has("SELECT 1 FROM former_idempotency_keys")
	);
}

it("is alive, tells how far it is, and refuses every other call with 503, until all rows are moved", async () => {
	using fixture = openDataFixture("0.1");
	const { server, release } = await startUpgrade(fixture);
	await using _server = server;
	expect(await server.call("GET", "/healthz")).toMatchObject({ status: 200, json: { status: "ok" } });
	const message = expect.stringMatching(
		/^the stored rows are being moved to the form of this version: 0 %( \(0 of \d+ rows\))?$/,
	);
	expect(await server.call("GET", "/readyz")).toMatchObject({
		status: 503,
		json: { ready: false, checks: { store: { ok: false, message } } },
	});
	for (const [method, path] of [
		["GET", "/workspace"],
		["POST", "/projects/proj_1/events"],
		["GET", "/metrics"],
	] as const) {
		const refused = await server.call(method, path, method === "POST" ? {} : undefined);
		expect(refused).toMatchObject({
			status: 503,
			json: {
				code: "store_unavailable",
				message: expect.stringMatching(/^The server is not ready yet: .* Nothing was changed\. Try again later\.$/),
				requestId: refused.headers.get("x-request-id"),
			},
		});
		expect(refused.headers.get("retry-after")).toBe("1");
	}
	release();
	await server.ready();
	expect(await server.call("GET", "/readyz")).toMatchObject({ status: 200, json: { ready: true } });
	await expectAnswers(server, fixture);
	expect(server.stderr).toMatch(/^Upgrade: the stored rows were moved in \d+ s: 100 % \((\d+) of \1 rows\)$/m);
	expect(await server.stop()).toEqual({ code: 0, signal: null });
	const lines = server.stdout.split("\n").filter((line) => line.includes("movedRows"));
	const moving = { msg: "moving the stored rows to the form of this version", movedRows: expect.any(Number) };
	// A move that takes longer than some seconds, as on a busy machine, has lines in between.
	expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
		{ ...moving, movedRows: 0 },
		...lines.slice(1, -1).map(() => moving),
		{ msg: expect.stringMatching(/^the stored rows were moved in/) },
	]);
});

it.each(["SIGTERM", "SIGKILL"] as const)("goes on after a %s in the middle", async (signal) => {
	using fixture = openDataFixture("0.1");
	const { server, release } = await startUpgrade(fixture);
	await using _server = server;
	await eventually("the first step to be committed", () => isHalfMoved(fixture.dataDir));
	server.kill(signal);
	expect(await server.exited).toEqual(signal === "SIGTERM" ? { code: 143, signal: null } : { code: null, signal });
	expect(isHalfMoved(fixture.dataDir)).toBe(true);
	release();
	await server.restart();
	await expectAnswers(server, fixture);
	await server.stop();
	expect(readStoredData(fixture.dataDir)).toMatchObject({ integrity: "ok", misnumbered: 0 });
});

it.skipIf(smallDiskIssue() !== null)(
	"does not begin on a disk without the room for it, and says how much it needs",
	async () => {
		using fixture = openDataFixture("0.1");
		using disk = new SmallDisk(8);
		const dataDir = disk.join("data");
		cpSync(fixture.dataDir, dataDir, { recursive: true });
		disk.fill(100_000);
		const options = fixtureServerOptions(fixture);
		const env = { ...options.env, FANFARE_PORT: "0", FANFARE_DATA_DIR: dataDir };
		const refused = await runFanfare(["serve"], { env, preload: options.preload });
		expect(refused).toMatchObject({ code: 1, stdout: "" });
		expect(refused.stderr).toMatch(
			/^fanfare: this version stores its rows in a new form\. To move them, it needs up to \d MB beside the \d MB of the store, but only 1 MB are free in \S+\/data\. Nothing was changed: free some space/,
		);
		disk.removeFiller();
		await using server = new ServerProcess({ ...options, dataDir }, await freePort());
		await server.ready();
		await expectAnswers(server, fixture);
	},
);
