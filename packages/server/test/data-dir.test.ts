// The data directory: one server at a time, one master key, and a clear error message for each problem.
import {
	chmodSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmdirSync,
	rmSync,
	statSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";

import { readConfig, startServer, type RunningServer } from "@fanfare/server";
import { runFanfare } from "@fanfare/testkit/fanfare-process";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const ADMIN_KEY = `sk_${"A".repeat(43)}`;
const DEFAULTS = { FANFARE_PORT: "0", FANFARE_LOG_LEVEL: "silent", FANFARE_SENDER_THREADS: "0" };

let dir: TemporaryDir;
let data: string;
beforeEach(() => {
	dir = new TemporaryDir();
	data = dir.join("data");
});
afterEach(() => {
	dir[Symbol.dispose]();
});

/** Starts a server in this process. */
async function start(env: Readonly<Record<string, string>> = {}, dataDir = data) {
	const server = await startServer(readConfig({ ...DEFAULTS, FANFARE_DATA_DIR: dataDir, ...env }));
	return Object.assign(server, { [Symbol.asyncDispose]: () => server.stop() });
}

/** Makes the data of a server that has stopped. */
async function startOnce(env: Readonly<Record<string, string>> = {}): Promise<RunningServer> {
	const server = await start(env);
	await server.stop();
	return server;
}

/** Expects that a start is refused with a sentence that contains `parts`, without raw error codes. */
async function expectRefused(
	starting: Promise<RunningServer>,
	...parts: readonly (string | RegExp)[]
): Promise<string> {
	const error: unknown = await starting.then(
		(server) => server.stop(),
		(cause: unknown) => cause,
	);
	expect(error).toBeInstanceOf(Error);
	const { message } = error as Error;
	// The random end of a temporary folder's name may look like one.
	expect(message.replaceAll(/\/\S+/g, ""), "raw error codes").not.toMatch(/\bE[A-Z]{4,}\b|SQLite|SQLITE|errno/);
	for (const part of parts) expect(message).toMatch(part);
	return message;
}

describe("a server process", () => {
	it("prints workspace, project and the key's file once, and never the key; keeps others out, until it is killed", async () => {
		await using server = await startServerProcess({ env: { FANFARE_LOG_LEVEL: "trace" } });
		const { key, projectId, dataDir, pid } = server;
		const file = `${dataDir}/admin.key`;
		expect(key).toMatch(/^sk_[A-Za-z0-9_-]{43}$/);
		expect(projectId).toMatch(/^proj_[0-9a-f]{32}$/);
		expect(server.stderr).toMatch(new RegExp(`^ {2}Admin key {2}in the file ${file}$`, "m"));
		expect(readFileSync(file, "utf8")).toBe(`${key}\n`);
		expect(server.stderr).toMatch(/Workspace {2}ws_[0-9a-f]{32}/);
		expect(server.stdout + server.stderr).not.toContain(key);

		const env = { FANFARE_PORT: "0", FANFARE_DATA_DIR: dataDir };
		const refused = await runFanfare(["serve"], { env });
		expect(refused).toMatchObject({ code: 1, signal: null, stdout: "" });
		expect(refused.stderr).toMatch(/^fanfare: .{20,}\n$/);
		for (const part of [`process ${pid}`, dataDir, "FANFARE_DATA_DIR"]) expect(refused.stderr).toContain(part);
		await expectRefused(start({}, dataDir), `process ${pid}`);
		// The refused starts have not affected it.
		expect((await server.call("GET", "/readyz")).status).toBe(200);

		server.kill("SIGKILL");
		await server.restart();
		expect(server.stderr + server.stdout).not.toMatch(/sk_|Admin key|Project|Workspace/);
		expect((await server.client.listProjects()).map(({ id }) => id)).toEqual([projectId]);
	});

	it("reports all invalid settings at once, before anything is created", async () => {
		const env = { FANFARE_DATA_DIR: data, FANFARE_PORT: "x", FANFARE_HOST: "a b", FANFARE_X: "1" };
		const { stderr, ...exit } = await runFanfare(["serve"], { env });
		expect(exit).toEqual({ code: 1, signal: null, stdout: "" });
		expect(stderr).toMatch(/^(fanfare: .{20,}\n)+$/);
		for (const name of ["FANFARE_PORT", "FANFARE_HOST", "FANFARE_X"]) expect(stderr).toContain(name);
		expect(() => statSync(data)).toThrow("ENOENT");
	});
});

describe("a data directory that can't be used", () => {
	it.each<[string, () => string, (string | RegExp)[]]>([
		["is a file", () => fileAt("file"), ["file", /not a directory/i]],
		["is inside a file", () => `${fileAt("file")}/data`, ["file"]],
		[
			"can be written to by every user of the machine",
			() => {
				mkdirSync(data);
				chmodSync(data, 0o777);
				return data;
			},
			[/every user/, "chmod 700"],
		],
		[
			"is on a disk that is not mounted",
			() => {
				symlinkSync(dir.join("not-mounted"), dir.join("link"));
				return dir.join("link", "data");
			},
			["link", /not mounted/],
		],
	])("%s", async (_what, make, parts) => {
		const path = make();
		await expectRefused(start({}, path), ...parts, "FANFARE_DATA_DIR");
	});

	it("contains a damaged database, or one of a newer Fanfare", async () => {
		await startOnce();
		const file = `${data}/fanfare.db`;
		const whole = readFileSync(file);
		truncateSync(file, 100_000);
		await expectRefused(start(), /database .* is damaged/, /backup/);
		writeFileSync(file, whole);
		const db = new DatabaseSync(file);
		db.exec("INSERT INTO migrations (id, name, apply_date) VALUES (9000, 'from-the-future', 0)");
		db.close();
		await expectRefused(start(), /newer Fanfare/, "9000");
	});

	it("contains a file that is not a database", async () => {
		mkdirSync(data);
		const file = fileAt("data/fanfare.db", "this is not a database\n".repeat(1_000));
		await expectRefused(start(), file, /not a database/);
	});

	function fileAt(name: string, text = ""): string {
		writeFileSync(dir.join(name), text, { mode: 0o600 });
		return dir.join(name);
	}
});

describe("the master key", () => {
	it("in the environment must be the one that the data was written with", async () => {
		const [right, wrong] = ["a".repeat(64), "b".repeat(64)];
		await startOnce({ FANFARE_MASTER_KEY: right });
		expect(await expectRefused(start({ FANFARE_MASTER_KEY: wrong }), "FANFARE_MASTER_KEY")).not.toContain(wrong);
		// Without a key: none is generated for data that already has one.
		await expectRefused(start(), "FANFARE_MASTER_KEY", "master.key");
		await startOnce({ FANFARE_MASTER_KEY: right });
	});

	it("in the data directory is readable only for its owner, and is never generated again", async () => {
		await startOnce();
		const file = `${data}/master.key`;
		expect(statSync(file).mode & 0o777).toBe(0o600);
		chmodSync(file, 0o644);
		await expectRefused(start(), file, "644", "chmod 600");
		chmodSync(file, 0o600);
		const key = readFileSync(file);
		renameSync(file, `${file}.moved`);
		symlinkSync(`${file}.moved`, file);
		await expectRefused(start(), file, "link", "FANFARE_MASTER_KEY");
		rmSync(file);
		await expectRefused(start(), file, "missing", "backup");
		writeFileSync(file, Buffer.from("short"), { mode: 0o600 });
		await expectRefused(start(), file, "32 bytes");
		writeFileSync(file, key);
		await startOnce();
	});

	it("is not the only protected file: other users can't read any file of the data directory", async () => {
		await using server = await start();
		await server.send({ type: "a.b", data: 1 });
		expect(statSync(data).mode & 0o777).toBe(0o700);
		const names = readdirSync(data);
		const expected = ["fanfare.db", "fanfare.db-wal", "fanfare.db-shm", "fanfare.lock", "fanfare.pid"];
		expect(names).toEqual(expect.arrayContaining(expected));
		const modes = names.map((name) => [name, (statSync(`${data}/${name}`).mode & 0o777).toString(8)]);
		expect(modes).toEqual(names.map((name) => [name, "600"]));
	});
});

describe("the first start", () => {
	it("creates nothing if the key can't be kept, and the next one is a first start again", async () => {
		mkdirSync(`${data}/admin.key`, { recursive: true });
		const config = readConfig({ ...DEFAULTS, FANFARE_DATA_DIR: data });
		await expect(startServer(config, { adminKeyToFile: true })).rejects.toThrow("admin.key");
		rmdirSync(`${data}/admin.key`);
		await using server = await start();
		expect(server.firstStart?.secretKey).toMatch(/^sk_/);
		expect(server.engine.projects.list()).toHaveLength(1);
	});

	it("can follow one that failed because the port was in use: only it makes a key", async () => {
		const holder = createServer();
		await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
		const { port } = holder.address() as AddressInfo;
		await expectRefused(
			start({ FANFARE_PORT: String(port) }),
			`port ${port} on 127.0.0.1 is in use: stop the program that uses it`,
		);
		await new Promise((resolve) => holder.close(resolve));
		await expectRefused(start({ FANFARE_HOST: "192.0.2.1" }), "192.0.2.1 is not an address of this machine");
		await using server = await start();
		expect(server.firstStart?.secretKey).toMatch(/^sk_/);
		expect(server.engine.projects.list()).toHaveLength(1);
	});
});

it("FANFARE_ADMIN_KEY is an admin key from then on, also where it is not set any more, and the first key stays valid", async () => {
	const first = await startOnce();
	const keysWith = async (server: RunningServer, key: string) => {
		const response = await fetch(`${server.url}/workspace/keys`, { headers: { "secret-key": key } });
		const { data: keys } = (await response.json()) as { data?: { name: string }[] };
		return keys?.map(({ name }) => name);
	};
	const both = ["FANFARE_ADMIN_KEY", "First admin key"];
	{
		await using server = await start({ FANFARE_ADMIN_KEY: ADMIN_KEY });
		for (const key of [ADMIN_KEY, first.firstStart!.secretKey!]) expect(await keysWith(server, key)).toEqual(both);
	}
	await using server = await start();
	expect(await keysWith(server, ADMIN_KEY)).toEqual(both);
});

describe("a setting that is refused only when the server is put together", () => {
	it.each([
		[{ FANFARE_ALLOW_NETWORKS: "10.0.0.1/8" }, /FANFARE_ALLOW_NETWORKS.*10\.0\.0\.0\/8/],
		[{ FANFARE_TRUSTED_PROXIES: "10.0.0.1/8" }, /FANFARE_TRUSTED_PROXIES.*10\.0\.0\.0\/8/],
		[{ FANFARE_PROXY: "http://a:3128", FANFARE_NO_PROXY: "10.0.0.1/8" }, /FANFARE_NO_PROXY.*10\.0\.0\.0\/8/],
		[{ FANFARE_EGRESS_ADDRESSES: "198.51.100.7/24" }, /FANFARE_EGRESS_ADDRESSES.*198\.51\.100\.0\/24/],
	])("%o creates nothing", async (env, message) => {
		await expectRefused(start(env), message);
		expect(() => statSync(data)).toThrow("ENOENT");
	});
});
