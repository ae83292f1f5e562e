// The compose file of several processes: valid by its schema, and its scripts for PostgreSQL and its configuration of NATS do what they say.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { readConfig } from "@fanfare/server";
import { eventually } from "@fanfare/testkit/eventually";
import { needNatsServer } from "@fanfare/testkit/programs/find-nats";
import { findPostgresPrograms } from "@fanfare/testkit/programs/find-postgres";
import { freePort } from "@fanfare/testkit/programs/free-port";
import { NATS_PERMISSIONS, natsIssue } from "@fanfare/testkit/programs/nats";
import { startOwnPostgres } from "@fanfare/testkit/programs/postgres";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

import { findComposeSchema } from "./go-modules.ts";
import { sayIfSkipped } from "./skipped.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = join(root, "deploy/docker/cluster");
const { version } = JSON.parse(readFileSync(join(root, "packages/cli/package.json"), "utf8")) as { version: string };

interface Service {
	image: string;
	build?: { context: string; dockerfile: string };
	environment: Record<string, string>;
	ports?: readonly string[];
	volumes?: readonly string[];
}
const compose = parse(readFileSync(join(FOLDER, "compose.yaml"), "utf8"), { merge: true }) as {
	services: Record<string, Service>;
};
const schema = await findComposeSchema();
sayIfSkipped(schema);

const servicesOf = (image: string) => Object.entries(compose.services).filter(([, service]) => service.image === image);

it.skipIf(schema.path === null)("is valid by the schema of the Compose specification", () => {
	const ajv = new Ajv2020({ strict: false, allowUnionTypes: true, validateFormats: false });
	const validate = ajv.compile(JSON.parse(readFileSync(schema.path!, "utf8")) as object);
	expect([validate(compose), validate.errors]).toEqual([true, null]);
});

it("names files that exist, and builds the image of this version from the root of the repository", () => {
	const { build } = compose.services["api-1"]!;
	expect(join(FOLDER, build!.context, build!.dockerfile)).toBe(join(root, "deploy/docker/Dockerfile"));
	const mounted = Object.values(compose.services).flatMap(({ volumes = [] }) =>
		volumes.filter((volume) => volume.startsWith("./")).map((volume) => volume.split(":")[0]!),
	);
	expect(new Set(mounted)).toEqual(new Set(["./primary.sh", "./standby.sh", "./nats.conf"]));
	for (const path of mounted) expect(existsSync(join(FOLDER, path))).toBe(true);
});

it("runs two processes of this version that take calls and two that deliver, on one database, with the same keys", () => {
	const processes = servicesOf(`fanfare:${version}`);
	const given: Readonly<Record<string, string>> = {
		DATABASE_PASSWORD: "a-password",
		NATS_PASSWORD: "another",
		FANFARE_MASTER_KEY: "ab".repeat(32),
		FANFARE_ADMIN_KEY: `sk_${"a".repeat(43)}`,
		FANFARE_PUBLIC_URL: "https://fanfare.example.com",
	};
	const configs = processes.map(([name, { environment }]) => {
		const settings = Object.entries(environment).map(([variable, value]) => [
			variable,
			value.replaceAll(/\$\{(\w+):[?-][^}]*\}/g, (_, wanted: string) => given[wanted] ?? ""),
		]);
		return [name, readConfig(Object.fromEntries(settings) as Record<string, string>)] as const;
	});
	expect(configs.map(([name, { role }]) => [name, role])).toEqual([
		["api-1", "api"],
		["api-2", "api"],
		["worker-1", "worker"],
		["worker-2", "worker"],
	]);
	for (const [, config] of configs) {
		expect(config).toMatchObject({
			databaseUrl: "postgres://fanfare:a-password@postgres:5432/fanfare?sslmode=disable",
			expectStandby: true,
			natsUrl: [1, 2, 3].map((node) => `nats://fanfare:another@nats-${node}:4222`),
		});
	}
	const ports = processes.flatMap(([, service]) => service.ports ?? []);
	expect(ports).toEqual(["127.0.0.1:8787:8787", "127.0.0.1:8788:8787"]);
});

const found = findPostgresPrograms();
/** The folder of the programs, not of links to some of them. */
const programs = found === null ? "" : dirname(realpathSync(join(found, "initdb")));
const hasClients = ["psql", "pg_basebackup"].every((name) => existsSync(join(programs, name)));
if (!hasClients) {
	process.stderr.write(
		"skipped: the scripts of the compose file need psql and pg_basebackup: run `npm run postgres` (Debian, as root)\n",
	);
}

