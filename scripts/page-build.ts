// Builds the page and the portal (packages/dashboard) into the server's package, with compressed copies of its files.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { UI_MARK } from "../packages/server/src/ports/page-files.ts";
import { BuiltFolder } from "./built/built-folder.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

const page = new BuiltFolder({
	folder: "packages/server/dist/page",
	sources: [
		"packages/dashboard/{index.html,portal.html,package.json,tsconfig.json,vite.config.ts}",
		"packages/dashboard/src/**/*",
		"packages/sdk/{package.json,src/**/*}",
		"packages/server/src/ports/page-files.ts",
		"scripts/{page-build,built/built-folder}.ts",
		"package-lock.json",
	],
	script: "scripts/build-page.ts",
	compressed: ["assets/*"],
	write,
});

/** Builds the page, unless it was built from exactly these sources. Processes that call it at the same time wait for one build. */
export function ensurePage(onBuild = () => {}): Promise<void> {
	return page.ensure(onBuild);
}

/** Builds the page anew. */
export function buildPage(): Promise<void> {
	return page.build();
}

async function write(folder: string): Promise<void> {
	// Otherwise React would be built for development.
	process.env["NODE_ENV"] = "production";
	// Only here: an installation without packages for development has no Vite.
	const { build } = await import("vite");
	await build({
		root: join(root, "packages/dashboard"),
		configFile: join(root, "packages/dashboard/vite.config.ts"),
		logLevel: "warn",
		build: { outDir: folder },
	});
	for (const name of ["index.html", "portal.html"]) writeShell(join(folder, name));
}

/** Marks the addresses in the HTML, which depend on the depth of the request's path. */
function writeShell(path: string): void {
	const html = readFileSync(path, "utf8").replaceAll(/(src|href)="\.\//g, `$1="${UI_MARK}`);
	writeFileSync(path, html);
}
