// `fanfare migrate-store`: a server's data goes into a database while nothing runs, through kills, and a server goes on with it there.
import { readFileSync, writeFileSync } from "node:fs";

import { runFanfare } from "@fanfare/testkit/fanfare-process";
import { fixtureServerOptions, openDataFixture } from "@fanfare/testkit/fixture/data-fixture";
import { postgresIssue, startPostgres, type PostgresServer } from "@fanfare/testkit/programs/postgres";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** Kills the process when it has sent this many commits to the database. */
const diesAtCommit = (count: number) =>
	`data:text/javascript,${encodeURIComponent(`
	import net from "node:net";
	let commits = 0;
	const { write } = net.Socket.prototype;
	net.Socket.prototype.write = function (data, ...rest) {
		const result = write.call(this, data, ...rest);
		if (data instanceof Uint8Array && Buffer.from(data).includes("COMMIT\\0")) commits++;
		if (commits === ${count}) process.kill(process.pid, "SIGKILL");
		return result;
	};
`)}`;

describe.skipIf(postgresIssue() !== null)("migrate-store", () => {
	let postgres: PostgresServer;
	beforeAll(async () => {
		postgres = await startPostgres();
	});
	afterAll(() => postgres[Symbol.asyncDispose]());

	it("brings a server's data into a database, where the next server sends what waited", async () => {
		await using receiver = await startReceiver();
		receiver.respond([{ status: 500 }]);
		using dir = new TemporaryDir();
		const url = await postgres.createDatabase();
		const retries = { maxRetries: 1, maxRetryDelay: 3_600_000, scheduleMs: [3_600_000] };
		await using original = await startServerProcess({ dataDir: dir.join("data") });
		await original.createWebhook(receiver.url, { retries });
		const { id } = await original.project.events.send({ type: "a.b", data: { n: 1 } });
		const waiting = await original.waitForDelivery(
			id,
			({ status, attemptCount }) => status === "Pending" && attemptCount === 1,
		);
		const busy = await runFanfare(["migrate-store", "--to", url, "--data-dir", original.dataDir]);
		expect([busy.code, busy.stderr]).toEqual([1, expect.stringMatching(/already running on .*: stop it first/)]);
		await original.stop();

		const done = await runFanfare(["migrate-store", "--data-dir", original.dataDir], {
			env: { FANFARE_DATABASE_URL: url },
		});
		expect(done).toMatchObject({ code: 0, stdout: "" });
		expect(done.stderr).toMatch(
			/^Workspace ws_\w+ is in the database 127\.0\.0\.1:\d+\/\w+: 1 event, 1 delivery, 1 attempt, and all the rest\./m,
		);
		expect(done.stderr).toMatch(
			/Start the server with FANFARE_DATABASE_URL and with FANFARE_MASTER_KEY \(fingerprint \w+\)/,
		);
		const env = {
			FANFARE_DATABASE_URL: url,
			FANFARE_MASTER_KEY: readFileSync(`${original.dataDir}/master.key`, "utf8").trim(),
			FANFARE_ADMIN_KEY: original.key,
		};
		await using copy = await startServerProcess({ env });
		await copy.project.deliveries.retry(waiting.id);
		await copy.waitForDelivery(id, ({ status }) => status === "Succeeded");
		const [first, second] = receiver.requests;
		expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
		const again = await runFanfare(["migrate-store", "--data-dir", original.dataDir], {
			env: { FANFARE_DATABASE_URL: url },
		});
		expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/already: an earlier migration has ended/)]);
	});

	it("goes on after any number of kills, and tells it as JSON", async () => {
		using fixture = openDataFixture("0.2");
		const { dataDir, masterKey } = fixture;
		expect(await runFanfare(["migrate", "--data-dir", dataDir])).toMatchObject({ code: 0 });
		const url = await postgres.createDatabase();
		using dir = new TemporaryDir();
		writeFileSync(dir.join("url"), `${url}\n`);
		const args = ["migrate-store", "--data-dir", dataDir, "--json"];
		const env = { FANFARE_DATABASE_URL_FILE: dir.join("url"), FANFARE_MASTER_KEY: masterKey };
		let kills = 0;
		for (;;) {
			const { signal, code, stdout, stderr } = await runFanfare(args, { env, preload: [diesAtCommit(8)] });
			if (signal === "SIGKILL") {
				kills++;
				continue;
			}
			// The last kill may have come right after the end.
			if (code === 1 && /an earlier migration has ended/.test(stderr)) break;
			expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
			expect(JSON.parse(stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({
				type: "result",
				hasGoneOn: true,
				hasMasterKey: true,
				counts: { events: 91, deliveries: 153 },
			});
			break;
		}
		expect(kills).toBeGreaterThan(3);
		const { env: settings, preload } = fixtureServerOptions(fixture);
		await using server = await startServerProcess({ env: { ...settings, FANFARE_DATABASE_URL: url }, preload });
		const { data } = await server.client.audit.list({ limit: 1_000 });
		expect(data.length).toBeGreaterThanOrEqual(84);
	});
});
