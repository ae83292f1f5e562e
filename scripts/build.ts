// `npm run build`: compiles each published package to its dist/, the SDK also to CommonJS, the server to a few files, and copies the
// licence.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { buildDocs } from "./built/docs-build.ts";
import { bundleServer } from "./built/server-bundle.ts";
import { buildPage } from "./page-build.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

// In the order of their imports: each package is compiled against the dist/ of the packages before it.
for (const name of ["sdk", "server", "cli", "portal"]) {
	const folder = `${root}packages/${name}`;
	rmSync(`${folder}/dist`, { recursive: true, force: true });
	execFileSync("tsc", ["--project", `${folder}/tsconfig.build.json`], { stdio: "inherit" });
	if (name === "server") await bundleServer(folder);
	if (existsSync(`${folder}/tsconfig.cjs.json`)) {
		execFileSync("tsc", ["--project", `${folder}/tsconfig.cjs.json`], { stdio: "inherit" });
		// The package itself is of the type "module", so that this folder has to say what it is.
		writeFileSync(`${folder}/dist/cjs/package.json`, '{ "type": "commonjs" }\n');
	}
	copyFileSync(`${root}LICENSE`, `${folder}/LICENSE`);
	console.log(`built packages/${name}/dist`);
}
// Into the server's dist/, so after it.
await buildPage();
console.log("built packages/server/dist/page");
await buildDocs();
console.log("built packages/server/dist/docs");
