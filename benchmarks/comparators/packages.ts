// The packages of other job queues: no dependencies of the project, but installed into a cache when they are compared with, in exact versions.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** What is installed. BullMQ leaves the choice of the client of Redis to its users; its default is `ioredis`. */
const WANTED = { bullmq: ["bullmq@6.7.0", "ioredis@6.0.0"], "graphile-worker": ["graphile-worker@0.18.0"] } as const;
/** Drivers do much of the work: their versions are shown with each result. */
const DRIVERS = { bullmq: "ioredis", "graphile-worker": "pg" } as const;
export type PackageName = keyof typeof WANTED;

/** Is removed by `npm ci`. */
const CACHE = fileURLToPath(new URL("../../node_modules/.cache/fanfare-comparators/", import.meta.url));
/** Names a folder whose `node_modules` has the packages, so that nothing is installed. */
const FOLDER_VARIABLE = "FANFARE_BENCH_PACKAGES";
const INSTALLED_WITHIN_MS = 300_000;

/** Where a package is, or why it is not there. */
export type FoundPackage =
	| { readonly packagesDir: string; readonly issue: null }
	| { readonly packagesDir: null; readonly issue: string };

/** Finds a package, or installs it from the registry that npm is set up with. No script of a package runs. */
export async function findPackage(name: PackageName): Promise<FoundPackage> {
	const wanted = WANTED[name];
	const given = process.env[FOLDER_VARIABLE];
	const packagesDir = given ?? join(CACHE, wanted.join("+"));
	if (existsSync(join(packagesDir, "node_modules", name, "package.json"))) return { packagesDir, issue: null };
	if (given !== undefined) return { packagesDir: null, issue: `${FOLDER_VARIABLE} has no node_modules/${name}` };
	// Others may install it at the same time: the name appears when everything is there.
	const own = `${packagesDir}.${process.pid}`;
	try {
		mkdirSync(own, { recursive: true });
		writeFileSync(join(own, "package.json"), '{ "private": true }\n');
		const args = ["install", ...wanted, "--prefix", own, "--save-exact", "--ignore-scripts", "--no-audit", "--no-fund"];
		await promisify(execFile)("npm", args, { cwd: own, timeout: INSTALLED_WITHIN_MS });
		renameSync(own, packagesDir);
	} catch (error) {
		rmSync(own, { recursive: true, force: true });
		if (!existsSync(packagesDir))
			return { packagesDir: null, issue: `npm install ${wanted.join(" ")} failed: ${firstLine(error)}` };
	}
	return { packagesDir, issue: null };
}

/** Loads a package from a folder that `findPackage` has found. Its types are not installed: the caller says what it uses. */
export function load(packagesDir: string, name: PackageName): unknown {
	return createRequire(join(packagesDir, "package.json"))(name);
}

/** The versions of a package and of its driver, as text. */
export function versionsOf(packagesDir: string, name: PackageName): string {
	const versions = [name, DRIVERS[name]].map((each) => {
		const places = [join("node_modules", each), join("node_modules", name, "node_modules", each)];
		const file = places.map((place) => join(packagesDir, place, "package.json")).find((path) => existsSync(path));
		return file === undefined
			? ""
			: `${each} ${(JSON.parse(readFileSync(file, "utf8")) as { version: string }).version}`;
	});
	return versions.filter((version) => version !== "").join(", ");
}

function firstLine(error: unknown): string {
	return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}
