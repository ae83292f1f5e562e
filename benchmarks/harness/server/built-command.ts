// The built command of some code, as users have it: JavaScript in packages beside their libraries, without types to strip.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { linkLibraries, WORKING_TREE } from "@fanfare/testkit/programs/server-code";

import { bundleServer } from "../../../scripts/built/server-bundle.ts";

/** The folders of the packages that the command consists of. */
const PACKAGES = ["sdk", "server", "cli"];

/** As `npm run build` compiles, but types are not checked. */
const COMPILER_OPTIONS = {
	target: "es2024",
	module: "nodenext",
	types: ["node"],
	verbatimModuleSyntax: true,
	rewriteRelativeImportExtensions: true,
	noCheck: true,
	sourceMap: true,
};

/** Compiles the packages of `codeDir` into a new directory in `parentDir`. Returns the main file of the command. */
export async function buildCommand(codeDir: string, parentDir: string): Promise<string> {
	const home = realpathSync(mkdtempSync(join(parentDir, "built-")));
	for (const name of PACKAGES) {
		const [from, to] = [join(codeDir, "packages", name), join(home, "packages", name)];
		mkdirSync(to, { recursive: true });
		cpSync(join(from, "package.json"), join(to, "package.json"));
		cpSync(join(from, "src"), join(to, "src"), { recursive: true });
	}
	linkLibraries(home);
	for (const name of PACKAGES) {
		const folder = join(home, "packages", name);
		await (name === "server" ? bundleServer(folder) : compile(folder));
	}
	return join(home, "packages", "cli", "dist", "main.js");
}

async function compile(folder: string): Promise<void> {
	const config = {
		compilerOptions: { ...COMPILER_OPTIONS, rootDir: "src", outDir: "dist" },
		include: ["src"],
		exclude: ["**/*.test.ts", "**/contract/**", "**/test/**"],
	};
	const path = join(folder, "tsconfig.json");
	writeFileSync(path, JSON.stringify(config));
	const tsc = join(WORKING_TREE, "node_modules", "typescript", "bin", "tsc");
	await promisify(execFile)(process.execPath, [tsc, "--project", path]);
}
