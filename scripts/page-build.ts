// Builds the page and the portal (packages/dashboard) into the server's package, with compressed copies of its files.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import { UI_MARK } from "../packages/server/src/ports/page-files.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const PAGE = join(root, "packages/server/dist/page");
const LOCK = join(root, "packages/server/dist/page.lock");
const HASH_FILE = "sources.sha256";
const SOURCES = [
	"packages/dashboard/{index.html,portal.html,package.json,tsconfig.json,vite.config.ts}",
	"packages/dashboard/src/**/*",
	"packages/sdk/{package.json,src/**/*}",
	"packages/server/src/ports/page-files.ts",
	"scripts/page-build.ts",
	"package-lock.json",
];
/** Smaller files are not worth a second copy. */
const MIN_COMPRESSED_BYTES = 512;
const LOOK_EVERY_MS = 100;

/** Builds the page, unless it was built from exactly these sources. Processes that call it at the same time wait for one build. */
export async function ensurePage(onBuild = () => {}): Promise<void> {
	const hash = hashOfSources();
	while (!isBuiltFrom(hash)) {
		using lock = takeLock();
		if (lock === null) await delay(LOOK_EVERY_MS);
		else if (!isBuiltFrom(hash)) {
			onBuild();
			await buildInChild();
		}
	}
}

/** In a process of its own, since Vite reads the variables of the process, and those of a test are not meant for it. */
async function buildInChild(): Promise<void> {
	await promisify(execFile)(process.execPath, [join(root, "scripts/build-page.ts")], {
		env: { PATH: process.env["PATH"] },
	});
}

/** Builds the page anew. */
export async function buildPage(): Promise<void> {
	const hash = hashOfSources();
	// Otherwise React would be built for development.
	process.env["NODE_ENV"] = "production";
	// Only here: an installation without packages for development has no Vite.
	const { build } = await import("vite");
	const fresh = `${PAGE}.new`;
	await build({
		root: join(root, "packages/dashboard"),
		configFile: join(root, "packages/dashboard/vite.config.ts"),
		logLevel: "warn",
		build: { outDir: fresh },
	});
	for (const name of ["index.html", "portal.html"]) writeShell(join(fresh, name));
	for (const name of globSync("assets/*", { cwd: fresh })) compress(join(fresh, name));
	writeFileSync(join(fresh, HASH_FILE), hash);
	rmSync(PAGE, { recursive: true, force: true });
	renameSync(fresh, PAGE);
}

/** Marks the addresses in the HTML, which depend on the depth of the request's path. */
function writeShell(path: string): void {
	const html = readFileSync(path, "utf8").replaceAll(/(src|href)="\.\//g, `$1="${UI_MARK}`);
	writeFileSync(path, html);
}

function compress(path: string): void {
	const bytes = readFileSync(path);
	if (bytes.length < MIN_COMPRESSED_BYTES) return;
	const size = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
	writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: size }));
	writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
}

function isBuiltFrom(hash: string): boolean {
	const path = join(PAGE, HASH_FILE);
	return existsSync(path) && readFileSync(path, "utf8") === hash;
}

function hashOfSources(): string {
	const hash = createHash("sha256");
	const files = globSync(SOURCES, { cwd: root, withFileTypes: true }).filter((entry) => entry.isFile());
	const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
	for (const path of paths.filter((path) => !/\.test\.tsx?$/.test(path))) {
		hash.update(path.slice(root.length)).update("\0").update(readFileSync(path)).update("\0");
	}
	return hash.digest("hex");
}

/** A file with the id of the process that builds. Null if another process has it; that of a process that has ended is removed. */
function takeLock(): Disposable | null {
	mkdirSync(dirname(LOCK), { recursive: true });
	try {
		writeFileSync(LOCK, String(process.pid), { flag: "wx" });
		return { [Symbol.dispose]: () => rmSync(LOCK, { force: true }) };
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
		if (!isAlive(LOCK)) rmSync(LOCK, { force: true });
		return null;
	}
}

function isAlive(lock: string): boolean {
	try {
		const pid = Number.parseInt(readFileSync(lock, "utf8"), 10);
		// Not written yet, or just removed.
		if (!Number.isInteger(pid)) return true;
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code !== "ESRCH";
	}
}
