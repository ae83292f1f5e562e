// A whole server on PostgreSQL: its settings, its first start, its restart, and a database that goes away and comes back.
import { readFileSync } from "node:fs";

import { eventually } from "@fanfare/testkit/eventually";
import { FanfareProcess, runFanfare } from "@fanfare/testkit/fanfare-process";
import { postgresIssue, startPostgres, type PostgresServer } from "@fanfare/testkit/programs/postgres";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const DOCUMENT = new URL("../../../docs/postgres.md", import.meta.url);
const MASTER_KEY = "0123456789abcdef".repeat(4);
const ADMIN_KEY = `sk_${"a".repeat(43)}`;

describe("the setting of the database", () => {
	it.each([
		[
			"a URL of another scheme",
			{ FANFARE_DATABASE_URL: "mysql://u@h/d" },
			/FANFARE_DATABASE_URL must be a URL such as/,
		],
		["no database", { FANFARE_DATABASE_URL: "postgres://u@h" }, /FANFARE_DATABASE_URL must be a URL such as/],
		["no user", { FANFARE_DATABASE_URL: "postgres://h/d" }, /FANFARE_DATABASE_URL must be a URL such as/],
		[
			"several hosts",
			{ FANFARE_DATABASE_URL: "postgres://u:hidden@one.example,other.example/d" },
			/FANFARE_DATABASE_URL must be a URL such as .*, with a user, one host and a database/,
		],
		["several hosts with ports", { FANFARE_DATABASE_URL: "postgres://u:hidden@one:5432,other:5432/d" }, /one host/],
		["several hosts in its query", { FANFARE_DATABASE_URL: "postgres://u:hidden@h/d?host=one,other" }, /one host/],
		["TLS or not", { FANFARE_DATABASE_URL: "postgres://u:hidden@h/d?sslmode=prefer" }, /sslmode/],
		[
			"a standby that is expected of no database",
			{ FANFARE_EXPECT_STANDBY: "true" },
			/FANFARE_EXPECT_STANDBY is set, but FANFARE_DATABASE_URL is not: set it too/,
		],
		["no master key", { FANFARE_DATABASE_URL: "postgres://u@h/d" }, /but FANFARE_MASTER_KEY is not: set it too/],
	])("is refused with %s, and its value is not shown", async (_what, env, message) => {
		const { code, stderr } = await runFanfare(["serve"], { env });
		expect(code).toBe(1);
		expect(stderr).toMatch(message);
		expect(stderr).not.toContain("hidden");
	});

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
		// For twenty processes at once.
		postgres = await startPostgres({ settings: ["max_connections = 400"] });
	});
	afterAll(() => postgres[Symbol.asyncDispose]());
	const settingsFor = (url: string) => ({
		FANFARE_DATABASE_URL: url,
		FANFARE_MASTER_KEY: MASTER_KEY,
		FANFARE_ADMIN_KEY: ADMIN_KEY,
	});

	it("delivers, and after a restart it still has everything", async () => {
		await using receiver = await startReceiver();
		await using server = await startServerProcess({ env: settingsFor(await postgres.createDatabase()) });
		expect(server.stderr).toMatch(/data in the database/);
		const webhook = await server.createWebhook(receiver.url);
		const event = await server.project.events.send({ type: "order.paid", data: { orderId: 4711 } });
		await server.waitForDelivery(event.id, ({ status }) => status === "Succeeded");
		expect(await server.stop()).toEqual({ code: 0, signal: null });
		await server.restart();
		expect((await server.project.batch.webhooks.get(webhook.id)).endpoint).toBe(receiver.url);
		await server.waitForDelivery(event.id, ({ status }) => status === "Succeeded");
	});

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
		await using server = await startServerProcess({ env: settingsFor(url.href) });
		await server.createWebhook(receiver.url);
		await server.project.events.send({ type: "order.paid", data: 1 });
		await receiver.waitFor(1);
		await server.stop();
		await postgres.query(`DROP DATABASE ${name}`);
		await postgres.query(`DROP ROLE ${name}`);
		await postgres.query(`DROP ROLE ${admin}`);
	});

	it("warns that an accepted event has one place only, in the log and in the status", async () => {
		await using server = await startServerProcess({ env: settingsFor(await postgres.createDatabase()) });
		const { warnings } = await server.client.getStatus();
		expect(warnings.filter(({ code }) => code === "standby_missing")).toEqual([
			expect.objectContaining({ message: expect.stringMatching(/^No standby of the database is synchronous/) }),
		]);
		expect(server.stdout).toContain("No standby of the database is synchronous");
	});

	it("shows the database in the status and in metrics, and how its processes find each other's deliveries", async () => {
		const url = await postgres.createDatabase();
		const env = { ...settingsFor(url), FANFARE_EXPECT_STANDBY: "true" };
		await using server = await startServerProcess({ env });
		const { database, store } = await server.client.getStatus();
		expect(database).toEqual({
			reachable: true,
			version: expect.stringMatching(/^\d+[.\w]*$/),
			address: expect.any(String),
			port: expect.any(Number),
			commitsWaitFor: "disk",
			standbys: expect.any(Array),
			connections: { used: expect.any(Number), allowed: expect.any(Number) },
		});
		expect(store.fileBytes).toBeGreaterThan(0);
		// Members say it with their beat, and have their duties from the first one on.
		const messages = async () => (await server.client.getStatus()).members?.map(({ messages }) => messages);
		await expect.poll(messages).toEqual([{ pollMs: 400, nats: null }]);
		const metrics = async () => (await fetch(`${server.url}/metrics`, { headers: { "secret-key": ADMIN_KEY } })).text();
		await expect.poll(metrics).toMatch(/^fanfare_duty_free\{duty="retention"\} 0$/m);
		const text = await metrics();
		expect(text).toMatch(/^fanfare_standby_expected 1$/m);
		expect(text).toMatch(/^fanfare_database_connections\{kind="allowed"\} \d+$/m);
	});

	it("needs an admin key where nobody reads what it prints, and makes nothing without one", async () => {
		const { FANFARE_ADMIN_KEY: _, ...env } = settingsFor(await postgres.createDatabase());
		const { code, stderr } = await runFanfare(["serve"], { env: { ...env, FANFARE_PORT: "0" } });
		expect(code).toBe(1);
		expect(stderr).toMatch(/the first start on a database needs an admin key: set FANFARE_ADMIN_KEY/);
		await using server = await startServerProcess({ env: { ...env, FANFARE_ADMIN_KEY: ADMIN_KEY } });
		expect(await server.client.listProjects()).toHaveLength(1);
	});

	it("is refused with another master key than that of the data", async () => {
		const env = settingsFor(await postgres.createDatabase());
		await using server = await startServerProcess({ env });
		await server.stop();
		const other = { ...env, FANFARE_PORT: "0", FANFARE_MASTER_KEY: "f".repeat(64) };
		const { code, stderr } = await runFanfare(["serve"], { env: other });
		expect(code).toBe(1);
		expect(stderr).toMatch(/the master key \(fingerprint [0-9a-f]+\) is not the one/);
	});

	it("makes one workspace when twenty processes start on an empty database at once", async () => {
		const url = await postgres.createDatabase();
		const env = { ...settingsFor(url), FANFARE_PORT: "0" };
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

	it("gets another master key while no server runs, and not otherwise", async () => {
		await using receiver = await startReceiver();
		const env = settingsFor(await postgres.createDatabase());
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
		await server.restart({ FANFARE_MASTER_KEY: next });
		await server.project.events.send({ type: "order.paid", data: 1 });
		await receiver.waitFor(1);
	});

	it("shares the work with others on the same database: changes count at once, and a killed one is replaced", async () => {
		await using receiver = await startReceiver();
		const env = settingsFor(await postgres.createDatabase());
		await using one = await startServerProcess({ env });
		await using other = await startServerProcess({ env });
		const ids: string[] = [];
		const send = async (server: typeof one, count: number) => {
			for (let n = 0; n < count; n++) ids.push((await server.project.events.send({ type: "order.paid", data: n })).id);
		};
		// With many webhooks, each of the two owns some of them.
		for (let n = 0; n < 6; n++) await one.createWebhook(`${receiver.url}/${n}`);
		await send(other, 5);
		await other.createWebhook(`${receiver.url}/late`);
		await send(one, 5);
		await receiver.waitFor(5 * 6 + 5 * 7);
		one.kill("SIGKILL");
		await one.exited;
		await send(other, 5);
		// Attempts of the killed one whose outcome it had not stored yet are repeated, so the number of requests does not tell.
		const got = () => new Set(receiver.requests.map(({ path, headers }) => `${path} ${String(headers["webhook-id"])}`));
		await eventually("each event at each webhook", () => got().size >= 5 * 6 + 10 * 7);
		expect(got().size).toBe(5 * 6 + 10 * 7);
		await eventually("all deliveries have ended", async () => {
			const { data } = await other.project.deliveries.list({ status: "Pending", limit: 1 });
			return data.length === 0;
		});
		expect(ids).toHaveLength(15);
	});

	it("refuses sends while the database is down, tells it, and goes on by itself", async ({ skip }) => {
		const { cluster } = postgres;
		if (cluster === null) return skip("the database is not the test's own");
		await using receiver = await startReceiver();
		await using server = await startServerProcess({ env: settingsFor(await postgres.createDatabase()) });
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