describe.skipIf(!hasClients)("primary.sh and standby.sh", () => {
	it("make a database that Fanfare's role can use, and a standby that each commit waits for", async () => {
		const { server, cluster } = await startOwnPostgres({ durable: true });
		await using _ = server;
		using dir = new TemporaryDir();
		const secrets = { DATABASE_PASSWORD: 'it\'s a "password"', STANDBY_PASSWORD: "another 'one'" };
		const env = { PATH: `${programs}:${process.env["PATH"]}`, ...secrets };
		const superuser = new URL(server.url).username;
		await run("sh", [join(FOLDER, "primary.sh")], {
			env: {
				...env,
				PGHOST: "127.0.0.1",
				PGPORT: String(cluster.port),
				PGDATA: cluster.dataDir,
				POSTGRES_USER: superuser,
			},
		});
		expect(readFileSync(join(cluster.dataDir, "pg_hba.conf"), "utf8")).toMatch(
			/^host replication standby all scram-sha-256$/m,
		);
		// The image starts the server again after its scripts.
		await cluster.stop();
		await cluster.start();

		const { uid, gid } = statSync(cluster.dataDir);
		const dataDir = dir.join("standby");
		mkdirSync(dataDir, { mode: 0o700 });
		for (const path of [dir.path, dataDir]) chownSync(path, uid, gid);
		const port = await freePort();
		const standby = spawn(
			"sh",
			[join(FOLDER, "standby.sh"), "-c", `port=${port}`, "-c", `unix_socket_directories=${dir.path}`],
			{
				uid,
				gid,
				cwd: dir.path,
				env: { ...env, PGDATA: dataDir, PRIMARY_HOST: "127.0.0.1", PRIMARY_PORT: String(cluster.port) },
				stdio: ["ignore", "ignore", "pipe"],
			},
		);
		let log = "";
		standby.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
		const ended = once(standby, "exit");
		try {
			const states = () =>
				server.query("SELECT application_name AS name, sync_state AS state FROM pg_stat_replication");
			await eventually("the standby to follow", async () => {
				if (standby.exitCode !== null) throw new Error(log);
				// While it copies, it has two connections.
				const [first, ...others] = await states();
				return first?.["state"] === "sync" && others.length === 0 ? true : null;
			});

			const url = new URL(server.url);
			url.username = "fanfare";
			url.password = encodeURIComponent(secrets.DATABASE_PASSWORD);
			url.pathname = "/fanfare";
			await server.query("CREATE TABLE orders (id integer); INSERT INTO orders VALUES (1)", url.href);
			await expect(server.query("CREATE ROLE anybody", url.href)).rejects.toThrow("permission denied");
			// It is on the standby when the commit is answered, which the role may read there, too.
			url.port = String(port);
			await eventually("the standby to show it", async () => {
				const rows = await server.query("SELECT id FROM fanfare.orders", url.href).catch(() => []);
				return rows.length === 1 ? true : null;
			});
			expect(readFileSync(join(dataDir, "postgresql.auto.conf"), "utf8")).not.toContain("synchronous_standby_names");
		} finally {
			standby.kill("SIGQUIT");
			await ended;
		}
	});
});

describe.skipIf(natsIssue() !== null)("nats.conf", () => {
	it("is accepted by nats-server, and gives Fanfare what it needs and no more", async () => {
		const text = readFileSync(join(FOLDER, "nats.conf"), "utf8");
		for (const line of NATS_PERMISSIONS) expect(text).toContain(line);
		const env = { ...process.env, NATS_NAME: "nats-1", NATS_PASSWORD: "a-password" };
		const { stderr } = await run(needNatsServer(), ["--config", join(FOLDER, "nats.conf"), "-t"], { env });
		expect(stderr).toContain("is valid");
	});

	it("is accepted with each password that the commands of docs/deploying.md can make", async () => {
		const guide = readFileSync(join(root, "docs/deploying.md"), "utf8");
		const begin = /^ *NATS_PASSWORD=(\w*)\$\(openssl rand -hex 24\)$/m.exec(guide)?.[1];
		// Alone, they would be read as numbers.
		for (const digits of ["12e4".padEnd(48, "a"), "7".repeat(48)]) {
			const env = { ...process.env, NATS_NAME: "nats-1", NATS_PASSWORD: `${begin}${digits}` };
			const { stderr } = await run(needNatsServer(), ["--config", join(FOLDER, "nats.conf"), "-t"], { env });
			expect(stderr).toContain("is valid");
		}
	});
});
