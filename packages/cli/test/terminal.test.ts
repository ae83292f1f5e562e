// What `fanfare serve` prints on a terminal.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, closeSync, mkdirSync, openSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { Client } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { FanfareProcess } from "@fanfare/testkit/fanfare-process";
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

/** Signs in with a link as the page does. Returns the status. */
async function signInWith(url: string, link: string): Promise<number> {
	const headers = { "content-type": "application/json", "fanfare-page": "1" };
	const response = await fetch(`${url}/sessions`, { method: "POST", headers, body: JSON.stringify({ link }) });
	return response.status;
}
