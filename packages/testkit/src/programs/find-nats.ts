// Finds nats-server: where the variable says, in the PATH, where Debian puts it, or where `npm run nats` has put it.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { findDebianProgram } from "./debian-program.ts";
import { findProgram } from "./find-program.ts";

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL("../../../../node_modules/.cache/", import.meta.url));
const BUILT = join(CACHE, "nats-server");
const PLACES = [
	"/usr/sbin/nats-server",
	join(CACHE, "debian/nats-server/usr/sbin/nats-server"),
	join(BUILT, "nats-server"),
];
const GO_MODULE = "github.com/nats-io/nats-server/v2@v2.15.3";

/** Names the program to use. */
const PROGRAM_VARIABLE = "FANFARE_TEST_NATS_SERVER";
const HOW_TO_GET_NATS =
	"nats-server is not there: run `npm run nats`, install it with the package manager of this system, or set " +
	`${PROGRAM_VARIABLE} to the path of the program`;

/** The path of the program; null if it is not there. */
function findNatsServer(): string | null {
	return process.env[PROGRAM_VARIABLE] ?? findProgram(["nats-server"], PLACES);
}

/** The same, for those who need it. Throws a sentence that says how to get it. */
export function needNatsServer(): string {
	const path = findNatsServer();
	if (path === null) throw new Error(HOW_TO_GET_NATS);
	return path;
}

/** Why tests with NATS must be skipped; null if they can run. With CI=true, a missing NATS is an error. */
export function natsIssue(): string | null {
	if (findNatsServer() !== null) return null;
	if (process.env["CI"] === "true") throw new Error(HOW_TO_GET_NATS);
	return HOW_TO_GET_NATS;
}

/**
 * Finds the program, or gets it: Debian's package is unpacked, or else the Go module is built, into a folder of the checkout. Throws
 * if neither can be had.
 */
export async function getNatsServer(): Promise<string> {
	const found = findNatsServer();
	if (found !== null) return found;
	const issues: string[] = [];
	try {
		const debian = await findDebianProgram("nats-server", "usr/sbin/nats-server");
		if (debian.path !== null) return debian.path;
		issues.push(debian.issue);
	} catch (error) {
		issues.push(firstLine(error));
	}
	try {
		await run("go", ["install", GO_MODULE], { env: { ...process.env, GOBIN: BUILT } });
		return join(BUILT, "nats-server");
	} catch (error) {
		issues.push(`it could not be built from Go's module proxy: ${firstLine(error)}`);
	}
	throw new Error([HOW_TO_GET_NATS, ...issues].join("\n"));
}

function firstLine(error: unknown): string {
	return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}
