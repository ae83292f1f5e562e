// Programs from Debian's packages for tests, such as nginx: unpacked into a folder of the checkout, so that nothing of the machine changes.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
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

/** Downloads a package with lists of its own, and unpacks it into the cache. Returns what failed; null if nothing did. */
async function unpack(debianPackage: string): Promise<string | null> {
	using dir = new TemporaryDir();
	// Kept for the next package: they are the same.
	const lists = join(CACHE, "lists");
	const own = [join(lists, "partial"), dir.join("cache/archives/partial"), dir.join("tree")];
	for (const folder of own) mkdirSync(folder, { recursive: true });
	const places = ["-o", `Dir::State::Lists=${lists}`, "-o", `Dir::Cache=${dir.join("cache")}`];
	// Debian runs downloads as a user who may not write here.
	const options = [...places, "-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=true"];
	const download = () => run("apt-get", ["download", "-q", debianPackage, ...options], { cwd: dir.path });
	try {
		// Lists that are missing or too old are read first.
		await download().catch(async () => {
			await run("apt-get", ["update", "-q", ...options]);
			await download();
		});
		const file = readdirSync(dir.path).find((name) => name.endsWith(".deb"));
		await run("dpkg-deb", ["--extract", dir.join(file ?? ""), dir.join("tree")]);
	} catch (error) {
		return `apt-get download ${debianPackage} failed (${error instanceof Error ? error.message.split("\n")[0] : String(error)})`;
	}
	mkdirSync(CACHE, { recursive: true });
	try {
		renameSync(dir.join("tree"), join(CACHE, debianPackage));
	} catch (error) {
		// Another test file was quicker, or the cache is on another file system.
		if (!existsSync(join(CACHE, debianPackage))) await run("cp", ["-a", dir.join("tree"), join(CACHE, debianPackage)]);
		else if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error;
	}
	return null;
}
