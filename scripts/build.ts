// `npm run build`: compiles each published package to its dist/, and copies the migrations and the licence.
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

// In the order of their imports: each package is compiled against the dist/ of the packages before it.
for (const name of ["sdk", "server", "cli"]) {
	const folder = `${root}packages/${name}`;
	rmSync(`${folder}/dist`, { recursive: true, force: true });
	execFileSync("tsc", ["--project", `${folder}/tsconfig.build.json`], { stdio: "inherit" });
	const migrations = "adapters/sqlite/schema/migrations";
	if (existsSync(`${folder}/src/${migrations}`)) {
		cpSync(`${folder}/src/${migrations}`, `${folder}/dist/${migrations}`, { recursive: true });
	}
	copyFileSync(`${root}LICENSE`, `${folder}/LICENSE`);
	console.log(`built packages/${name}/dist`);
}
