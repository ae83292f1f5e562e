// Reads the built site of the documents from the folder into which `npm run build` has written it.
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, extname, join, sep } from "node:path";

import type { BuiltDocs, LoadDocs } from "../../ports/docs-files.ts";
import { readPageFile } from "./page-files.ts";

const CONTENT_TYPES: Readonly<Record<string, string>> = {
	".css": "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js": "text/javascript; charset=utf-8",
	".json": "application/json",
	".png": "image/png",
	".svg": "image/svg+xml",
};

const START = "index.html";
const API_SHELL = "api.html";

/**
 * Reads the site when it is first asked for, which is about 2 MB, and keeps it. While the folder has none, each call looks again.
 *
 * @example
 * const load = openDocsFiles(fileURLToPath(new URL("../dist/docs", import.meta.url)));
 * load()?.pages.get("concepts");
 */
export function openDocsFiles(folder: string): LoadDocs {
	let built: BuiltDocs | null = null;
	return () => (built ??= readDocs(folder));
}

function readDocs(folder: string): BuiltDocs | null {
	// The build puts its finished folder in place as a whole, so one file speaks for all.
	if (!existsSync(join(folder, START))) return null;
	const read = (name: string) => readPageFile(join(folder, name), CONTENT_TYPES);
	const pages = globSync("*.html", { cwd: folder })
		.filter((name) => name !== API_SHELL)
		.map((name) => [name === START ? "" : basename(name, ".html"), read(name)] as const);
	const files = globSync("assets/*", { cwd: folder })
		.filter((name) => CONTENT_TYPES[extname(name)] !== undefined)
		.map((name) => [name.replaceAll(sep, "/"), read(name)] as const);
	const apiShell = readFileSync(join(folder, API_SHELL), "utf8");
	return { pages: new Map(pages), files: new Map(files), apiShell };
}
