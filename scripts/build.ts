// `npm run build`: compiles each published package to its dist/, the SDK also to CommonJS, and copies the migrations and the licence.
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { buildDocs } from "./built/docs-build.ts";
import { buildPage } from "./page-build.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

// In the order of their imports: each package is compiled against the dist/ of the packages before it.
for (const name of ["sdk", "server", "cli", "portal"]) {
	const folder = `${root}packages/${name}`;
	rmSync(`${folder}/dist`, { recursive: true, force: true });
	execFileSync("tsc", ["--project", `${folder}/tsconfig.build.json`], { stdio: "inherit" });
	if (existsSync(`${folder}/tsconfig.cjs.json`)) {
		execFileSync("tsc", ["--project", `${folder}/tsconfig.cjs.json`], { stdio: "inherit" });
		// The package itself is of the type "module", so that this folder has to say what it is.
		writeFileSync(`${folder}/dist/cjs/package.json`, '{ "type": "commonjs" }\n');
	}
	for (const sql of ["sqlite/schema/migrations", "sqlite/schema/schema.sql", "postgres/schema/migrations"]) {
		if (!existsSync(`${folder}/src/adapters/${sql}`)) continue;
		cpSync(`${folder}/src/adapters/${sql}`, `${folder}/dist/adapters/${sql}`, { recursive: true });
	}
	copyFileSync(`${root}LICENSE`, `${folder}/LICENSE`);
	console.log(`built packages/${name}/dist`);
}
// Into the server's dist/, so after it.
await buildPage();
console.log("built packages/server/dist/page");
await buildDocs();
console.log("built packages/server/dist/docs");
