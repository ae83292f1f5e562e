// The command line: help, version, settings, and the errors for unknown arguments. One process starts, is used and ends by a signal; what else
// needs a process: serve.all.test.ts and start.all.test.ts.
import { FanfareProcess, runFanfare } from "@fanfare/testkit/fanfare-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

import { ENTRIES } from "../src/entries.ts";
import { loadWholeProgram } from "../src/program.ts";
import { runInProcess } from "./support/in-process.ts";
import { modulesOf } from "./support/loaded-modules.ts";

it("--version prints the version", async () => {
	expect(await runFanfare(["--version"])).toEqual({ code: 0, signal: null, stdout: "0.2.0\n", stderr: "" });
	expect(await runInProcess(["--version"])).toEqual({ code: 0, stdout: "0.2.0\n", stderr: "" });
});

it("serve prefers flags to environment variables, prints the public URL, answers, and ends by SIGTERM", async () => {
	using dir = new TemporaryDir();
	const env = { FANFARE_PORT: "1", FANFARE_DATA_DIR: dir.join("other") };
	const args = ["serve", "--port", "0", "--data-dir", dir.join("data"), "--public-url", "https://example.com/fanfare/"];
	await using server = new FanfareProcess(args, { env });
	const [message, url] = await server.waitForStderr(/.* listens on (http:\S+) [^]*Admin key/);
	expect(message).toMatch(
		/ listens on http:\/\/127\.0\.0\.1:\d+ \(data in .*\/data; .*https:\/\/example\.com\/fanfare\/docs\)$/m,
	);
	expect(message).toMatch(/^ {2}Public URL https:\/\/example\.com\/fanfare$/m);
	expect((await fetch(`${url}/healthz`)).status).toBe(200);
	server.kill("SIGTERM");
	expect(await server.exited).toEqual({ code: 0, signal: null });
});

it("--help loads neither the server, nor the SDK, nor prompts, and few modules at all", async () => {
	const modules = await modulesOf(["--help"]);
	expect(modules.filter((url) => url.startsWith("file:") && !/\/cli\/src\/|\/commander\//.test(url))).toEqual([]);
	expect(modules.length).toBeGreaterThan(2);
});

it("serve --help lists each setting with its variable and its valid values, by subject", async () => {
	const { code, stdout } = await runInProcess(["serve", "--help"]);
	expect(code).toBe(0);
	const help = stdout.replaceAll(/\s+/g, " ");
	for (const text of ["--port", "FANFARE_PORT", "--data-dir", "FANFARE_DATA_DIR", "8787"]) expect(help).toContain(text);
	for (const text of ["true or false", "one of trace, debug, info"]) expect(help).toContain(text);
	const headings = stdout.split("\n").filter((line) => /^[A-Z].*:$/.test(line));
	expect(new Set(headings).size).toBe(headings.length);
	expect(headings).toEqual(expect.arrayContaining(["Data and keys:", "Retention and quotas:"]));
	const [receivers] = stdout.slice(stdout.indexOf("Which receivers may be called:")).split("\n\n");
	expect(receivers).toContain("--allow-networks");
});

it("generate-secret prints a webhook secret", async () => {
	const { code, stdout, stderr } = await runInProcess(["generate-secret"]);
	expect([code, stderr]).toEqual([0, ""]);
	expect(stdout).toMatch(/^whsec_[A-Za-z0-9+/]{43}=\n$/);
});

it.each([
	["serv", 2, /serve/],
	["serve --prot 80", 2, /--port/],
	["serve extra", 2, /argument/],
	["config --no-proxy *", 1, /^fanfare: --no-proxy must be a list of host names, .* got "\*"\n$/],
	["rotate-master-key --port 80", 2, /--port/],
	["backup b.db --max-wal-mb lots", 2, /--max-wal-mb/],
	["migrate-store", 1, /^fanfare: name the database with --to or FANFARE_DATABASE_URL\n$/],
	["help webhoks", 2, /Did you mean webhooks/],
])("%s is refused", async (line, code, expected) => {
	const result = await runInProcess(line.split(" "));
	expect([result.code, result.stdout]).toEqual([code, ""]);
	expect(result.stderr).toMatch(expected);
	expect(result.stderr).not.toMatch(/^ {4}at /m);
});

it("each command says of itself what the help of the program says", async () => {
	const program = await loadWholeProgram();
	const loaded = program.commands.filter((command) => command.name() !== "help");
	const summaries = loaded.map((command) => ({ name: command.name(), summary: command.summary() }));
	expect(summaries).toEqual(ENTRIES.map(({ name, summary }) => ({ name, summary })));
	expect(loaded.filter((command) => command.description() === "")).toEqual([]);
});

it("every command of a resource has a summary, texts of its arguments and options, and the common options", async () => {
	const program = await loadWholeProgram();
	const commands = program.commands.flatMap((group) => group.commands);
	expect(commands.length).toBeGreaterThan(30);
	const texts = commands.flatMap((command) => [
		command.summary(),
		...command.registeredArguments.map(({ description }) => description),
		...command.options.map(({ description }) => description),
	]);
	expect(texts.filter((text) => !/^[A-Za-z0-9`].*[.\]]$/.test(text))).toEqual([]);
	for (const command of commands) {
		const flags = command.options.map(({ long }) => long);
		expect(flags).toEqual(expect.arrayContaining(["--json", "--quiet", "--profile", "--url"]));
	}
});

it("help takes all words of a command, and groups have no heading of the program", async () => {
	const { stdout } = await runInProcess(["help", "webhooks", "create"]);
	expect(stdout).toBe((await runInProcess(["webhooks", "create", "--help"])).stdout);
	expect(stdout).toContain("fanfare webhooks create [options] [endpoint]");
	const group = (await runInProcess(["help", "webhooks"])).stdout;
	expect(group).toContain("help [command]");
	expect(group).not.toContain("Set up:");
});
