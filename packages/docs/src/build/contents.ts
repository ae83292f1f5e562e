// The order of the documents, read from docs/README.md: its headings are the parts of the site, and its links are their pages.
import { readFileSync } from "node:fs";
import { basename, dirname, join, posix } from "node:path";

/** A document of the site. */
export interface DocsPage {
	/** The last part of its address: `concepts` for `/docs/concepts`, empty for `/docs/`. */
	readonly slug: string;
	/** The file in the repository, such as `docs/concepts.md`. */
	readonly source: string;
	/** The name in the navigation. */
	readonly title: string;
	/** What the page has, in a sentence. */
	readonly summary: string;
}

/** A part of the site. */
export interface DocsPart {
	readonly title: string;
	readonly pages: readonly DocsPage[];
}

/** The file with the order. */
export const CONTENTS = "docs/README.md";
/** The OpenAPI document, whose page the server renders. */
export const API_SOURCE = "docs/openapi.json";

/** Addresses that do not follow from the name of the file. */
const SLUGS: Readonly<Record<string, string>> = {
	[CONTENTS]: "",
	[API_SOURCE]: "api",
	"SECURITY.md": "reporting",
	"packages/portal/README.md": "portal-tag",
};

/** Reads the parts of the site with their pages. Throws if a line of a list is not understood, or if two pages would have one address. */
export function readContents(root: string): DocsPart[] {
	const [, ...parts] = readFileSync(join(root, CONTENTS), "utf8").split(/^## /m);
	const contents = parts.map((part) => {
		const [title = "", ...lines] = part.split("\n");
		return { title, pages: lines.filter((line) => line.startsWith("- ")).map(pageOf) };
	});
	const slugs = contents.flatMap(({ pages }) => pages.map(({ slug }) => slug));
	const twice = slugs.filter((slug, index) => slugs.indexOf(slug) !== index);
	if (twice.length > 0) throw new Error(`${CONTENTS}: two documents would have the address /docs/${twice[0]}`);
	return contents;
}

function pageOf(line: string): DocsPage {
	const [, title, link, summary] = /^- \[(.+?)\]\((\S+?)\): (.+)$/.exec(line) ?? [];
	if (title === undefined || link === undefined || summary === undefined) {
		throw new Error(`${CONTENTS}: expected "- [Title](file.md): what it has", got "${line}"`);
	}
	const source = posix.join(dirname(CONTENTS), link);
	return { slug: slugOf(source), source, title, summary };
}

function slugOf(source: string): string {
	const name = basename(source, ".md");
	const last = name === "README" ? basename(dirname(source)) : name;
	return SLUGS[source] ?? last.toLowerCase();
}
