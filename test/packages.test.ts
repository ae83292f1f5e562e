// The packages as users get them: built in a copy of the checkout, checked as npm would pack them, and run.
import { execFile, spawn } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const copy = new TemporaryDir();
afterAll(() => copy[Symbol.dispose]());

/** The published names of the packages, by folder. */
const PACKAGES = { sdk: "@fanfare/sdk", server: "@fanfare/server", cli: "fanfare" } as const;
type Folder = keyof typeof PACKAGES;

interface Manifest {
	readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
	readonly bin?: Readonly<Record<string, string>>;
}

/** Links each package to the other packages of the copy, and to the libraries of the checkout. */
function linkModules(): void {
	const links = new Map(
		readdirSync(join(root, "node_modules")).map((name) => [name, join(root, "node_modules", name)]),
	);
	links.delete("@fanfare");
	for (const [folder, name] of Object.entries(PACKAGES)) links.set(name, copy.join("packages", folder));
	mkdirSync(copy.join("node_modules/@fanfare"), { recursive: true });
	for (const [name, target] of links) symlinkSync(target, copy.join("node_modules", name));
}

beforeAll(async () => {
	const isSource = (path: string) => !/[\\/](dist|node_modules|LICENSE)$/.test(path);
	for (const name of Object.keys(PACKAGES)) {
		cpSync(join(root, "packages", name), copy.join("packages", name), { recursive: true, filter: isSource });
	}
	for (const name of ["LICENSE", "package.json", "tsconfig.json", "scripts"]) {
		cpSync(join(root, name), copy.join(name), { recursive: true });
	}
	linkModules();
	const path = [join(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter);
	await run(process.execPath, [copy.join("scripts/build.ts")], { env: { ...process.env, PATH: path } });
}, 120_000);

/** The files that `npm publish` would send. */
async function packedFiles(folder: Folder): Promise<string[]> {
	const { stdout } = await run("npm", ["pack", "--dry-run", "--json"], { cwd: copy.join("packages", folder) });
	// An array with one report, or with some versions of npm an object by name.
	const [report] = Object.values(JSON.parse(stdout) as Record<string, { files: { path: string }[] }>);
	return report!.files.map(({ path }) => path);
}

/** The files that a package's manifest refers to. */
function entries(folder: Folder): string[] {
	const manifest = JSON.parse(readFileSync(copy.join("packages", folder, "package.json"), "utf8")) as Manifest;
	const { exports = {}, bin = {} } = manifest;
	const targets = [...Object.values(exports), bin].flatMap((to) => (typeof to === "string" ? [to] : Object.values(to)));
	return targets.map((target) => target.replace(/^\.\//, ""));
}

describe.each(Object.keys(PACKAGES) as Folder[])("packages/%s", (folder) => {
	it("contains the files of its manifest, a README and the licence, and no tests", async () => {
		const files = await packedFiles(folder);
		expect(files).toEqual(expect.arrayContaining([...entries(folder), "README.md", "LICENSE"]));
		expect(files.filter((path) => /\.(test|contract)\.|(^|\/)(test(ing)?|contract)\//.test(path))).toEqual([]);
	});
});

it("the built command checks events by their schema and delivers them, without files of the checkout", async () => {
	const builtMain = copy.join("packages/cli/dist/main.js");
	await using receiver = await startReceiver();
	await using server = await startServerProcess({ builtMain });
	await server.project.eventTypes.create({ name: "order.paid", schema: { type: "object", required: ["orderId"] } });
	await server.client.projects.update(server.projectId, { eventTypes: "catalogued" });
	await server.createWebhook(receiver.url);
	const refused = server.project.events.send({ type: "order.paid", data: {} });
	await expect(refused).rejects.toMatchObject({ status: 400, issues: [{ path: "data.orderId" }] });
	const { id } = await server.project.events.send({ type: "order.paid", data: { orderId: 42 } });
	await server.waitForDelivery(id, ({ status }) => status === "Succeeded");
	expect(await server.stop()).toEqual({ code: 0, signal: null });
});

it("the program in the README of packages/server starts a server, which stops on SIGTERM", async () => {
	const [, program] = /^```ts\n(.*?)^```/ms.exec(readFileSync(copy.join("packages/server/README.md"), "utf8")) ?? [];
	mkdirSync(copy.join("program"));
	writeFileSync(copy.join("program/main.mjs"), program!);
	const child = spawn(process.execPath, ["main.mjs"], {
		cwd: copy.join("program"),
		stdio: ["ignore", "pipe", "inherit"],
	});
	let output = "";
	child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
	const ended = new Promise<unknown>((resolve) => void child.once("exit", (...exit) => resolve(exit)));
	const found = await eventually("the address", () => /listens on (http:\S+)/.exec(output));
	expect((await fetch(`${found[1]}/healthz`)).status).toBe(200);
	child.kill("SIGTERM");
	expect(await ended).toEqual([0, null]);
});
