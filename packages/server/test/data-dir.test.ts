// The data directory: one server at a time, one master key, and a clear error message for each problem.
import {
	chmodSync,
	chownSync,
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
import { createServer } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { runFanfare } from "@fanfare/testkit/fanfare-process";
import { freePort, startServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

/** The user "nobody", who can't write to read-only directories even if the tests run as root. */
const NOBODY = 65_534;
const ADMIN_KEY = `sk_${"A".repeat(43)}`;

let dir: TemporaryDir;
beforeEach(() => {
	dir = new TemporaryDir();
});
afterEach(() => {
	dir[Symbol.dispose]();
});

/** Starts a server that is expected to refuse to start. */
function refusedStart(dataDir: string, env: Record<string, string> = {}, uid?: number) {
	const settings = { FANFARE_PORT: "0", FANFARE_DATA_DIR: dataDir, ...env };
	return runFanfare(["serve"], { env: settings, ...(uid !== undefined && { uid }) });
}

/** Expects exit code 1 and one or more sentences that contain `parts`, without a stack trace or raw error codes. */
function expectMessage(result: Awaited<ReturnType<typeof runFanfare>>, ...parts: readonly (string | RegExp)[]): void {
	const { stderr } = result;
	expect(result, `it printed: ${stderr}`).toMatchObject({ code: 1, signal: null, stdout: "" });
	expect(stderr).toMatch(/^(fanfare: .{20,}\n)+$/);
	// The random end of a temporary folder's name may look like one.
	const words = stderr.replaceAll(/\/\S+/g, "");
	expect(words, "raw error codes").not.toMatch(/\bE[A-Z]{4,}\b|SQLite|SQLITE|errno/);
	for (const part of parts) expect(stderr).toMatch(part);
}

describe("one server at a time", () => {
	it("a second server on the same data refuses to start and names the first; after a SIGKILL a new one starts", async () => {
		await using first = await startServerProcess();
		expectMessage(await refusedStart(first.dataDir), `process ${first.pid}`, first.dataDir, "FANFARE_DATA_DIR");
		// The refused start has not affected the first server.
		expect((await first.call("GET", "/readyz")).status).toBe(200);
		expectMessage(await refusedStart(first.dataDir), `process ${first.pid}`);

		first.kill("SIGKILL");
		await first.restart();
		expect((await first.call("GET", "/readyz")).status).toBe(200);
	});

	it("a start that fails does not block the next one", async () => {
		await using server = await startServerProcess({ dataDir: dir.join("data") });
		await server.stop();
		const holder = createServer();
		await new Promise<void>((resolve) => holder.listen(server.port, "127.0.0.1", resolve));
		const settings = { FANFARE_PORT: String(server.port) };
		const refused = await refusedStart(server.dataDir, settings);
		await new Promise((resolve) => holder.close(resolve));
		expectMessage(refused, `port ${server.port} on 127.0.0.1 is in use`, "FANFARE_PORT");
		await server.restart();
		expect((await server.call("GET", "/readyz")).status).toBe(200);
	});
});

describe("a data directory that can't be used", () => {
	it("is a file", async () => {
		writeFileSync(dir.join("file"), "");
		expectMessage(await refusedStart(dir.join("file")), dir.join("file"), /not a directory/i, "FANFARE_DATA_DIR");
	});

	it("is inside a file", async () => {
		writeFileSync(dir.join("file"), "");
		expectMessage(await refusedStart(dir.join("file", "data")), dir.join("file"), "FANFARE_DATA_DIR");
	});

	it("is not writable, or can't be created", async () => {
		const uid = process.getuid?.() === 0 ? NOBODY : undefined;
		chmodSync(dir.path, 0o755);
		mkdirSync(dir.join("read-only"));
		chmodSync(dir.join("read-only"), 0o555);
		expectMessage(await refusedStart(dir.join("read-only"), {}, uid), "read-only", "FANFARE_DATA_DIR");
		expectMessage(await refusedStart(dir.join("read-only", "data"), {}, uid), "read-only", "FANFARE_DATA_DIR");
	});

	it("can be written to by every user of the machine", async () => {
		mkdirSync(dir.join("data"));
		chmodSync(dir.join("data"), 0o777);
		expectMessage(
			await refusedStart(dir.join("data")),
			dir.join("data"),
			/every user/,
			"chmod 700",
			"FANFARE_DATA_DIR",
		);
	});

	it("is used with a warning if its group may write to it", async () => {
		mkdirSync(dir.join("data"));
		chmodSync(dir.join("data"), 0o770);
		await using server = await startServerProcess({ dataDir: dir.join("data") });
		await server.stop();
		const [line] = server.stdout.split("\n").filter((text) => text.includes("by its group"));
		expect(JSON.parse(line ?? "{}")).toMatchObject({ msg: expect.stringMatching(/mode 770.*chmod 700/) });
	});

	it("is on a disk that is not mounted", async () => {
		symlinkSync(dir.join("not-mounted"), dir.join("link"));
		expectMessage(await refusedStart(dir.join("link", "data")), "link", /not mounted/, "FANFARE_DATA_DIR");
	});

	it.skipIf(process.getuid?.() !== 0)("contains files of another user", async () => {
		await using server = await startServerProcess({ dataDir: dir.join("data") });
		await server.stop();
		for (const path of [dir.path, server.dataDir]) chmodSync(path, 0o755);
		chownSync(server.dataDir, NOBODY, NOBODY);
		for (const name of ["fanfare.lock", "fanfare.db", "master.key"]) {
			const file = join(server.dataDir, name);
			expectMessage(await refusedStart(server.dataDir, {}, NOBODY), /this user/, server.dataDir);
			chownSync(file, NOBODY, NOBODY);
		}
		await server.restart();
	});

	it("contains a damaged database", async () => {
		await using server = await startServerProcess({ dataDir: dir.join("data") });
		await server.stop();
		truncateSync(dir.join("data", "fanfare.db"), 100_000);
		expectMessage(await refusedStart(server.dataDir), /database .* is damaged/, /backup/);
	});

	it("was written by a newer Fanfare", async () => {
		await using server = await startServerProcess();
		await server.stop();
		const db = new DatabaseSync(`${server.dataDir}/fanfare.db`);
		db.exec("INSERT INTO migrations (id, name, apply_date) VALUES (9000, 'from-the-future', 0)");
		db.close();
		expectMessage(await refusedStart(server.dataDir), /newer Fanfare/, "9000");
	});

	it("contains a file that is not a database", async () => {
		mkdirSync(dir.join("data"));
		writeFileSync(dir.join("data", "fanfare.db"), "this is not a database\n".repeat(1_000), { mode: 0o600 });
		expectMessage(await refusedStart(dir.join("data")), dir.join("data", "fanfare.db"), /not a database/);
	});
});

describe("the master key", () => {
	it("in the environment must be the one that the data was written with", async () => {
		const [right, wrong] = ["a".repeat(64), "b".repeat(64)];
		await using server = await startServerProcess({ env: { FANFARE_MASTER_KEY: right } });
		await server.createWebhook("http://127.0.0.1:9");
		await server.stop();
		const refused = await refusedStart(server.dataDir, { FANFARE_MASTER_KEY: wrong });
		expectMessage(refused, "FANFARE_MASTER_KEY");
		expect(refused.stderr).not.toContain(wrong);
		// Without a key: none is generated for data that already has one.
		expectMessage(await refusedStart(server.dataDir), "FANFARE_MASTER_KEY", "master.key");
		await server.restart();
	});

	it("in the data directory is readable only for its owner, and is never generated again", async () => {
		await using server = await startServerProcess();
		const file = `${server.dataDir}/master.key`;
		expect(statSync(file).mode & 0o777).toBe(0o600);
		await server.stop();

		chmodSync(file, 0o644);
		expectMessage(await refusedStart(server.dataDir), file, "644", "chmod 600");
		chmodSync(file, 0o600);

		const key = readFileSync(file);
		renameSync(file, `${file}.moved`);
		symlinkSync(`${file}.moved`, file);
		expectMessage(await refusedStart(server.dataDir), file, "link", "FANFARE_MASTER_KEY");
		rmSync(file);
		expectMessage(await refusedStart(server.dataDir), file, "missing", "backup");
		writeFileSync(file, Buffer.from("short"), { mode: 0o600 });
		expectMessage(await refusedStart(server.dataDir), file, "32 bytes");

		writeFileSync(file, key);
		await server.restart();
	});

	it("is not the only protected file: other users can't read any file of the data directory", async () => {
		await using server = await startServerProcess();
		await server.project.events.send({ type: "a.b", data: 1 });
		expect(statSync(server.dataDir).mode & 0o777).toBe(0o700);
		for (const name of ["fanfare.db", "fanfare.db-wal", "fanfare.db-shm", "fanfare.lock", "fanfare.pid"]) {
			expect(readdirSync(server.dataDir)).toContain(name);
		}
		for (const name of readdirSync(server.dataDir)) {
			expect([name, (statSync(`${server.dataDir}/${name}`).mode & 0o777).toString(8)]).toEqual([name, "600"]);
		}
	});
});

describe("the first start", () => {
	it("prints workspace, project and the key's file once, and never the key; later starts print none of them", async () => {
		await using server = await startServerProcess({ env: { FANFARE_LOG_LEVEL: "trace" } });
		const { key, projectId } = server;
		expect(key).toMatch(/^sk_[A-Za-z0-9_-]{43}$/);
		expect(projectId).toMatch(/^proj_[0-9a-f]{32}$/);
		const file = join(server.dataDir, "admin.key");
		expect(server.stderr).toMatch(new RegExp(`^ {2}Admin key {2}in the file ${file}$`, "m"));
		expect([readFileSync(file, "utf8"), statSync(file).mode & 0o777]).toEqual([`${key}\n`, 0o600]);
		expect(server.stderr).toMatch(/Workspace {2}ws_[0-9a-f]{32}/);
		expect(server.stdout + server.stderr).not.toContain(key);
		expect((await server.client.listProjects()).map(({ id }) => id)).toEqual([projectId]);

		await server.stop();
		await server.restart();
		expect(server.stderr + server.stdout).not.toMatch(/sk_|Admin key|Project|Workspace/);
		expect((await server.client.listProjects()).map(({ id }) => id)).toEqual([projectId]);
	});

	it("does not print a key that the operator has set, and that key is an admin key", async () => {
		await using server = await startServerProcess({ env: { FANFARE_ADMIN_KEY: ADMIN_KEY } });
		expect(server.stderr).not.toMatch(/sk_|Admin key/);
		expect(readdirSync(server.dataDir)).not.toContain("admin.key");
		expect((await server.client.keys.create({ name: "of an admin", scope: "admin" })).scope).toBe("admin");
	});

	it("creates nothing if the key can't be kept", async () => {
		mkdirSync(dir.join("data", "admin.key"), { recursive: true });
		const refused = await refusedStart(dir.join("data"));
		expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("admin.key")]);
		rmdirSync(dir.join("data", "admin.key"));
		await using server = await startServerProcess({ dataDir: dir.join("data") });
		expect((await server.client.listProjects()).length).toBe(1);
	});

	it("gives the key even if an earlier start failed because the port was in use", async () => {
		const refused = await refusedStart(dir.join("data"), { FANFARE_PORT: String(await portInUse()) });
		expect(refused.code).toBe(1);
		await using server = await startServerProcess({ dataDir: dir.join("data") });
		expect(server.key).toMatch(/^sk_/);
		expect((await server.client.listProjects()).length).toBe(1);
	});

	it("can follow a failed start on the same directory", async () => {
		const refused = await refusedStart(dir.join("data"), { FANFARE_PORT: String(await portInUse()) });
		expect(refused.code).toBe(1);
		await using server = await startServerProcess({ dataDir: dir.join("data"), env: { FANFARE_ADMIN_KEY: ADMIN_KEY } });
		expect((await server.client.listProjects()).length).toBe(1);
	});
});

