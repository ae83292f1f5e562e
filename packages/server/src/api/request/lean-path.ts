// The lean path: plain sends, and the streams and answers of relays' clients, go from Node's request to Node's response without Hono and
// web requests between them. What happens on the way is in serve.ts, as for every other call; this file only decides which requests may
// take it. All others go to the app, and nothing of them was read by then.
import type { AppDeps } from "../deps.ts";
import type { NodeBody } from "./body/body-reader.ts";
import type { Route } from "./route.ts";
import {
	answerRoute,
	QUICK_BODY_BYTES,
	settle,
	type RequestContext,
	type Settled,
	type SharedLimits,
} from "./serve.ts";
import { ServerSentEvents, type NodeStreamResponse } from "./server-sent-events.ts";

/** The part of Node's `IncomingMessage` that is used here. */
export interface NodeRequest extends NodeBody {
	readonly method?: string | undefined;
	readonly url?: string | undefined;
	readonly httpVersion: string;
	readonly headers: NodeHeaders;
	/** Names and values as they were sent, one after the other. */
	readonly rawHeaders: readonly string[];
	readonly socket: { readonly remoteAddress?: string | undefined };
	/** Whether all of it has arrived. */
	readonly complete: boolean;
	resume(): unknown;
}

/** The part of Node's `ServerResponse` that is used here. */
export interface NodeResponse extends NodeStreamResponse {
	end(text?: string): unknown;
	once(event: "close" | "drain" | "finish", listener: () => void): unknown;
}

type NodeHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

const PROJECT = "/projects/{projectId}";
/** An event for many relays is answered by all of them at once, and their clients can all come back together. */
const STREAM = "/relays/{relayId}/requests";
const ANSWER = `${STREAM}/{requestId}:answer`;
/** The calls that may take it: their methods, and their paths after the project. */
const CALLS: ReadonlySet<string> = new Set(["post /events", "post /events:batch", `get ${STREAM}`, `post ${ANSWER}`]);
/** Nothing in them can be written in another way: no escapes, no query. */
const SEND_PATH = /^\/projects\/(proj_[0-9a-f]{32})(\/events(?::batch)?)$/;
const RELAY_PATH =
	/^\/projects\/(proj_[0-9a-f]{32})\/relays\/(relay_[0-9a-f-]{36})\/requests(?:\/([\w.-]{1,80}):answer)?$/;
const PLAIN_TYPE = /^application\/json(?:; ?charset=utf-8)?$/i;
const PLAIN_LENGTH = /^[1-9]\d{0,4}$/;
/** The hosts that `@hono/node-server` takes without parsing them as a part of a URL. */
const PLAIN_HOST = /^[a-z0-9._-]+(?::(?:[1-5]\d{3,4}|[6-9]\d{3}))?$/;
/** Headers that change how a request is read or who makes it. */
const UNUSUAL = [
	"transfer-encoding",
	"content-encoding",
	"expect",
	"upgrade",
	"trailer",
	"cookie",
	"fanfare-page",
	"fanfare-actor",
	"origin",
] as const;

/** Responds to the requests that are plain. */
export class LeanPath {
	readonly #deps: AppDeps;
	readonly #shared: SharedLimits;
	/** By the name that they have in `CALLS`. */
	readonly #routes: ReadonlyMap<string, Route>;

	/** `deps` and `shared` are those of the app, since both serve the same clients. */
	constructor(routes: readonly Route[], deps: AppDeps, shared: SharedLimits) {
		this.#deps = deps;
		this.#shared = shared;
		const named = routes
			.filter(({ path }) => path.startsWith(PROJECT))
			.map((route): [string, Route] => [`${route.method} ${route.path.slice(PROJECT.length)}`, route]);
		this.#routes = new Map(named.filter(([name]) => CALLS.has(name)));
	}

	/**
	 * True if it takes the request: then it responds to it, whatever the response is. False if the app must: then nothing was read or
	 * written. `endBody` is called if the response was written before the whole request has arrived.
	 */
	respond<Request extends NodeRequest>(
		request: Request,
		response: NodeResponse,
		endBody: (request: Request) => void,
	): boolean {
		const { method, url = "" } = request;
		if (method !== "POST" && method !== "GET") return false;
		const called = calledBy(method, url);
		const route = called === null ? undefined : this.#routes.get(called.name);
		if (called === null || route === undefined || !isPlain(request)) return false;
		const req = new PlainRequest(request, method, url, called.params);
		void this.#answer({ env: { incoming: request, outgoing: response }, req }, route, request, response, endBody);
		return true;
	}

