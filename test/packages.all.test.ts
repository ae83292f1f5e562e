// The packages as users get them: built in a copy of the checkout, packed as npm would publish them, checked without the network, and run.
import { execFile, spawn } from "node:child_process";
import {
	chmodSync,
	cpSync,
	existsSync,
	globSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	realpathSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { delimiter, dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { eventually } from "@fanfare/testkit/eventually";
import { findNode } from "@fanfare/testkit/programs/find-node";
import { startReceiver } from "@fanfare/testkit/receiver";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { transform } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { ensureDocs } from "../scripts/built/docs-build.ts";
import { ensurePage } from "../scripts/page-build.ts";

const run = promisify(execFile);
const [node20, node22, node24] = [await findNode(20), await findNode(22), await findNode(24)];
const root = fileURLToPath(new URL("..", import.meta.url));
const copy = new TemporaryDir();
afterAll(() => copy[Symbol.dispose]());

/** The published names of the packages, by folder. */
const PACKAGES = { sdk: "@fanfare/sdk", server: "@fanfare/server", cli: "fanfare", portal: "@fanfare/portal" } as const;
type Folder = keyof typeof PACKAGES;

interface Targets {
	readonly [condition: string]: string | Targets;
}

interface Manifest {
	readonly name: string;
	readonly exports?: Targets;
	readonly bin?: Targets;
	readonly main?: string;
	readonly module?: string;
	readonly types?: string;
}

/** Where the repository is published. */
const REPOSITORY = "https://github.com/fanfare-webhooks/fanfare";

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
	for (const name of [...Object.keys(PACKAGES), "dashboard", "docs"]) {
		cpSync(join(root, "packages", name), copy.join("packages", name), { recursive: true, filter: isSource });
	}
	for (const name of [
		"LICENSE",
		"CHANGELOG.md",
		"SECURITY.md",
		"package.json",
		"package-lock.json",
		"tsconfig.json",
		"scripts",
		"docs",
		"examples",
	]) {
		cpSync(join(root, name), copy.join(name), { recursive: true });
	}
	linkModules();
	// They take most of the time of a build, and most other tests need them, too. The build of the copy finds out whether it would make the same.
	await Promise.all([ensurePage(), ensureDocs()]);
	for (const name of ["page", "docs"]) {
		const built = join("packages/server/dist", name);
		cpSync(join(root, built), copy.join(built), { recursive: true });
	}
	const path = [join(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter);
	await run(process.execPath, [copy.join("scripts/build.ts"), "--if-stale"], { env: { ...process.env, PATH: path } });
});

/** A packed package: its tarball, and the folder into which it is unpacked. */
interface Packed {
	readonly tarball: string;
	readonly folder: string;
	readonly files: readonly string[];
	readonly manifest: Manifest;
}
const packed = new Map<Folder, Packed>();

/** Packs a package as `npm publish` does, and unpacks it where programs of the folder `users` find it. */
async function pack(folder: Folder): Promise<Packed> {
	const destination = copy.join("tarballs");
	mkdirSync(destination, { recursive: true });
	const args = ["pack", "--json", "--offline", "--pack-destination", destination];
	const { stdout } = await run("npm", args, { cwd: copy.join("packages", folder) });
	// An array with one report, or with some versions of npm an object by name.
	const [report] = Object.values(JSON.parse(stdout) as Record<string, { filename: string; files: { path: string }[] }>);
	// Some versions of npm name a scoped package's file with a slash, but write it with a dash.
	const tarball = join(destination, report!.filename.replace("@", "").replace("/", "-"));
	const home = copy.join("users/node_modules", PACKAGES[folder]);
	mkdirSync(home, { recursive: true });
	await run("tar", ["-xzf", tarball, "--strip-components", "1", "-C", home]);
	const manifest = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as Manifest;
	return { tarball, folder: home, files: report!.files.map(({ path }) => path), manifest };
}

beforeAll(async () => {
	for (const folder of Object.keys(PACKAGES) as Folder[]) packed.set(folder, await pack(folder));
});

/** The files that a manifest refers to. */
function entries({ exports = {}, bin = {}, main, module, types }: Manifest): string[] {
	const paths = (targets: Targets | string | undefined): string[] =>
		typeof targets === "object" ? Object.values(targets).flatMap(paths) : targets === undefined ? [] : [targets];
	return [exports, bin, main, module, types].flatMap(paths).map((target) => target.replace(/^\.\//, ""));
}

const tool = (path: string, args: readonly string[]) =>
	run(process.execPath, [join(root, "node_modules", path), ...args], { cwd: copy.join("tarballs") });

describe.each(Object.keys(PACKAGES) as Folder[])("packages/%s", (folder) => {
	it("contains the files of its manifest, a README and the licence, and no tests", () => {
		const { files, manifest, folder: home } = packed.get(folder)!;
		expect(files).toEqual(expect.arrayContaining([...entries(manifest), "README.md", "LICENSE"]));
		expect(files.filter((path) => /\.(test|contract)\.|(^|\/)(test(ing)?|contract)\//.test(path))).toEqual([]);
		expect(readFileSync(join(home, "LICENSE"), "utf8")).toContain("Apache License");
	});

	it("says where it comes from, what it needs, and under which licence it is", () => {
		expect(packed.get(folder)!.manifest).toMatchObject({
			name: PACKAGES[folder],
			description: expect.stringMatching(/^The Fanfare |^The fanfare /) as string,
			license: "Apache-2.0",
			author: "The Fanfare authors",
			repository: { type: "git", url: `git+${REPOSITORY}.git`, directory: `packages/${folder}` },
			homepage: `${REPOSITORY}/tree/main/packages/${folder}#readme`,
			bugs: { url: `${REPOSITORY}/issues` },
			keywords: expect.arrayContaining(["fanfare", "webhooks"]) as string[],
			engines: { node: folder === "sdk" || folder === "portal" ? ">=20" : ">=24" },
		});
	});

	it("has a README whose links are absolute, and lead to files that the repository has", () => {
		const text = readFileSync(join(packed.get(folder)!.folder, "README.md"), "utf8");
		const links = [...text.matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)/gm)].map(([, a, b]) => a ?? b ?? "");
		expect(links.length).toBeGreaterThan(0);
		expect(links.filter((link) => !/^(https:\/\/|#)/.test(link))).toEqual([]);
		const own = links.filter((link) => link.startsWith(`${REPOSITORY}/blob/main/`));
		const missing = own.filter((link) => !existsSync(join(root, new URL(link).pathname.split("/blob/main/")[1]!)));
		expect(missing).toEqual([]);
	});

	it("passes publint", async () => {
		expect((await tool("publint/src/cli.js", ["--strict", packed.get(folder)!.tarball])).stdout).toContain("All good!");
	});
});

it("the server's package has the page and the documents, with compressed copies", () => {
	const { files } = packed.get("server")!;
	for (const name of ["page/index.html", "page/portal.html", "docs/index.html", "docs/api.html", "docs/start.html.br"])
		expect(files).toContain(`dist/${name}`);
	expect(files.filter((path) => /^dist\/docs\/assets\/search-.*\.json(\.br|\.gz)?$/.test(path))).toHaveLength(3);
});

it("the code of the server's package is a few files, since each one costs a start a millisecond", () => {
	const code = packed.get("server")!.files.filter((path) => /^dist\/(?!page\/|docs\/).*\.js$/.test(path));
	const threads = ["adapters/ajv/thread", "adapters/sqlite/thread/store-thread"];
	const programs = [...threads, "compose/reading/reader-thread", "compose/sending/sender-thread"].map(
		(path) => `dist/${path}.js`,
	);
	expect(code).toEqual(expect.arrayContaining(["dist/index.js", ...programs]));
	expect(code.length).toBeLessThan(80);
});

// The command has nothing to import.
it.each([
	["sdk", "strict"],
	["server", "esm-only"],
	["portal", "esm-only"],
] as const)("packages/%s passes attw with the profile %s", async (folder, profile) => {
	// Its exit code says whether it found a problem.
	const args = [packed.get(folder)!.tarball, "--profile", profile, "--format", "table"];
	expect((await tool("@arethetypeswrong/cli/dist/index.js", args)).stdout).toContain("🟢");
});

describe("the SDK as CommonJS", () => {
	const cjs = () => join(packed.get("sdk")!.folder, "dist/cjs");
	const user = (name: string, code: string) => {
		const path = copy.join("users", name);
		writeFileSync(path, code);
		return run(process.execPath, [path], { env: { ...process.env, NODE_OPTIONS: "--no-require-module" } });
	};

	it("can be required where ES modules can't, as in Jest", async () => {
		const code = `const { Client, verify, utils, WebhookVerificationError } = require("@fanfare/sdk");
			const secret = utils.generateWebhookSecret();
			console.log(require.resolve("@fanfare/sdk"), new Client("sk_x").endpoint);
			verify("{}", {}, secret).catch((error) => console.log(error instanceof WebhookVerificationError, error.code));`;
		expect((await user("old.cjs", code)).stdout).toMatch(
			/dist\/cjs\/index\.js http:\/\/127\S+\ntrue missing_header\n$/,
		);
	});

	it("can be imported beside it, and both have the same exports", async () => {
		const code = `import * as esm from "@fanfare/sdk"; import { createRequire } from "node:module";
			const cjs = createRequire(import.meta.url)("@fanfare/sdk");
			console.log(import.meta.resolve("@fanfare/sdk"), esm.Client !== cjs.Client, JSON.stringify([Object.keys(esm).sort(), Object.keys(cjs).sort()]));`;
		const { stdout } = await user("new.mjs", code);
		const [, path, areTwo, keys = ""] = /^(\S+) (\S+) (.*)$/m.exec(stdout)!;
		expect([path, areTwo]).toEqual([expect.stringMatching(/\/sdk\/dist\/index\.js$/), "true"]);
		const [esm, required] = JSON.parse(keys) as [string[], string[]];
		expect(esm).toContain("Client");
		expect(required).toEqual(esm);
	});

	it("has no syntax younger than ES2019, so that old bundlers can read it", async () => {
		const files = packed.get("sdk")!.files.filter((path) => /^dist\/cjs\/.*\.js$/.test(path));
		expect(files.length).toBeGreaterThan(20);
		for (const file of files) {
			const source = readFileSync(join(packed.get("sdk")!.folder, file), "utf8");
			// What a compiler to ES2019 leaves as it is contains nothing younger.
			const [old, newest] = await Promise.all(
				(["es2019", "esnext"] as const).map((target) => transform(source, { target, format: "cjs" })),
			);
			expect({ file, code: old!.code }).toEqual({ file, code: newest!.code });
		}
		expect(readFileSync(join(cjs(), "package.json"), "utf8")).toContain('"commonjs"');
	});
});

/** The packages that an installation of `fanfare` has besides our own, each with its folder in the checkout: those that npm resolves. */
function librariesOf(manifestFile: string, from: string, found = new Map<string, string>()): Map<string, string> {
	const { dependencies = {} } = JSON.parse(readFileSync(manifestFile, "utf8")) as {
		readonly dependencies?: Record<string, string>;
	};
	for (const name of Object.keys(dependencies)) {
		if (Object.values<string>(PACKAGES).includes(name)) continue;
		let place = from;
		while (!existsSync(join(place, "node_modules", name)) && place !== dirname(place)) place = dirname(place);
		const folder = realpathSync(join(place, "node_modules", name));
		// Where it is below the node_modules of the installation.
		const path = folder.slice(join(root, "node_modules").length + 1);
		if (found.has(path)) continue;
		found.set(path, folder);
		librariesOf(join(folder, "package.json"), folder, found);
	}
	return found;
}

describe("an installation of the packed packages, outside of the checkout", () => {
	const home = new TemporaryDir();
	afterAll(() => home[Symbol.dispose]());
	const modules = home.join("node_modules");
	const libraries = new Map<string, string>();
	beforeAll(() => {
		for (const folder of ["cli", "server", "sdk"] as const) {
			cpSync(packed.get(folder)!.folder, join(modules, PACKAGES[folder]), { recursive: true });
			librariesOf(join(packed.get(folder)!.folder, "package.json"), root, libraries);
		}
		for (const [path, folder] of libraries) {
			const filter = (file: string) => !file.slice(folder.length).includes(`${sep}node_modules`);
			cpSync(folder, join(modules, path), { recursive: true, filter });
		}
		mkdirSync(join(modules, ".bin"));
		symlinkSync("../fanfare/dist/main.js", join(modules, ".bin/fanfare"));
		chmodSync(join(modules, "fanfare/dist/main.js"), 0o755);
	});

	/** Runs the command as a shell does, with this Node in the PATH. */
	const fanfare = (node: string, ...args: readonly string[]) =>
		run(join(modules, ".bin/fanfare"), args, { cwd: home.path, env: { PATH: `${dirname(node)}:/usr/bin:/bin` } });

	it("has as many packages and bytes as docs/dependencies.md says", () => {
		const text = readFileSync(join(root, "docs/dependencies.md"), "utf8");
		const [, count, most] = /has (\d+) packages besides its own three, and takes at most (\d+) MB/.exec(text) ?? [];
		expect(libraries.size).toBe(Number(count));
		const files = globSync("**/*", { cwd: modules, withFileTypes: true }).filter((entry) => entry.isFile());
		const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
		expect(bytes / 1_000_000).toBeLessThan(Number(most));
		expect(bytes / 1_000_000).toBeGreaterThan(Number(most) - 3);
	});

	it("runs nothing while it is installed", () => {
		const scripts = globSync("{*,@*/*}/package.json", { cwd: modules }).flatMap((file) => {
			const { scripts = {} } = JSON.parse(readFileSync(join(modules, file), "utf8")) as { scripts?: object };
			return Object.keys(scripts).filter((name) => /^(pre|post)?install$/.test(name));
		});
		expect([scripts, globSync("**/binding.gyp", { cwd: modules })]).toEqual([[], []]);
	});

	describe.each([
		["24", node24],
		["26", { path: process.execPath, issue: null }],
	] as const)("on Node %s", (major, { path: node, issue }) => {
		if (issue !== null) process.stderr.write(`skipped: ${issue}\n`);

		it.skipIf(node === null)("delivers, and has the page and the portal", async () => {
			expect((await run(node!, ["--version"])).stdout).toMatch(new RegExp(`^v${major}\\.`));
			const { version } = packed.get("cli")!.manifest as Manifest & { readonly version: string };
			expect((await fanfare(node!, "--version")).stdout).toBe(`${version}\n`);
			await using receiver = await startReceiver();
			// With a thread that makes attempts, whose program the package must have.
			const env = { FANFARE_SENDER_THREADS: "1" };
			const options = { builtMain: join(modules, "fanfare/dist/main.js"), node: node!, cwd: home.path, env };
			await using server = await startServerProcess(options);
			await server.createWebhook(receiver.url);
			const { id } = await server.project.events.send({ type: "order.paid", data: { orderId: 42 } });
			await server.waitForDelivery(id, ({ status }) => status === "Succeeded");
			for (const path of ["/ui/", "/portal/"]) {
				const { status, text } = await server.call("GET", path);
				const script = /<script[^>]* src="([^"]+)"/.exec(text)?.[1] ?? "";
				const loaded = await server.call("GET", new URL(script, `${server.url}${path}`).pathname);
				expect([status, loaded.status, loaded.headers.get("content-type")]).toEqual([
					200,
					200,
					expect.stringContaining("javascript"),
				]);
			}
			expect(await server.stop()).toEqual({ code: 0, signal: null });
		});
	});

	describe.each([
		["20", node20],
		["22", node22],
	] as const)("on Node %s", (major, { path: node, issue }) => {
		if (issue !== null) process.stderr.write(`skipped: ${issue}\n`);

		it.skipIf(node === null)("the command says which Node it needs", async () => {
			const failed = await fanfare(node!, "serve").catch((error: unknown) => error);
			expect(failed).toMatchObject({ code: 1, stdout: "" });
			expect((failed as { stderr: string }).stderr).toMatch(
				new RegExp(
					`^fanfare requires Node 24 or newer, but runs on ${major}\\.[\\d.]+: install a newer one from https://nodejs.org\\n$`,
				),
			);
		});

		it.skipIf(node === null)("the SDK works, imported and required", async () => {
			const code = `const { utils, verify } = SDK;
				verify("{}", {}, utils.generateWebhookSecret()).catch(({ code }) => console.log(code));`;
			const imported = code.replace("SDK", 'await import("@fanfare/sdk")');
			const required = code.replace("SDK", 'require("@fanfare/sdk")');
			const evaluate = async (...args: readonly string[]) => (await run(node!, args, { cwd: home.path })).stdout;
			expect([
				await evaluate("--input-type=module", "--eval", imported),
				await evaluate("--input-type=commonjs", "--eval", required),
			]).toEqual(["missing_header\n", "missing_header\n"]);
		});
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
