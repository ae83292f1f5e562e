// The text that the search of the site looks in: every section of every page, and every call of the API.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { FoundSection } from "../found-section.ts";
import { API_SOURCE, type DocsPage } from "./contents.ts";
import type { Section } from "./markdown.ts";

interface Operation {
	readonly operationId: string;
	readonly summary: string;
	readonly description: string;
}

/** The sections of a page. */
export function pageSections({ slug, title }: DocsPage, sections: readonly Section[]): FoundSection[] {
	return sections.map((section) => ({
		page: title,
		title: section.anchor === null ? "" : section.title,
		address: `${slug === "" ? "./" : slug}${section.anchor === null ? "" : `#${section.anchor}`}`,
		text: section.text,
	}));
}

/** The calls of the API, by the anchors of its page. */
export function apiSections(root: string): FoundSection[] {
	const { paths } = JSON.parse(readFileSync(join(root, API_SOURCE), "utf8")) as {
		readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
	};
	return Object.entries(paths).flatMap(([path, methods]) =>
		Object.entries(methods).map(([method, { operationId, summary, description }]) => ({
			page: "API",
			title: summary,
			address: `api#${operationId}`,
			text: `${method.toUpperCase()} ${path} ${description.replaceAll(/\s+/g, " ")}`,
		})),
	);
}
