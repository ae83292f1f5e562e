// Reads the built page from the folder into which `npm run build` has written it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join, sep } from "node:path";

import type { BuiltPage, LoadPage, PageEntry, PageFile } from "../../ports/page-files.ts";

const CONTENT_TYPES: Readonly<Record<string, string>> = {
	".css": "text/css; charset=utf-8",
	".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
	".woff2": "font/woff2",
};

const SHELL_FILES: Readonly<Record<PageEntry, string>> = { ui: "index.html", portal: "portal.html" };

/**
 * Reads the page when it is first asked for, which is about 2 MB, and keeps it. While the folder has no page, each call looks
 * again.
 *
 * @example
 * const load = openPageFiles(fileURLToPath(new URL("../dist/page", import.meta.url)));
 * load()?.files.get("assets/main-B1x.js");
 */
export function openPageFiles(folder: string): LoadPage {
	let built: BuiltPage | null = null;
	return () => (built ??= readPage(folder));
}

function readPage(folder: string): BuiltPage | null {
	// The build puts its finished folder in place as a whole, so one file speaks for all.
	if (!existsSync(join(folder, SHELL_FILES.ui))) return null;
	const shell = (entry: PageEntry) => readFileSync(join(folder, SHELL_FILES[entry]), "utf8");
	const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
	const isServed = (name: string) => CONTENT_TYPES[extname(name)] !== undefined;
	const files = names
		.filter(isServed)
		.map((name) => [name.replaceAll(sep, "/"), readPageFile(join(folder, name), CONTENT_TYPES)] as const);
	return { shells: { ui: shell("ui"), portal: shell("portal") }, files: new Map(files) };
}

/** Reads a file with its compressed forms. `contentTypes` has the types by the extension of the name. */
export function readPageFile(path: string, contentTypes: Readonly<Record<string, string>>): PageFile {
	return {
		contentType: contentTypes[extname(path)] ?? "application/octet-stream",
		bytes: readFileSync(path),
		brotli: readIfThere(`${path}.br`),
		gzip: readIfThere(`${path}.gz`),
	};
}

function readIfThere(path: string): PageFile["gzip"] {
	return existsSync(path) ? readFileSync(path) : null;
}
