// The docs-files port: where the built site of the documents (packages/docs) comes from.
import type { PageFile } from "./page-files.ts";

/** A site that was built. */
export interface BuiltDocs {
	/** The HTML of each document by the last part of its address: `concepts` for `/docs/concepts`, empty for `/docs/`. */
	readonly pages: ReadonlyMap<string, PageFile>;
	/** The HTML around the page of the API, with `API_MARKS` in the places for its parts. */
	readonly apiShell: string;
	/** All other files, by their path below `/docs/`, such as `assets/site-B1x.js`. Each name contains a hash of the content. */
	readonly files: ReadonlyMap<string, PageFile>;
}

/** Reads the site. Returns null if it is not built; it may be built later. */
export type LoadDocs = () => BuiltDocs | null;

/** What the server replaces in the HTML around the page of the API: its title, its own style, and its content. */
export const API_MARKS = {
	title: "__FANFARE_API_TITLE__",
	head: "__FANFARE_API_HEAD__",
	body: "__FANFARE_API_BODY__",
} as const;