describe("FANFARE_ADMIN_KEY on a later start", () => {
	it("is an admin key from then on, even when it is not set any more, and the first key stays valid", async () => {
		await using server = await startServerProcess();
		const firstKey = server.key;
		await server.stop();
		await server.restart({ FANFARE_ADMIN_KEY: ADMIN_KEY });
		for (const key of [ADMIN_KEY, firstKey]) {
			expect((await server.call("GET", "/workspace/keys", undefined, { "secret-key": key })).status).toBe(200);
		}
		await server.stop();
		await server.restart();
		const answer = await server.call("GET", "/workspace/keys", undefined, { "secret-key": ADMIN_KEY });
		expect(answer.json).toMatchObject({ data: [{ name: "FANFARE_ADMIN_KEY" }, { name: "First admin key" }] });
	});
});

describe("an invalid setting stops the start with a message that names it", () => {
	it.each([
		["FANFARE_PORT", "abc", /0–65535.*"abc"/],
		["FANFARE_PORT", "", /empty/],
		["FANFARE_ALLOW_NETWORKS", "10.0.0.1/8", /FANFARE_ALLOW_NETWORKS.*10\.0\.0\.0\/8/],
		["FANFARE_ALLOW_HOSTS", "*.internal", /FANFARE_ALLOW_HOSTS.*billing\.internal/],
		["FANFARE_NO_PROXY", "10.0.0.1/8", /FANFARE_PROXY.* is not/],
		["FANFARE_TRUSTED_PROXIES", "10.0.0.1/8", /FANFARE_TRUSTED_PROXIES.*10\.0\.0\.0\/8/],
		["FANFARE_DATABASE_URL", "postgres://localhost/x", /with a user, one host and a database/],
		["FANFARE_PROT", "80", /did you mean FANFARE_PORT\?/],
	])("%s=%s", async (name, value, expected) => {
		expectMessage(await refusedStart(dir.join("data"), { [name]: value }), name, expected);
	});

	it.each(["FANFARE_MASTER_KEY", "FANFARE_ADMIN_KEY", "FANFARE_PROXY"])(
		"%s, without its value in the message",
		async (name) => {
			const refused = await refusedStart(dir.join("data"), { [name]: "socks://tell-nobody" });
			expectMessage(refused, name);
			expect(refused.stderr).not.toContain("tell-nobody");
		},
	);

	it("a network to call without the proxy, before anything is created", async () => {
		const env = { FANFARE_PROXY: "http://proxy:3128", FANFARE_NO_PROXY: "10.0.0.1/8" };
		expectMessage(await refusedStart(dir.join("data"), env), /FANFARE_NO_PROXY.*10\.0\.0\.0\/8/);
		expect(() => statSync(dir.join("data"))).toThrow("ENOENT");
	});

	it("reports all invalid settings at once, before anything is created", async () => {
		const refused = await refusedStart(dir.join("data"), { FANFARE_PORT: "x", FANFARE_HOST: "a b", FANFARE_X: "1" });
		expectMessage(refused, "FANFARE_PORT", "FANFARE_HOST", "FANFARE_X");
		expect(() => statSync(dir.join("data"))).toThrow("ENOENT");
	});

	it("a host that is not an address of this machine", async () => {
		expectMessage(await refusedStart(dir.join("data"), { FANFARE_HOST: "192.0.2.1" }), "192.0.2.1", "FANFARE_HOST");
	});
});

/** A port on which a server of this test process listens until the process ends. */
async function portInUse(): Promise<number> {
	const port = await freePort();
	const server = createServer().unref();
	await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
	return port;
}
