// What the command loads: its help must not load the server, nor a command what it does not need.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { startServerProcess } from "@fanfare/testkit/server-process";
import { expect, it } from "vitest";

import { LIST_MODULES, listedIn, modulesOf } from "./support/loaded-modules.ts";

/** Lists the files of the page and of the documents that the main thread looks for. */
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
