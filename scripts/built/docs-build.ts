// Builds the site of the documents (packages/docs) into the server's package, with compressed copies of its files.
import { fileURLToPath } from "node:url";

import { BuiltFolder } from "./built-folder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

const docs = new BuiltFolder({
	folder: "packages/server/dist/docs",
	sources: [
		"docs/**/*",
		"{CHANGELOG,SECURITY}.md",
		"{examples,packages/sdk,packages/portal}/README.md",
		"packages/docs/package.json",
		"packages/docs/src/**/*",
		"packages/dashboard/src/app/icon.svg",
		"packages/server/src/api/documents/docs-page/style.ts",
		"packages/server/src/ports/docs-files.ts",
		"scripts/built/*",
		"package-lock.json",
	],
	script: "scripts/build-docs.ts",
	compressed: ["*.html", "assets/*.{css,js,json,svg}"],
	write,
});

/** Builds the site, unless it was built from exactly these sources. Processes that call it at the same time wait for one build. */
export function ensureDocs(onBuild = () => {}): Promise<void> {
	return docs.ensure(onBuild);
}

/** Builds the site anew. */
export function buildDocs(): Promise<void> {
	return docs.build();
}

async function write(folder: string): Promise<void> {
	// Only here: an installation without packages for development has no Eleventy.
	const { buildSite } = await import("../../packages/docs/src/build/site.ts");
	await buildSite(root, folder);
}
