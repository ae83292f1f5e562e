// How much freed memory the C library keeps: a setting that a process can only be started with.
import { accessSync, constants } from "node:fs";

const SETTING = "MALLOC_ARENA_MAX";
/** Of a server's memory in a flood, each thread's own arena keeps some megabytes; with two for all threads that is a tenth less. */
const ARENAS = "2";

/**
 * Starts the program again in this process, with two arenas of the C library for all threads in the place of one for each. It has the
 * same id, arguments, standard streams and parent, so that nobody sees a difference. Whoever sets `MALLOC_ARENA_MAX` decides, and then
 * nothing is started again, and neither where that can't be: only Linux has such a C library, and a parent that sends messages over a
 * channel of Node's would lose it.
 *
 * See `mallopt(3)`. To be called before anything is opened.
 *
 * @example
 * if (process.argv[2] === "serve") limitArenas();
 */
export function limitArenas(): void {
	const { env, platform, connected, execPath, execArgv, argv, argv0 } = process;
	const isDecided = env[SETTING] !== undefined || env["GLIBC_TUNABLES"]?.includes("arena_max") === true;
	if (platform !== "linux" || isDecided || connected) return;
	try {
		// Node 24 ends the process where this can't be.
		accessSync(execPath, constants.X_OK);
		process.execve?.(execPath, [argv0, ...execArgv, ...argv.slice(1)], { ...env, [SETTING]: ARENAS });
	} catch {
		// It takes more memory then, and does all the same.
	}
}
