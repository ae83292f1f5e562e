// What is served beside the API: the page, the portal and the documents, each below paths of its own.
import type { Reply } from "../request/route.ts";
import type { ApiContext } from "../request/serve.ts";

/** What a request for a page says. */
export interface SiteRequest {
	readonly method: string;
	/** Not decoded: no file has a name that needs encoding. */
	readonly path: string;
	readonly header: (name: string) => string | undefined;
}

/** Pages with their files. */
export interface Site {
	/** The response; null if the request is for something else. Throws if there is no such file. */
	reply(request: SiteRequest): Reply | null;
}

/** The response of the first of `sites` that has one to a request that no route of the API has matched; null if none has. */
export function siteReply({ req }: ApiContext, sites: readonly Site[]): Reply | null {
	const request = { method: req.method, path: req.path, header: (name: string) => req.header(name) };
	for (const site of sites) {
		const reply = site.reply(request);
		if (reply !== null) return reply;
	}
	return null;
}

/** Leads to a relative address, so that it is right behind a path prefix of a proxy. */
export function redirectTo(location: string): Reply {
	return { status: 302, contentType: "text/plain; charset=utf-8", body: "", headers: { location } };
}
