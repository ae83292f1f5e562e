// Where a link of a document leads on the site: the same Markdown is read on GitHub and here.
import { posix } from "node:path";

/** Documents that the site does not have are read there. */
const REPOSITORY = "https://github.com/fanfare-webhooks/fanfare";

/**
 * The address on the site for a link in a document. `slugs` has the address of each document by its path in the repository. What the
 * site does not have is shown by the repository.
 *
 * @example
 * siteLink("../packages/sdk/README.md#install", "docs/concepts.md", new Map([["packages/sdk/README.md", "sdk"]])); // "sdk#install"
 */
export function siteLink(link: string, source: string, slugs: ReadonlyMap<string, string>): string {
	if (link.startsWith("#")) return link;
	const path = repositoryPath(link, source);
	if (path === null) return link;
	const [file = "", anchor] = path.split("#");
	const fragment = anchor === undefined ? "" : `#${anchor}`;
	const slug = slugs.get(file);
	if (slug !== undefined) return `${slug === "" ? "./" : slug}${fragment}`;
	return `${REPOSITORY}/${/\.[a-z]+$/i.test(file) ? "blob" : "tree"}/main/${file}${fragment}`;
}

/** The path in the repository, with the anchor. Null for a link to another host. */
export function repositoryPath(link: string, source: string): string | null {
	// The READMEs of packages are also read where packages are published, so their links are whole addresses.
	const own = `${REPOSITORY}/blob/main/`;
	if (link.startsWith(own)) return link.slice(own.length);
	if (/^[a-z]+:/.test(link)) return null;
	return posix.join(posix.dirname(source), link);
}
