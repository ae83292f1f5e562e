// The code of the command and of the server's threads in a few files, for the processes that tests start: most of a start is loading hundreds
// of modules one by one.
import { createHash } from "node:crypto";
import {
	existsSync,
	globSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { build, type OutputFile, type Plugin } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Is removed by `npm ci`. */
const CACHE = join(root, "node_modules/.cache/fanfare-bundles");
/** How long a bundle is kept that was made of other sources: tests may still run on it. */
const KEPT_MS = 86_400_000;

const STORE = "packages/server/src/adapters/sqlite/thread";
/** What processes and threads begin with, by name: paths in the repository. */
export const ENTRIES = {
	main: "packages/cli/src/main.ts",
	"store-thread": `${STORE}/store-thread.ts`,
	"reader-thread": "packages/server/src/compose/reading/reader-thread.ts",
	"check-thread": "packages/server/src/adapters/ajv/thread.ts",
	"sender-thread": "packages/server/src/compose/sending/sender-thread.ts",
	"acceptor-thread": "packages/server/src/compose/accepting/acceptor-thread.ts",
	"test-reader-thread": "packages/server/src/adapters/sqlite/test/reader-thread.ts",
};

/** Libraries stay what they are. The code still finds its files beside its sources. */
const OWN_CODE_ALONE: Plugin = {
	name: "own-code-alone",
	setup(building) {
		building.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
			kind === "entry-point" || path.startsWith("@fanfare/") ? undefined : { path, external: true },
		);
		building.onLoad({ filter: /\.ts$/ }, ({ path }) => {
			const url = JSON.stringify(pathToFileURL(path).href);
			return { contents: readFileSync(path, "utf8").replaceAll("import.meta.url", url), loader: "ts" };
		});
	},
};

/**
 * Bundles the sources as they are now. Returns a module for `node --import`, with which a process and each of its threads run the bundle in
 * place of the sources.
 */
export async function bundleCode(): Promise<string> {
	const { outputFiles } = await build({
		absWorkingDir: root,
		entryPoints: ENTRIES,
		outdir: CACHE,
		write: false,
		bundle: true,
		// A command loads only the parts that it needs.
		splitting: true,
		platform: "node",
		format: "esm",
		target: "esnext",
		keepNames: true,
		sourcemap: "linked",
		sourcesContent: false,
		conditions: ["@fanfare/source"],
		plugins: [OWN_CODE_ALONE],
	});
	const folder = writeBundle(outputFiles);
	const bundled = Object.fromEntries(
		Object.entries(ENTRIES).map(([name, source]) => [
			pathToFileURL(join(root, source)).href,
			pathToFileURL(join(folder, `${name}.js`)).href,
		]),
	);
	// Node would look for a package.json, and compile each file once to see whether it is a module.
	return `data:text/javascript,${encodeURIComponent(`
		import { registerHooks } from "node:module";
		const bundled = new Map(Object.entries(${JSON.stringify(bundled)}));
		const folder = ${JSON.stringify(`${pathToFileURL(folder).href}/`)};
		registerHooks({
			resolve(specifier, context, next) {
				if (specifier.startsWith("./") && context.parentURL?.startsWith(folder)) {
					return { url: folder + specifier.slice(2), format: "module", shortCircuit: true };
				}
				const resolved = next(specifier, context);
				const url = bundled.get(resolved.url);
				return url === undefined ? resolved : { url, format: "module", shortCircuit: true };
			},
		});
	`)}`;
}

/** Writes the files into a folder that is named by what they contain, which other runs may use at the same time. */
function writeBundle(files: readonly OutputFile[]): string {
	const hash = createHash("sha256");
	for (const { path, contents } of files) hash.update(path).update(contents);
	const folder = join(CACHE, hash.digest("hex").slice(0, 16));
	if (existsSync(folder)) {
		// Another run that begins now must not take it for an old one.
		const now = new Date();
		utimesSync(folder, now, now);
		return folder;
	}
	mkdirSync(CACHE, { recursive: true });
	for (const path of globSync(join(CACHE, "*"))) {
		const changedAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
		if (changedAt < Date.now() - KEPT_MS) rmSync(path, { recursive: true, force: true });
	}
	const own = `${folder}.${process.pid}`;
	mkdirSync(own);
	for (const { path, contents } of files) writeFileSync(join(own, basename(path)), contents);
	try {
		renameSync(own, folder);
	} catch (error) {
		rmSync(own, { recursive: true, force: true });
		// Another run has made it meanwhile.
		if (!existsSync(folder)) throw error;
	}
	return folder;
}
