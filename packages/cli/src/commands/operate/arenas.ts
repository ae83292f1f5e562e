// How much freed memory the C library keeps: a setting that a process can only be started with.
const SETTING = "MALLOC_ARENA_MAX";
/** Of a server's memory in a flood, each thread's own arena keeps some megabytes; with two for all threads that is a tenth less. */
const ARENAS = "2";

/**
 * Starts the program again in this process, with two arenas of the C library for all threads in the place of one for each. It has the
 * same id, arguments, standard streams and parent, so that nobody sees a difference. Whoever sets `MALLOC_ARENA_MAX` decides, and then
 * nothing is started again, and neither where that can't be: only Linux has such a C library, and a parent that sends messages over a
 * channel of Node's would lose it. Where a sandbox refuses it, this process goes on; before Node 26.1 it would end, so these versions are
 * left alone.
 *
 * See `mallopt(3)`. To be called before anything is opened.
 *
 * @example
 * if (process.argv[2] === "serve") limitArenas();
 */
export function limitArenas(): void {
	const { env, platform, versions, connected, execPath, execArgv, argv, argv0 } = process;
	const isDecided = env[SETTING] !== undefined || env["GLIBC_TUNABLES"]?.includes("arena_max") === true;
	const [major = 0, minor = 0] = versions.node.split(".").map(Number);
	const isSafe = major > 26 || (major === 26 && minor >= 1);
	if (platform !== "linux" || !isSafe || isDecided || connected) return;
	try {
		process.execve?.(execPath, [argv0, ...execArgv, ...argv.slice(1)], { ...env, [SETTING]: ARENAS });
	} catch {
		// It takes more memory then, and does all the same.
	}
}
