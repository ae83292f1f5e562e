// The command line: help, version, options, and the errors for unknown arguments.
import { createServer, type AddressInfo } from "node:net";

import { runFanfare, FanfareProcess } from "@fanfare/testkit/fanfare-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

it("--version prints the version", async () => {
	expect(await runFanfare(["--version"])).toEqual({ code: 0, signal: null, stdout: "0.2.0\n", stderr: "" });
});

it("--help lists the commands", async () => {
	const { code, stdout } = await runFanfare(["--help"]);
	expect(code).toBe(0);
	for (const command of ["serve", "generate-secret", "rotate-master-key"]) expect(stdout).toContain(command);
});

it("serve --help lists each setting with its variable and its valid values", async () => {
	const { code, stdout } = await runFanfare(["serve", "--help"]);
	expect(code).toBe(0);
	const help = stdout.replaceAll(/\s+/g, " ");
	for (const text of ["--port", "FANFARE_PORT", "--data-dir", "FANFARE_DATA_DIR", "8787"]) expect(help).toContain(text);
	for (const text of ["true or false", "one of trace, debug, info"]) expect(help).toContain(text);
});

it("generate-secret prints a webhook secret", async () => {
	const { code, stdout, stderr } = await runFanfare(["generate-secret"]);
	expect([code, stderr]).toEqual([0, ""]);
	expect(stdout).toMatch(/^whsec_[A-Za-z0-9+/]{43}=\n$/);
});

describe("unknown arguments are refused", () => {
	it.each([
		[["serv"], /serve/],
		[["serve", "--prot", "80"], /--port/],
		[["serve", "extra"], /argument/],
		[["rotate-master-key", "--port", "80"], /--port/],
	])("%j", async (args, expected) => {
		const { code, stdout, stderr } = await runFanfare(args);
		expect([code, stdout]).toEqual([2, ""]);
		expect(stderr).toMatch(expected);
		expect(stderr).not.toMatch(/^ {4}at /m);
	});
});

it("serve prints the public URL", async () => {
	using dir = new TemporaryDir();
	const args = ["serve", "--port", "0", "--data-dir", dir.join("data"), "--public-url", "https://example.com/fanfare/"];
	const server = new FanfareProcess(args);
	const [message] = await server.waitForStderr(/.* listens on [^]*Admin key/);
	expect(message).toMatch(
		/ listens on http:\/\/127\.0\.0\.1:\d+ \(data in .*https:\/\/example\.com\/fanfare\/docs\)$/m,
	);
	expect(message).toMatch(/^ {2}Public URL https:\/\/example\.com\/fanfare$/m);
	server.kill("SIGTERM");
	expect(await server.exited).toEqual({ code: 0, signal: null });
});

it("serve takes every setting as a flag, also one that begins with no", async () => {
	const { code, stderr } = await runFanfare(["serve", "--no-proxy", "*"], { env: { FANFARE_PROXY: "http://proxy:1" } });
	expect(code).toBe(1);
	expect(stderr).toMatch(/^fanfare: --no-proxy must be a list of host names, .* got "\*"\n$/);
});

it("serve prefers flags to environment variables", async () => {
	using dir = new TemporaryDir();
	const env = { FANFARE_PORT: "1", FANFARE_DATA_DIR: dir.join("other") };
	const server = new FanfareProcess(["serve", "--port", "0", "--data-dir", dir.join("data")], { env });
	const [, url] = await server.waitForStderr(/listens on (http:\/\/127\.0\.0\.1:\d+) \(data in .*\/data;/);
	expect((await fetch(`${url}/healthz`)).status).toBe(200);
	server.kill("SIGTERM");
	expect(await server.exited).toEqual({ code: 0, signal: null });
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
