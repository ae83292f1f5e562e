// The page that `npm start` builds first: if it is missing or its sources have changed, and not otherwise. In a copy of the checkout, whose
// page is a small one.
import { execFile } from "node:child_process";
import {
	cpSync,
	existsSync,
	globSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, beforeAll, expect, it } from "vitest";

import { ensureDocs } from "./built/docs-build.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const copy = new TemporaryDir();
afterAll(() => copy[Symbol.dispose]());
const page = copy.join("packages/server/dist/page");
const mark = join(page, "mark");

/** Runs the script as `npm start` does, and returns what it has said. */
async function buildIfStale(): Promise<string> {
	const args = [copy.join("scripts/build-page.ts"), "--if-stale"];
	const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env: { PATH: process.env["PATH"] } });
	return stdout + stderr;
}

/** The code that the page loads. */
const builtCode = () =>
	globSync("assets/*.js", { cwd: page })
		.map((name) => readFileSync(join(page, name), "utf8"))
		.join();

function write(path: string, text: string): void {
	mkdirSync(dirname(copy.join(path)), { recursive: true });
	writeFileSync(copy.join(path), text);
}

beforeAll(async () => {
	await ensureDocs();
	const isSource = (path: string) => !/[\\/](dist|node_modules)$/.test(path);
	const sources = [
		"scripts",
		"docs",
		"package.json",
		"package-lock.json",
		"tsconfig.json",
		"CHANGELOG.md",
		"SECURITY.md",
	];
	const packages = ["sdk", "server", "portal", "docs"].map((name) => `packages/${name}`);
	const dashboard = [
		"index.html",
		"portal.html",
		"package.json",
		"tsconfig.json",
		"vite.config.ts",
		"src/app/icon.svg",
	];
	for (const path of [
		...sources,
		...packages,
		...dashboard.map((name) => `packages/dashboard/${name}`),
		"examples/README.md",
	]) {
		cpSync(join(root, path), copy.join(path), { recursive: true, filter: isSource });
	}
	// These are built from what was copied, so they are not stale.
	cpSync(join(root, "packages/server/dist/docs"), copy.join("packages/server/dist/docs"), { recursive: true });
	for (const path of ["main.tsx", "portal/main.tsx"])
		write(`packages/dashboard/src/${path}`, 'document.title = "one";\n');
});

it("says that there is no page, and builds none, if the packages for development are not installed", async () => {
	expect(await buildIfStale()).toBe("The page is not built: the packages for development are not installed.\n");
	expect(existsSync(page)).toBe(false);
	mkdirSync(copy.join("node_modules"));
	for (const name of readdirSync(join(root, "node_modules"))) {
		// Folders such as .vite-temp, which a build writes to.
		if (name.startsWith(".")) continue;
		symlinkSync(join(root, "node_modules", name), copy.join("node_modules", name));
	}
});

it("builds a page that is missing", async () => {
	expect(await buildIfStale()).toBe("Building the page, which takes some seconds.\n");
	expect(builtCode()).toContain("one");
	expect(existsSync(join(page, "index.html"))).toBe(true);
});

it("leaves a page as it is whose sources have not changed, whatever happens to tests", async () => {
	writeFileSync(mark, "");
	expect(await buildIfStale()).toBe("");
	write("packages/dashboard/src/main.test.ts", "// A test.\n");
	expect(await buildIfStale()).toBe("");
	expect(existsSync(mark)).toBe(true);
});

it("builds a page anew that is stale: a source was changed, added or removed", async () => {
	const building = "Building the page, which takes some seconds.\n";
	write("packages/dashboard/src/main.tsx", 'document.title = "two";\n');
	expect(await buildIfStale()).toBe(building);
	expect(builtCode()).toContain("two");
	expect(existsSync(mark)).toBe(false);
	write("packages/dashboard/src/more.ts", "export const more = 1;\n");
	expect(await buildIfStale()).toBe(building);
	rmSync(copy.join("packages/dashboard/src/more.ts"));
	expect(await buildIfStale()).toBe(building);
	expect(await buildIfStale()).toBe("");
});
