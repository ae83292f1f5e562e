// The site of the documents: renders each with Eleventy, and gives every file that goes with them a name with the hash of its content.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

// @ts-expect-error Eleventy has no types.
import { Eleventy } from "@11ty/eleventy";
import { build } from "esbuild";

import { BASE_STYLE } from "../../../server/src/api/documents/docs-page/style.ts";
import { API_MARKS } from "../../../server/src/ports/docs-files.ts";
import { API_SOURCE, CONTENTS, readContents, type DocsPage } from "./contents.ts";
import { repositoryPath } from "./links.ts";
import { extendMarkdown, type MarkdownIt, type Section } from "./markdown.ts";
import { apiSections, pageSections } from "./search-index.ts";

const HERE = fileURLToPath(new URL("..", import.meta.url));
/** Browsers with `light-dark()` in CSS, as for the page. */
const TARGETS = ["chrome123", "edge123", "firefox121", "safari17.5"];
/** The index is made from what is rendered, so its name is put in afterwards. */
const INDEX_MARK = "__FANFARE_INDEX__";

/** The part of Eleventy's configuration that is used here. */
interface EleventyConfig {
	setUseGitIgnore(isUsed: boolean): void;
	setLayoutsDirectory(folder: string): void;
	amendLibrary(name: "md", change: (markdown: MarkdownIt) => void): void;
	addFilter(name: string, filter: (slug: string) => unknown): void;
	addGlobalData(name: string, value: unknown): void;
	addTemplate(path: string, text: string, data: Readonly<Record<string, unknown>>): void;
}

interface Rendered {
	readonly url: string;
	readonly content: string;
}

/**
 * Builds the site of the repository `root` into the folder `target`.
 *
 * @example
 * await buildSite(root, join(root, "packages/server/dist/docs"));
 */
export async function buildSite(root: string, target: string): Promise<void> {
	mkdirSync(join(target, "assets"), { recursive: true });
	const asset = (name: string, content: string | Uint8Array) => writeAsset(target, name, content);
	const parts = readContents(root);
	const start: DocsPage = { slug: "", source: CONTENTS, title: "Documents", summary: "" };
	const pages = [start, ...parts.flatMap((part) => part.pages)];
	const sections = new Map<string, readonly Section[]>();
	const assets = {
		icon: asset("icon.svg", readFileSync(join(root, "packages/dashboard/src/app/icon.svg"))),
		style: asset("site.css", await bundleStyle()),
		script: asset("site.js", await bundleScript()),
		index: INDEX_MARK,
	};
	const options = {
		pages: new Map(pages.map((page) => [page.slug, page])),
		slugs: new Map(pages.map(({ source, slug }) => [source, slug])),
		picture: (link: string, source: string) => {
			const path = repositoryPath(link, source) ?? link;
			return asset(basename(path), readFileSync(join(root, path)));
		},
		found: (slug: string, list: readonly Section[]) => sections.set(slug, list),
	};
	const configure = (config: EleventyConfig) => {
		config.setUseGitIgnore(false);
		config.setLayoutsDirectory("layout");
		config.amendLibrary("md", (markdown) => extendMarkdown(markdown, options));
		config.addFilter("headings", (slug) => sections.get(slug)?.filter(({ level }) => level === 2) ?? []);
		config.addGlobalData("parts", parts);
		config.addGlobalData("assets", assets);
		for (const [index, page] of pages.entries()) {
			const isApi = page.source === API_SOURCE;
			config.addTemplate(
				`${page.slug || "index"}.${isApi ? "html" : "md"}`,
				isApi ? API_MARKS.body : read(root, page),
				{
					slug: page.slug,
					layout: "page.liquid",
					// Not for Liquid first: documents have braces of their own.
					templateEngineOverride: isApi ? "html" : "md",
					permalink: `${page.slug || "index"}.html`,
					heading: isApi ? API_MARKS.title : page.slug === "" ? "Fanfare: documents" : `${page.title} – Fanfare`,
					head: isApi ? API_MARKS.head : "",
					before: pages[index - 1],
					after: pages[index + 1],
				},
			);
		}
	};
	const eleventy = new Eleventy(relative(process.cwd(), HERE), relative(process.cwd(), target), {
		quietMode: true,
		configPath: false,
		config: configure,
	});
	const rendered = (await eleventy.toJSON()) as readonly Rendered[];
	const found = pages.flatMap((page) =>
		page.source === API_SOURCE ? apiSections(root) : pageSections(page, sections.get(page.slug) ?? []),
	);
	const index = asset("search.json", JSON.stringify(found));
	for (const { url, content } of rendered) {
		const name = url === "/" ? "index.html" : basename(url);
		writeFileSync(join(target, name), content.replaceAll(INDEX_MARK, index));
	}
}

function read(root: string, { source }: DocsPage): string {
	return readFileSync(join(root, source), "utf8");
}

async function bundleScript(): Promise<Uint8Array> {
	const { outputFiles } = await build({
		entryPoints: [join(HERE, "client/site.ts")],
		bundle: true,
		minify: true,
		format: "esm",
		target: TARGETS,
		write: false,
	});
	return outputFiles[0]?.contents ?? new Uint8Array();
}

/** What the pages share with that of the API, and their own. */
async function bundleStyle(): Promise<string> {
	const contents = BASE_STYLE + readFileSync(join(HERE, "client/site.css"), "utf8");
	const { outputFiles } = await build({
		stdin: { contents, loader: "css" },
		minify: true,
		target: TARGETS,
		write: false,
	});
	return outputFiles[0]?.text ?? "";
}

/** Writes a file whose name changes with its content, and returns its address relative to `/docs/`. */
function writeAsset(target: string, name: string, content: string | Uint8Array): string {
	const hash = createHash("sha256").update(content).digest("base64url").slice(0, 10);
	const extension = extname(name);
	const address = `assets/${basename(name, extension)}-${hash}${extension}`;
	writeFileSync(join(target, address), content);
	return address;
}
