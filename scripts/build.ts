// `npm run build`: compiles each published package to its dist/, the SDK also to CommonJS, the server to a few files, and copies the
// licence. With `--if-stale`, the page and the documents only if their sources have changed since.
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { buildDocs, ensureDocs } from "./built/docs-build.ts";
import { bundleServer } from "./built/server-bundle.ts";
import { tsc } from "./built/tsc.ts";
import { buildPage, ensurePage } from "./page-build.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const isIfStale = process.argv.includes("--if-stale");
/** What stays in a dist/ until it is built anew. */
const KEPT = isIfStale ? ["page", "docs"] : [];

// In the order of their imports: each package is compiled against the dist/ of the packages before it.
for (const name of ["sdk", "server", "cli", "portal"]) {
	const folder = `${root}packages/${name}`;
	clear(`${folder}/dist`);
	tsc(["--project", `${folder}/tsconfig.build.json`]);
	if (name === "server") await bundleServer(folder);
	if (existsSync(`${folder}/tsconfig.cjs.json`)) {
		tsc(["--project", `${folder}/tsconfig.cjs.json`]);
		// The package itself is of the type "module", so that this folder has to say what it is.
		writeFileSync(`${folder}/dist/cjs/package.json`, '{ "type": "commonjs" }\n');
	}
	copyFileSync(`${root}LICENSE`, `${folder}/LICENSE`);
	console.log(`built packages/${name}/dist`);
}
// Into the server's dist/, so after it.
await (isIfStale ? ensurePage() : buildPage());
console.log("built packages/server/dist/page");
await (isIfStale ? ensureDocs() : buildDocs());
console.log("built packages/server/dist/docs");

function clear(dist: string): void {
	mkdirSync(dist, { recursive: true });
	for (const name of readdirSync(dist)) {
		if (!KEPT.includes(name)) rmSync(`${dist}/${name}`, { recursive: true });
	}
}
