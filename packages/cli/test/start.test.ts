// What the command loads: its help must not load the server, nor a command what it does not need.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { runFanfare } from "@fanfare/testkit/fanfare-process";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { expect, it } from "vitest";

import { ENTRIES } from "../src/entries.ts";
import { loadWholeProgram } from "../src/program.ts";

/** Prints the address of each module that is loaded, at the end. */
const LIST_MODULES = `data:text/javascript,${encodeURIComponent(`
	import { registerHooks } from "node:module";
	import { writeSync } from "node:fs";
	const loaded = [];
	registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
	process.on("exit", () => writeSync(2, "MODULES " + JSON.stringify(loaded) + "\\n"));
`)}`;

/** The same for the files of the page and of the documents that the main thread looks for. */
const LIST_FILES = `data:text/javascript,${encodeURIComponent(`
	import fs, { writeSync } from "node:fs";
	import { syncBuiltinESMExports } from "node:module";
	import { isMainThread } from "node:worker_threads";
	const asked = [];
	for (const name of ["existsSync", "readFileSync"]) {
		const original = fs[name];
		fs[name] = (path, ...rest) => (asked.push(String(path)), original(path, ...rest));
	}
	syncBuiltinESMExports();
	const ofPage = () => asked.filter((path) => path.includes("/dist/page/") || path.includes("/dist/docs/"));
	if (isMainThread) process.on("exit", () => writeSync(2, "FILES " + JSON.stringify(ofPage()) + "\\n"));
`)}`;

async function modulesOf(args: readonly string[]): Promise<string[]> {
	return listedIn((await runFanfare(args, { preload: [LIST_MODULES], unbundled: true })).stderr);
}

function listedIn(stderr: string): string[] {
	return JSON.parse(/^MODULES (.*)$/m.exec(stderr)?.[1] ?? "") as string[];
}

/** The modules of all commands together, none of which runs. */
async function modulesOfAll(): Promise<string[]> {
	const program = JSON.stringify(new URL("../src/program.ts", import.meta.url).href);
	const code = `await (await import(${program})).loadWholeProgram();`;
	const options = ["--conditions=@fanfare/source", `--import=${LIST_MODULES}`, "--input-type=module", "--eval", code];
	return listedIn((await promisify(execFile)(process.execPath, options)).stderr);
}

const isServer = (url: string) => url.includes("/packages/server/") || url.includes("/@fanfare/server/");
const isPrompts = (url: string) => url.includes("/@clack/");
const isSdk = (url: string) => url.includes("/packages/sdk/") || url.includes("/@fanfare/sdk/");

it("--help loads neither the server, nor the SDK, nor prompts, and few modules at all", async () => {
	const modules = await modulesOf(["--help"]);
	expect(modules.filter((url) => url.startsWith("file:") && !/\/cli\/src\/|\/commander\//.test(url))).toEqual([]);
	expect(modules.length).toBeGreaterThan(2);
});

it.each([["webhooks", "--help"], ["events", "list", "--help"], ["whoami"], ["help", "keys"]])(
	"%s %s loads no module of the server, and no prompts",
	async (...args) => {
		const modules = await modulesOf(args);
		expect(modules.filter((url) => isServer(url) || isPrompts(url))).toEqual([]);
	},
);

it("conform --help loads only the checks of the server", async () => {
	const ofServer = (await modulesOf(["conform", "--help"])).filter(isServer);
	const others = ofServer.filter((url) => !/\/(conformance\.[jt]s|core\/conformance\/\w+\.[jt]s)$/.test(url));
	expect([ofServer.length > 0, others]).toEqual([true, []]);
});

it("no command loads the SDK before it runs, and one that runs does", async () => {
	expect((await modulesOfAll()).filter(isSdk)).toEqual([]);
	expect((await modulesOf(["whoami"])).some(isSdk)).toBe(true);
});

it("serve loads the server, which shows that the list of modules has it", async () => {
	expect((await modulesOf(["serve", "--help"])).some(isServer)).toBe(true);
});

/** What only some servers need, or none before it is asked for. */
const ON_DEMAND =
	/\/node_modules\/(pg|pg-\w+|@nats-io\/\w+|@opentelemetry\/(?!api\/)[\w-]+|ajv|ajv-formats|re2js|openapi3-ts)\/|\/adapters\/(postgres|nats)\/|\/telemetry\/tracing\.|\/api\/documents\/(openapi|docs-page|parts|received)\b/;

it("a server that has started has loaded no code for databases, traces, schemas and documents, and not the page", async () => {
	await using server = await startServerProcess({ preload: [LIST_MODULES, LIST_FILES], unbundled: true });
	await server.createWebhook("http://127.0.0.1:9/");
	await server.stop();
	const modules = listedIn(server.stderr);
	expect(modules.some((url) => url.includes("/compose/embedded."))).toBe(true);
	expect(modules.filter((url) => ON_DEMAND.test(url))).toEqual([]);
	expect(server.stderr).toContain("FILES []\n");
});

it("a server loads these when it is asked for them, which shows that the lists have them", async () => {
	await using server = await startServerProcess({ preload: [LIST_MODULES, LIST_FILES], unbundled: true });
	for (const path of ["/openapi.json", "/docs/api", "/ui/"]) await server.call("GET", path);
	await server.stop();
	const found = listedIn(server.stderr).filter((url) => ON_DEMAND.test(url));
	expect(found).toEqual(
		expect.arrayContaining([expect.stringMatching(/documents\/openapi\./), expect.stringMatching(/docs-page\.ts/)]),
	);
	expect(server.stderr).toMatch(/^FILES .*dist\/page\/.*$/m);
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
	const { stdout } = await runFanfare(["help", "webhooks", "create"]);
	expect(stdout).toBe((await runFanfare(["webhooks", "create", "--help"])).stdout);
	expect(stdout).toContain("fanfare webhooks create [options] [endpoint]");
	const unknown = await runFanfare(["help", "webhoks"]);
	expect([unknown.code, unknown.stdout, unknown.stderr]).toEqual([
		2,
		"",
		expect.stringContaining("Did you mean webhooks"),
	]);
	const group = (await runFanfare(["help", "webhooks"])).stdout;
	expect(group).toContain("help [command]");
	expect(group).not.toContain("Set up:");
});
