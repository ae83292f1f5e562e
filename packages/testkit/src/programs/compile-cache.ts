// The cache of compiled code that test processes and the commands that they start share.
import { fileURLToPath } from "node:url";

/**
 * Its folder, for `NODE_COMPILE_CACHE`. Is removed by `npm ci`, and is not needed to be fresh: Node looks code up by a hash of its source.
 */
export const COMPILE_CACHE_FOLDER = fileURLToPath(
	new URL("../../../../node_modules/.cache/fanfare-tests", import.meta.url),
);

/**
 * A module for `node --import`, which makes a process and each of its threads use the cache. It halves the time that the server takes to
 * start, most of which is compiling TypeScript. `NODE_COMPILE_CACHE` would reach no thread that gets an empty environment. JavaScript in a
 * URL, since Node's compiler of TypeScript would be loaded for a file of its own.
 */
export const COMPILE_CACHE = `data:text/javascript,${encodeURIComponent(`
	import { enableCompileCache } from "node:module";
	enableCompileCache(${JSON.stringify(COMPILE_CACHE_FOLDER)});
`)}`;
