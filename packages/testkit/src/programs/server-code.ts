// The code of a server: the working tree, or a git ref unpacked into a directory.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The root of the checkout that this file belongs to. */
export const WORKING_TREE = fileURLToPath(new URL("../../../..", import.meta.url));

/** The repository's own packages. A link to those of the working tree would run the wrong server. */
const OWN_SCOPE = "@fanfare";
const OWN_PACKAGES = ["sdk", "server"];

/** The main file of the `fanfare` command. */
export function commandOf(codeDir: string): string {
	return join(codeDir, "packages", "cli", "src", "main.ts");
}

/**
 * Unpacks the ref's files into a new directory, with links to the libraries of the working tree. `git worktree` is not used because
 * it would leave entries in the repository if this process is killed. `option` is the one that names the ref, for the error if git does not
 * know it.
 */
export async function unpackRef(ref: string, parentDir: string, option: string): Promise<string> {
	const commit = await commitOf(ref, option);
	const codeDir = realpathSync(mkdtempSync(join(parentDir, "code-")));
	const archive = join(codeDir, "code.tar");
	await git("archive", `--output=${archive}`, commit, "package.json", "packages");
	await promisify(execFile)("tar", ["-xf", archive, "-C", codeDir]);
	rmSync(archive);
	linkLibraries(codeDir);
	assertOwnCode(codeDir);
	return codeDir;
}

/** The newest commit in which this path, relative to the root, differs from the working tree; null if git knows none, such as in a shallow clone. */
export async function commitBefore(path: string): Promise<string | null> {
	try {
		if ((await git("status", "--porcelain", "--", path)) !== "") return await git("rev-parse", "HEAD");
		const last = await git("log", "-1", "--format=%H", "--", path);
		return await git("rev-parse", "--verify", "--quiet", `${last}^`);
	} catch {
		return null;
	}
}

async function git(...args: readonly string[]): Promise<string> {
	return (await promisify(execFile)("git", ["-C", WORKING_TREE, ...args])).stdout.trim();
}

async function commitOf(ref: string, option: string): Promise<string> {
	try {
		return await git("rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`);
	} catch (cause) {
		throw new Error(`${option} must name a commit that git knows, got ${JSON.stringify(ref)}`, { cause });
	}
}

/** Links the libraries of the working tree, and the own packages of `codeDir`, into its `node_modules`. */
export function linkLibraries(codeDir: string): void {
	linkEntries(join(WORKING_TREE, "node_modules"), join(codeDir, "node_modules"));
	for (const name of OWN_PACKAGES) {
		const link = join(codeDir, "node_modules", OWN_SCOPE, name);
		mkdirSync(join(link, ".."), { recursive: true });
		symlinkSync(join(codeDir, "packages", name), link);
	}
	for (const name of readdirSync(join(codeDir, "packages"))) {
		const libraries = join(WORKING_TREE, "packages", name, "node_modules");
		if (existsSync(libraries)) linkEntries(libraries, join(codeDir, "packages", name, "node_modules"));
	}
}

function linkEntries(from: string, to: string): void {
	mkdirSync(to, { recursive: true });
	for (const name of readdirSync(from)) {
		if (name !== OWN_SCOPE) symlinkSync(join(from, name), join(to, name));
	}
}

/** Without this check, a comparison of the working tree with itself would pass unnoticed. */
function assertOwnCode(codeDir: string): void {
	const resolved = createRequire(commandOf(codeDir)).resolve(`${OWN_SCOPE}/server/package.json`);
	if (!resolved.startsWith(codeDir)) throw new Error(`the ref's command would load the server from ${resolved}`);
}
