// Runs a program of this repository that is written in TypeScript, such as the `fanfare` command for `npm start`, or says what
// is missing. Plain JavaScript, since it must also run on a Node that is too old for the rest.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const OLDEST_NODE = 24;
const root = fileURLToPath(new URL("..", import.meta.url));

const [program = "", ...args] = process.argv.slice(2);
const missing = whatIsMissing();
if (missing === null) {
	const path = resolve(root, program);
	process.argv.splice(1, process.argv.length - 1, path, ...args);
	await import(pathToFileURL(path).href);
} else {
	process.stderr.write(`${missing}\n`);
	process.exitCode = 1;
}

/** A sentence that says what is missing and what to do; null if nothing is. */
function whatIsMissing() {
	if (!existsSync(resolve(root, "node_modules"))) return "The packages are not installed: run npm ci first.";
	if (Number.parseInt(process.versions.node, 10) >= OLDEST_NODE) return null;
	const isInstalled = existsSync(resolve(root, "node_modules/.bin/node"));
	return [
		`This is Node ${process.versions.node}, and Fanfare needs Node ${OLDEST_NODE} or newer.`,
		isInstalled
			? "npm ci has installed one in node_modules: use the npm scripts, such as npm start, or put node_modules/.bin first in your PATH."
			: "npm ci installs one in node_modules, as an optional dependency, for Linux and macOS on x64 and arm64 and for Windows on x64. " +
				"It is not there: run npm ci again without --omit=optional, or install a newer Node from https://nodejs.org.",
	].join("\n");
}
