// Finds redis-server for benchmarks: where the variable says, in the PATH, or where `npm run redis` has put it.
import { fileURLToPath } from "node:url";

import { findProgram } from "./find-program.ts";

/** Names the program to use. */
const PROGRAM_VARIABLE = "FANFARE_TEST_REDIS_SERVER";
/** A link that `npm run redis` makes, since the program has another name on Debian. */
export const LINKED_REDIS = fileURLToPath(
	new URL("../../../../node_modules/.cache/redis/redis-server", import.meta.url),
);
export const HOW_TO_GET_REDIS =
	"redis-server is not there: run `npm run redis` (Debian, as root), install Redis 7 or newer with the package manager of this " +
	`system, or set ${PROGRAM_VARIABLE} to the path of the program`;

/** The path of the program; null if it is not there. */
export function findRedisServer(): string | null {
	const places = ["/opt/homebrew/bin/redis-server", "/usr/local/bin/redis-server", LINKED_REDIS];
	return process.env[PROGRAM_VARIABLE] ?? findProgram(["redis-server"], places);
}
