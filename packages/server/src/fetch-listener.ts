// Responds to the requests of an `HttpServer` with a function of the Fetch API, and with the lean path to those that it takes.
import { getRequestListener } from "@hono/node-server";

import type { LeanPath } from "./api/request/lean/lean-path.ts";
import type { UnreadableRequests } from "./api/request/unreadable.ts";
import type { Listener } from "./http-server.ts";

interface FetchListenerOptions {
	/** See `StartOptions.overrideGlobals`. Defaults to false. */
	readonly overrideGlobalObjects?: boolean;
	/** Responds to the requests that it takes; `fetch` responds to all others. Defaults to none. */
	readonly lean?: Pick<LeanPath, "respond"> | null;
}

/**
 * The listener of a server whose requests `fetch` responds to. `unreadable` responds to what `fetch` can't be called with.
 *
 * @example
 * http.handle(fetchListener(app.fetch, unreadable));
 */
export function fetchListener(
	fetch: Parameters<typeof getRequestListener>[0],
	unreadable: Pick<UnreadableRequests, "response">,
	{ overrideGlobalObjects = false, lean = null }: FetchListenerOptions = {},
): Listener {
	const errorHandler = (error: unknown) => unreadable.response(error);
	const listener = getRequestListener(fetch, { overrideGlobalObjects, errorHandler });
	return (request, response, endBody) =>
		lean?.respond(request, response, endBody) === true || listener(request, response);
}
