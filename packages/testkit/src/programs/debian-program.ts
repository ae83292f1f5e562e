// Programs from Debian's packages for tests, such as nginx: unpacked into a folder of the checkout, so that nothing of the machine changes.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { TemporaryDir } from "../temporary-dir.ts";
import { findProgram } from "./find-program.ts";

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL("../../../../node_modules/.cache/debian/", import.meta.url));

/** Where a program is, or why it is not there. */
export type FoundProgram =
	| { readonly path: string; readonly issue: null }
	| { readonly path: null; readonly issue: string };

/**
 * Finds a program in the PATH, or else downloads the Debian package that has it and unpacks it; its dependencies must be there already.
 * Needs no root. With CI=true, a program that cannot be had is an error; otherwise the result has the sentence to skip a test with.
 *
 * @example
 * const nginx = await findDebianProgram("nginx", "usr/sbin/nginx");
 */
export async function findDebianProgram(debianPackage: string, place: string): Promise<FoundProgram> {
	const name = place.slice(place.lastIndexOf("/") + 1);
	const unpacked = join(CACHE, debianPackage, place);
	const found = findProgram([name], [`/usr/sbin/${name}`, unpacked]);
	if (found !== null) return { path: found, issue: null };
	const issue = existsSync("/etc/debian_version")
		? await unpack(debianPackage)
		: `install ${name} with the package manager of this system`;
	if (issue === null && existsSync(unpacked)) return { path: unpacked, issue: null };
	const sentence = `${name} is not there: ${issue ?? `Debian's package ${debianPackage} has no ${place}`}`;
	if (process.env["CI"] === "true") throw new Error(sentence);
	return { path: null, issue: sentence };
}

/** Downloads a package and unpacks it into the cache. Returns what failed; null if nothing did. */
async function unpack(debianPackage: string): Promise<string | null> {
	using dir = new TemporaryDir();
	for (const folder of ["cache/archives/partial", "tree"]) mkdirSync(dir.join(folder), { recursive: true });
	try {
		await download(debianPackage, dir);
		const file = readdirSync(dir.path).find((name) => name.endsWith(".deb"));
		await run("dpkg-deb", ["--extract", dir.join(file ?? ""), dir.join("tree")]);
	} catch (error) {
		return `apt-get download ${debianPackage} failed (${error instanceof Error ? error.message.split("\n")[0] : String(error)})`;
	}
	try {
		renameSync(dir.join("tree"), join(CACHE, debianPackage));
	} catch (error) {
		// Another test file was quicker, or the cache is on another file system.
		if (!existsSync(join(CACHE, debianPackage))) await run("cp", ["-a", dir.join("tree"), join(CACHE, debianPackage)]);
		else if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error;
	}
	return null;
}

/** Downloads a package into the directory, by the lists of an earlier package or by new ones, which are kept for the next package. */
async function download(debianPackage: string, dir: TemporaryDir): Promise<void> {
	const apt = (lists: string, ...args: readonly string[]) => {
		const places = ["-o", `Dir::State::Lists=${lists}`, "-o", `Dir::Cache=${dir.join("cache")}`];
		// Debian runs downloads as a user who may not write here.
		const options = [...places, "-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=true"];
		return run("apt-get", [...args, "-q", ...options], { cwd: dir.path });
	};
	const kept = join(CACHE, "lists");
	const isDone = existsSync(kept) && (await apt(kept, "download", debianPackage).then(Boolean, () => false));
	if (isDone) return;
	// Other test files may read theirs at the same time: nobody else writes to these until they are complete.
	const own = join(CACHE, `lists-${process.pid}-${debianPackage}`);
	mkdirSync(join(own, "partial"), { recursive: true });
	try {
		await apt(own, "update");
		await apt(own, "download", debianPackage);
		rmSync(kept, { recursive: true, force: true });
		renameSync(own, kept);
	} catch (error) {
		rmSync(own, { recursive: true, force: true });
		// Another test file has put its lists there just now.
		if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
	}
}