	/** Never rejects. */
	async #answer<Request extends NodeRequest>(
		context: RequestContext,
		route: Route,
		request: Request,
		response: NodeResponse,
		endBody: (request: Request) => void,
	): Promise<void> {
		try {
			const settled = await settle(context, this.#deps, route, (progress) =>
				answerRoute(context, this.#deps, this.#shared, route, progress),
			);
			const { status, headers, body } = settled;
			// It is closed if the client is gone.
			if (body instanceof ServerSentEvents) return body.writeTo(response, status, headers);
			// Else the client is gone.
			if (!response.destroyed) write(response, settled);
			if (context.req.method === "GET") return;
			// A refusal can come before the body was read. Its rest must not stay in the connection.
			if (!request.readableEnded) response.once("finish", () => readOn(request, endBody));
		} catch (error) {
			// Nothing above fails. If it did, the client would learn it as it does when the server crashes.
			response.destroy(error instanceof Error ? error : undefined);
		}
	}
}

/** Which of the calls a request makes by its path, with the path's parameters; null if none. */
function calledBy(
	method: "GET" | "POST",
	path: string,
): { readonly name: string; readonly params: Readonly<Record<string, string>> } | null {
	if (method === "POST") {
		const [, projectId, action] = SEND_PATH.exec(path) ?? [];
		if (projectId !== undefined) return { name: `post ${action}`, params: { projectId } };
	}
	const [, projectId, relayId, requestId] = RELAY_PATH.exec(path) ?? [];
	if (projectId === undefined || relayId === undefined) return null;
	if (method === "GET")
		return requestId === undefined ? { name: `get ${STREAM}`, params: { projectId, relayId } } : null;
	return requestId === undefined ? null : { name: `post ${ANSWER}`, params: { projectId, relayId, requestId } };
}

/** Whether all that a request says beside its body is what most clients say, in the usual form. */
function isPlain({ method, httpVersion, headers, rawHeaders }: NodeRequest): boolean {
	if (httpVersion !== "1.1") return false;
	// Node and the Fetch standard join headers that are sent twice in different ways.
	if (Object.keys(headers).length * 2 !== rawHeaders.length) return false;
	for (const name of UNUSUAL) if (headers[name] !== undefined) return false;
	return (
		(method === "GET" ? headers["content-length"] === undefined : hasPlainBody(headers)) &&
		plainText(headers, "host", PLAIN_HOST) !== null &&
		(headers["authorization"] !== undefined || headers["secret-key"] !== undefined)
	);
}

function hasPlainBody(headers: NodeHeaders): boolean {
	const length = plainText(headers, "content-length", PLAIN_LENGTH);
	const isShort = length !== null && Number(length) <= QUICK_BODY_BYTES;
	return isShort && plainText(headers, "content-type", PLAIN_TYPE) !== null;
}

/** The value of a header; null if it is missing or has another form. */
function plainText(headers: NodeHeaders, name: string, form: RegExp): string | null {
	const value = headers[name];
	return typeof value === "string" && form.test(value) ? value : null;
}

/** Node's request as the steps of serve.ts see it. */
class PlainRequest {
	readonly method: string;
	readonly path: string;
	readonly raw = NO_WEB_BODY;
	readonly #headers: NodeHeaders;
	readonly #params: Readonly<Record<string, string>>;

	constructor({ headers }: NodeRequest, method: string, path: string, params: Readonly<Record<string, string>>) {
		this.method = method;
		this.path = path;
		this.#headers = headers;
		this.#params = params;
	}

	get url(): string {
		return `http://${String(this.#headers["host"])}${this.path}`;
	}

	header(name: string): string | undefined {
		const value = this.#headers[name.toLowerCase()];
		return typeof value === "string" ? value : undefined;
	}

	param(): unknown {
		return this.#params;
	}
}

/** Bodies are read from Node's request. */
const NO_WEB_BODY = { body: null };

function write(response: NodeResponse, { status, headers, body }: Settled): void {
	if (typeof body !== "string") throw new TypeError("the response on the lean path must be text");
	headers["Content-Length"] = String(Buffer.byteLength(body));
	response.writeHead(status, headers);
	response.end(body);
}

function readOn<Request extends NodeRequest>(request: Request, endBody: (request: Request) => void): void {
	request.resume();
	if (!request.complete) endBody(request);
}
