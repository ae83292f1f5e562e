// What `fanfare serve` and `fanfare dev` print, on a terminal and elsewhere, and what signals do during a start.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

import { Client } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { FanfareProcess, runFanfare } from "@fanfare/testkit/fanfare-process";
import { freePort, startServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
/** Makes both outputs look like a terminal. They are one file, so that the test sees in which order they are written. */
const AS_TERMINAL = `data:text/javascript,${encodeURIComponent(`
	for (const output of [process.stdout, process.stderr]) output.isTTY = true;
`)}`;

it("the announcement, with the admin key of a first start, comes before the first line of the log", async () => {
	using dir = new TemporaryDir();
	mkdirSync(dir.join("data"));
	// The log has a warning about this at the start.
	chmodSync(dir.join("data"), 0o770);
	const file = openSync(dir.join("output"), "a");
	const env = { PATH: process.env["PATH"], FANFARE_PORT: "0", FANFARE_DATA_DIR: dir.join("data") };
	const args = [`--import=${AS_TERMINAL}`, "--conditions=@fanfare/source", MAIN, "serve"];
	const server = spawn(process.execPath, args, { env, stdio: ["ignore", file, file] });
	closeSync(file);
	const exited = once(server, "exit");
	try {
		const printed = () => readFileSync(dir.join("output"), "utf8");
		await eventually("the log to begin", () => printed().includes('"msg":"started"') || server.exitCode !== null);
		const lines = printed().trimEnd().split("\n");
		expect(lines[0]).toMatch(/^Fanfare .* listens on /);
		expect(lines.filter((line) => line.startsWith("  Admin key"))).toEqual([
			expect.stringMatching(/^ {2}Admin key {2}sk_[\w-]{43}$/),
		]);
		expect(readdirSync(dir.join("data"))).not.toContain("admin.key");
		const [, url = "", link = ""] =
			/^ {2}Page {7}(http:\/\/127\.0\.0\.1:\d+)\/ui\/#link=(sl_[\w-]{43})$/m.exec(printed()) ?? [];
		const use = () => signInWith(url, link);
		expect([await use(), await use()]).toEqual([200, 401]);
		const levels = lines.map((line) => /^\{"level":"(\w+)"/.exec(line)?.[1] ?? null);
		expect(levels.slice(levels.indexOf("warn"))).toEqual(["warn", "info"]);
		expect(levels.slice(0, levels.indexOf("warn")).every((level) => level === null)).toBe(true);
	} finally {
		server.kill("SIGTERM");
		await exited;
	}
});

it("a sign-in link is not printed where standard error is kept, even if standard output is a terminal", async () => {
	using dir = new TemporaryDir();
	const env = { FANFARE_DATA_DIR: dir.join("data"), FANFARE_LOG_LEVEL: "trace" };
	const preload = ["data:text/javascript,process.stdout.isTTY = true"];
	await using server = new FanfareProcess(["serve", "--port", "0"], { env, preload });
	await server.waitForStderr(/Admin key/);
	server.kill("SIGTERM");
	await server.exited;
	expect(server.stderr + server.stdout).not.toMatch(/sl_|#link=/);
});

it("a sign-in link is printed anywhere if it is asked for, with an address that a browser can open", async () => {
	using dir = new TemporaryDir();
	const env = { FANFARE_DATA_DIR: dir.join("data"), FANFARE_LOG_LEVEL: "trace", FANFARE_HOST: "0.0.0.0" };
	await using server = new FanfareProcess(["serve", "--port", "0", "--sign-in-link"], { env });
	const [, url = "", link = ""] = await server.waitForStderr(/Page {7}(http:\/\/localhost:\d+)\/ui\/#link=(\S+)/);
	expect(await signInWith(url, link)).toBe(200);
	const key = readFileSync(dir.join("data", "admin.key"), "utf8").trim();
	const audit = await new Client(key, { endpoint: url }).audit.list();
	expect(audit.data.map(({ action, keyId }) => [action, keyId === null])).toEqual([
		["session.create", false],
		["sign_in_link.create", true],
	]);
	server.kill("SIGTERM");
	await server.exited;
	// The log is on standard output, and is kept.
	expect(server.stdout).not.toMatch(/sl_|#link=/);
});

it("a sign-in link is printed at every start, with a key that administers the workspace", async () => {
	using dir = new TemporaryDir();
	const start = () =>
		new FanfareProcess(["serve", "--port", "0", "--sign-in-link"], {
			env: { FANFARE_DATA_DIR: dir.join("data") },
		});
	for (const isFirst of [true, false]) {
		await using server = start();
		const [, url = "", link = ""] = await server.waitForStderr(/Page {7}(\S+)\/ui\/#link=(\S+)/);
		expect(server.stderr.includes("Admin key")).toBe(isFirst);
		expect(await signInWith(url, link)).toBe(200);
		server.kill("SIGTERM");
		await server.exited;
	}
});

it("serve says that a port is in use with the name by which it was set, and names a free one", async () => {
	const { promise, resolve } = Promise.withResolvers<void>();
	await using taken = createServer().listen(0, "127.0.0.1", resolve);
	await promise;
	const port = String((taken.address() as AddressInfo).port);
	using dir = new TemporaryDir();
	const args = ["serve", "--host", "127.0.0.1", "--data-dir", dir.join("data")];
	const byFlag = await runFanfare([...args, "--port", port]);
	const inUse = `fanfare: port ${port} on 127.0.0.1 is in use: stop the program that uses it (`;
	expect([byFlag.code, byFlag.stderr]).toEqual([1, expect.stringContaining(inUse)]);
	expect(byFlag.stderr).toMatch(/ names it\), or set --port to (\d+, which is free|another port \(0 .*\))\n$/);
	const byVariable = await runFanfare(args, { env: { FANFARE_PORT: port } });
	expect(byVariable.stderr).toMatch(/, or set FANFARE_PORT to /);
	const elsewhere = await runFanfare([...args, "--host", "192.0.2.1", "--port", "0"]);
	expect(elsewhere.stderr).toMatch(/^fanfare: 192\.0\.2\.1 is not an address of this machine: set --host to /);
});

it("dev starts a server for this machine, keeps its key in a profile, and finds the profile again", async () => {
	using dir = new TemporaryDir();
	const env = { FANFARE_CONFIG_DIR: dir.join("config"), FANFARE_TIMEOUT: "10m" };
	const port = String(await freePort());
	const args = ["dev", "--no-open", "--port", port, "--data-dir", dir.join("data")];
	for (let start = 1; start <= 2; start++) {
		await using server = new FanfareProcess(args, { env });
		const [said] = await server.waitForStderr(/listens on [^]*10 minutes\.\n/);
		expect(said).toMatch(/Profile {4}dev keeps the key[^]*Page {7}http:\/\/127\.0\.0\.1:\d+\/ui\/#link=/);
		expect(server.stdout + server.stderr).not.toContain("sk_");
		const create = [
			"webhooks",
			"create",
			"http://127.0.0.1:9/",
			"--quiet",
			"--save-secret",
			dir.join(`secret${start}`),
		];
		const created = await runFanfare([...create, ...(start === 1 ? [] : ["--customer", "acme"])], { env });
		expect([created.code, created.stderr]).toEqual([0, ""]);
		server.kill("SIGTERM");
		expect(await server.exited).toEqual({ code: 0, signal: null });
	}
	const profiles = readFileSync(dir.join("config/profiles.json"), "utf8");
	expect(JSON.parse(profiles)).toMatchObject({
		current: "dev",
		profiles: { dev: { url: `http://127.0.0.1:${port}`, isProduction: false } },
	});
});

it("loses no signal that comes during the start", async () => {
	const early = `data:text/javascript,${encodeURIComponent(`
		import { isMainThread } from "node:worker_threads";
		if (isMainThread) process.on("newListener", (event) => {
			if (event === "SIGHUP") setImmediate(() => process.emit("SIGHUP"));
		});
	`)}`;
	using dir = new TemporaryDir();
	writeFileSync(dir.join("settings.env"), "FANFARE_MAX_KEYS=10000");
	const env = { FANFARE_SETTINGS_FILE: dir.join("settings.env") };
	await using server = await startServerProcess({ env, preload: [early] });
	await eventually("the settings to be read again", () => server.stdout.includes("the settings were read again"));
});

it("stops at SIGHUP if it has a terminal, since that has gone", async () => {
	using dir = new TemporaryDir();
	const terminal = `data:text/javascript,process.stderr.isTTY=true`;
	await using server = new FanfareProcess(["serve"], {
		env: { FANFARE_PORT: "0", FANFARE_DATA_DIR: dir.join("data") },
		preload: [terminal],
	});
	await server.waitForStderr(/listens on/);
	server.kill("SIGHUP");
	expect(await server.exited).toEqual({ code: 0, signal: null });
	expect(server.stderr).toContain("Stopping");
});

/** Signs in with a link as the page does. Returns the status. */
async function signInWith(url: string, link: string): Promise<number> {
	const headers = { "content-type": "application/json", "fanfare-page": "1" };
	const response = await fetch(`${url}/sessions`, { method: "POST", headers, body: JSON.stringify({ link }) });
	return response.status;
}
