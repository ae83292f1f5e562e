// The page for people, under /ui, and the portal for customers, under /portal: their HTML, made for each request because of the nonce,
// and their files.
import { randomBytes, type Chance } from "../../core/chance.ts";
import { FanfareError } from "../../core/errors.ts";
import { NONCE_MARK, UI_MARK, type LoadPage, type PageEntry } from "../../ports/page-files.ts";
import { frameAncestors } from "../request/cross-origin.ts";
import { MethodNotAllowed } from "../request/problem.ts";
import { shownPath } from "../request/request-log.ts";
import type { Reply } from "../request/route.ts";
import { fileReply, KEPT_FOR_GOOD } from "./file-reply.ts";
import { redirectTo, type Site, type SiteRequest } from "./site.ts";

const ENTRIES: readonly PageEntry[] = ["ui", "portal"];
const NONCE_BYTES = 18;

const NOT_BUILT = `The page is not built, so there is nothing to show here. The API works without it.
In a checkout of Fanfare, run

    npm run build:page

and load this address again. The npm package contains the page.
`;

/**
 * Serves the page and the portal. The HTML of each is the same for all addresses below `/ui/` and `/portal/`, which its own router
 * reads; only the names of files, below `assets/`, are not. Both have the same files, so that a proxy can publish the portal alone.
 *
 * @example
 * const page = new Page(openPageFiles(folder), systemChance, ["https://app.example.com"]);
 * page.reply({ method: "GET", path: "/ui/", header: () => undefined });
 */
export class Page implements Site {
	readonly #load: LoadPage;
	readonly #chance: Pick<Chance, "randomize">;

	readonly #portalOrigins: readonly string[];

	/** `portalOrigins` are those of the pages that may show the portal in a frame. No page may show the page of the operator. */
	constructor(load: LoadPage, chance: Pick<Chance, "randomize">, portalOrigins: readonly string[]) {
		this.#load = load;
		this.#chance = chance;
		this.#portalOrigins = portalOrigins;
	}

	/** The response to a request for the page; null if the request is for something else. Throws if there is no such file. */
	reply(request: SiteRequest): Reply | null {
		const { method, path } = request;
		const isRead = method === "GET" || method === "HEAD";
		// Only for people: a program that asks for / is told that there is no such call.
		if (path === "/") return isRead && acceptsHtml(request) ? redirectTo("ui/") : null;
		const entry = ENTRIES.find((entry) => path === `/${entry}` || path.startsWith(`/${entry}/`));
		if (entry === undefined) return null;
		if (!isRead) throw new MethodNotAllowed(method, shownPath(path), "GET, HEAD");
		// Browsers keep the fragment, with which the portal is opened, over a redirect.
		if (path === `/${entry}`) return redirectTo(`${entry}/`);
		const page = this.#load();
		if (page === null) {
			return { status: 404, contentType: "text/plain; charset=utf-8", body: NOT_BUILT };
		}
		const name = path.slice(`/${entry}/`.length);
		if (!name.startsWith("assets/")) return this.#shell(page.shells[entry], name, entry);
		const file = page.files.get(name);
		if (file === undefined) throw noSuchFile(path);
		return fileReply(file, request.header("accept-encoding") ?? "", KEPT_FOR_GOOD);
	}

	#shell(shell: string, name: string, entry: PageEntry): Reply {
		const nonce = randomBytes(this.#chance, NONCE_BYTES).toString("base64");
		const up = "../".repeat(name.split("/").length - 1);
		return {
			status: 200,
			contentType: "text/html; charset=utf-8",
			body: shell.replaceAll(NONCE_MARK, nonce).replaceAll(UI_MARK, up === "" ? "./" : up),
			headers: {
				// A customer's browser keeps nothing of the portal.
				"cache-control": entry === "portal" ? "no-store" : "no-cache",
				"content-security-policy": contentPolicy(nonce, frameAncestors(entry === "portal" ? this.#portalOrigins : [])),
				"cross-origin-opener-policy": "same-origin",
				"referrer-policy": "no-referrer",
			},
		};
	}
}

/** Loads and calls nothing but this server, and is shown in the frames of `ancestors` alone. Only what has the nonce may be inline. */
function contentPolicy(nonce: string, ancestors: string): string {
	return [
		"default-src 'none'",
		`script-src 'self' 'nonce-${nonce}'`,
		`style-src 'self' 'nonce-${nonce}'`,
		"img-src 'self' data:",
		"font-src 'self'",
		"connect-src 'self'",
		"base-uri 'none'",
		"form-action 'none'",
		ancestors,
	].join("; ");
}

function acceptsHtml({ header }: SiteRequest): boolean {
	return /\btext\/html\b/i.test(header("accept") ?? "");
}

function noSuchFile(path: string): FanfareError {
	return new FanfareError(
		"route_not_found",
		`The page has no file ${shownPath(path)}. The server may have been updated: reload the page.`,
	);
}
