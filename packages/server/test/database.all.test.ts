// A whole server on PostgreSQL: its role, its first start, its master key, and a database that goes away and comes back.
import { readFileSync } from "node:fs";

import { eventually } from "@fanfare/testkit/eventually";
import { FanfareProcess, runFanfare } from "@fanfare/testkit/fanfare-process";
import { postgresIssue, startPostgres, type PostgresServer } from "@fanfare/testkit/programs/postgres";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { ADMIN_KEY, databaseSettings, MASTER_KEY } from "./database-settings.ts";

const DOCUMENT = new URL("../../../docs/postgres.md", import.meta.url);

describe("the setting of the database", () => {
	it.each([["backup", "file"], ["restore", "file"], ["migrate"]])(
		"is refused by fanfare %s, which would not touch the database",
		async (...args) => {
			const env = { FANFARE_DATABASE_URL: "postgres://u@h/d", FANFARE_MASTER_KEY: MASTER_KEY };
			const { code, stderr } = await runFanfare(args, { env });
			expect(code).toBe(1);
			expect(stderr).toMatch(/FANFARE_DATABASE_URL is set, and this command works on a data directory/);
		},
	);

	it("leads to a database that cannot be reached, which ends the start with the reason", async () => {
		const url = "postgres://fanfare:hidden@127.0.0.1:1/fanfare";
		const env = { FANFARE_PORT: "0", FANFARE_DATABASE_URL: url, FANFARE_MASTER_KEY: MASTER_KEY };
		const { code, stderr } = await runFanfare(["serve"], { env });
		expect(code).toBe(1);
		expect(stderr).toMatch(/^fanfare: the database cannot be reached: connect ECONNREFUSED 127.0.0.1:1$/m);
	});
});

describe.skipIf(postgresIssue() !== null)("a server on PostgreSQL", () => {
	let postgres: PostgresServer;
	beforeAll(async () => {
		// It is stopped, and has connections for twenty processes at once.
		postgres = await startPostgres({ settings: ["max_connections = 400"] });
	});
	afterAll(() => postgres[Symbol.asyncDispose]());
	it.each([
		["a superuser", "SUPERUSER"],
		["an administrator who may only create roles and databases", "CREATEROLE CREATEDB"],
	])("runs with the role that the documentation makes: by %s", async (_who, rights) => {
		const name = `fanfare_${process.pid}`;
		const admin = `admin_${process.pid}`;
		await postgres.query(`CREATE ROLE ${admin} LOGIN PASSWORD 'of-tests' ${rights}`);
		const url = new URL(postgres.url);
		url.username = admin;
		url.password = "of-tests";
		const [, sql = ""] = /^```sql\n(.*?)^```/ms.exec(readFileSync(DOCUMENT, "utf8")) ?? [];
		const [first = "", inDatabase = ""] = sql.replaceAll(/\bfanfare\b/g, name).split(`\\connect ${name}\n`);
		for (const each of first.split(";")) await postgres.query(each, url.href);
		url.pathname = `/${name}`;
		await postgres.query(inDatabase, url.href);
		url.username = name;
		url.password = "change-me";
		await using receiver = await startReceiver();
		await using server = await startServerProcess({ env: databaseSettings(url.href) });
		await server.createWebhook(receiver.url);
		await server.project.events.send({ type: "order.paid", data: 1 });
		await receiver.waitFor(1);
		await server.stop();
		await postgres.query(`DROP DATABASE ${name}`);
		await postgres.query(`DROP ROLE ${name}`);
		await postgres.query(`DROP ROLE ${admin}`);
	});

	it("needs an admin key where nobody reads what it prints, and makes nothing without one", async () => {
		const { FANFARE_ADMIN_KEY: _, ...env } = databaseSettings(await postgres.createDatabase());
		const { code, stderr } = await runFanfare(["serve"], { env: { ...env, FANFARE_PORT: "0" } });
		expect(code).toBe(1);
		expect(stderr).toMatch(/the first start on a database needs an admin key: set FANFARE_ADMIN_KEY/);
		await using server = await startServerProcess({ env: { ...env, FANFARE_ADMIN_KEY: ADMIN_KEY } });
		expect(await server.client.listProjects()).toHaveLength(1);
	});

	it("makes one workspace when twenty processes start on an empty database at once", async () => {
		const url = await postgres.createDatabase();
		const env = { ...databaseSettings(url), FANFARE_PORT: "0" };
		const started = Array.from({ length: 20 }, () => new FanfareProcess(["serve"], { env }));
		try {
			await Promise.all(started.map((each) => each.waitForStderr(/listens on/)));
			expect(started.filter(({ stderr }) => /^ {2}Project /m.test(stderr))).toHaveLength(1);
			expect(await postgres.query("SELECT count(*)::int AS count FROM projects", url)).toEqual([{ count: 1 }]);
			expect(await postgres.query("SELECT count(*)::int AS count FROM keys", url)).toEqual([{ count: 1 }]);
		} finally {
			await Promise.all(started.map((each) => each[Symbol.asyncDispose]()));
		}
	});

	it("gets another master key while no server runs, and not otherwise, and is refused with the earlier one then", async () => {
		await using receiver = await startReceiver();
		const env = databaseSettings(await postgres.createDatabase());
		await using server = await startServerProcess({ env });
		await server.createWebhook(receiver.url);
		const next = "f".repeat(64);
		const rotate = () => runFanfare(["rotate-master-key"], { env: { ...env, FANFARE_NEW_MASTER_KEY: next } });
		const refused = await rotate();
		expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/a server runs on the database/) });
		await server.stop();
		expect(await rotate()).toMatchObject({
			code: 0,
			stderr: expect.stringMatching(/The secrets of 1 webhook are encrypted/),
		});
		const old = await runFanfare(["serve"], { env: { ...env, FANFARE_PORT: "0" } });
		expect(old).toMatchObject({
			code: 1,
			stderr: expect.stringMatching(/the master key \(fingerprint [0-9a-f]+\) is not the one/),
		});
		await server.restart({ FANFARE_MASTER_KEY: next });
		await server.project.events.send({ type: "order.paid", data: 1 });
		await receiver.waitFor(1);
	});

	it("refuses sends while the database is down, tells it, and goes on by itself", async ({ skip }) => {
		const { cluster } = postgres;
		if (cluster === null) return skip("the database is not the test's own");
		await using receiver = await startReceiver();
		await using server = await startServerProcess({ env: databaseSettings(await postgres.createDatabase()) });
		await server.createWebhook(receiver.url);
		await cluster.stop("immediate");
		const send = () => server.call("POST", `/projects/${server.projectId}/events`, { type: "a", data: 1 });
		expect((await send()).status).toBe(503);
		const ready = await server.call("GET", "/readyz");
		expect(ready.status).toBe(503);
		expect(ready.json).toMatchObject({
			checks: { store: { message: expect.stringMatching(/^the store can't be written: the database /) } },
		});
		await cluster.start();
		await eventually("a send is accepted", async () => (await send()).status === 202);
		await eventually("the server is ready", async () => (await server.call("GET", "/readyz")).status === 200);
		await receiver.waitFor(1);
		// The server gathers lines below a warning for a moment before it writes them.
		await eventually("the log to tell", () => server.stdout.includes("the database can be used again"));
		const log = server.stdout;
		expect(log.match(/the database can't be used/g)).toHaveLength(1);
		expect(log.match(/the database can be used again/g)).toHaveLength(1);
	});
});
