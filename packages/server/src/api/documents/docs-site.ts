// The documents, under /docs: each page and its files, as they were built. The page of the API is a route of its own.
import { FanfareError } from "../../core/errors.ts";
import type { LoadDocs } from "../../ports/docs-files.ts";
import { fileReply, KEPT_FOR_GOOD } from "../page/file-reply.ts";
import type { Site, SiteRequest } from "../page/site.ts";
import { MethodNotAllowed } from "../request/problem.ts";
import { shownPath } from "../request/request-log.ts";
import type { Reply } from "../request/route.ts";

const PREFIX = "/docs/";

const NOT_BUILT = `The documents are not built, so there is nothing to show here. The API is described at docs/api without them.
In a checkout of Fanfare, run

    npm run build:docs

and load this address again, or read the files in docs/. The npm package contains the documents.
`;

/** Loads and calls nothing but this server, with no inline script or style, and is shown in no frame. */
const POLICY = [
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"img-src 'self'",
	"connect-src 'self'",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
].join("; ");

/** Pages keep their names, so browsers ask for them each time. */
const PAGE_HEADERS = {
	"cache-control": "no-cache",
	"content-security-policy": POLICY,
	"cross-origin-opener-policy": "same-origin",
	"referrer-policy": "no-referrer",
};

/**
 * Serves the documents.
 *
 * @example
 * const site = new DocsSite(openDocsFiles(folder));
 * site.reply({ method: "GET", path: "/docs/concepts", header: () => undefined });
 */
export class DocsSite implements Site {
	readonly #load: LoadDocs;

	constructor(load: LoadDocs) {
		this.#load = load;
	}

	reply({ method, path, header }: SiteRequest): Reply | null {
		if (!path.startsWith(PREFIX)) return null;
		const name = path.slice(PREFIX.length);
		if (name === "api") return null;
		if (method !== "GET" && method !== "HEAD") throw new MethodNotAllowed(method, shownPath(path), "GET, HEAD");
		const docs = this.#load();
		if (docs === null) return { status: 404, contentType: "text/plain; charset=utf-8", body: NOT_BUILT };
		const encoding = header("accept-encoding") ?? "";
		const page = docs.pages.get(name);
		if (page !== undefined) return fileReply(page, encoding, PAGE_HEADERS);
		const file = docs.files.get(name);
		if (file !== undefined) return fileReply(file, encoding, KEPT_FOR_GOOD);
		throw new FanfareError(
			"route_not_found",
			`There is no document ${shownPath(path)}. /docs/ lists all of them; the server may have been updated.`,
		);
	}
}
