// The lean path: plain sends, and the streams and answers of relays' clients, go from Node's request to Node's response without Hono and
// web requests between them. What happens on the way is in serve.ts, as for every other call; this file only decides which requests may
// take it. All others go to the app, and nothing of them was read by then.
import type { AppDeps } from "../../deps.ts";
import type { Route } from "../route.ts";
import { answerRoute, settle, type RequestContext, type Settled, type SharedLimits } from "../serve.ts";
import { ServerSentEvents, type NodeStreamResponse } from "../server-sent-events.ts";
import { calledBy, CALLS, isPlain, PROJECT, type NodeHeaders, type NodeRequest } from "./plain-request.ts";

/** The part of Node's `ServerResponse` that is used here. */
export interface NodeResponse extends NodeStreamResponse {
	end(text?: string): unknown;
	once(event: "close" | "drain" | "finish", listener: () => void): unknown;
}

/** A plain send, with its whole body. */
export interface ReadSend {
	readonly path: string;
	readonly headers: Readonly<Record<string, string>>;
	readonly remoteAddress: string | undefined;
	readonly body: Uint8Array;
}

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

	/** Answers a plain send that another thread has read. Null if its connection is to be closed without a response. Never rejects. */
	async answer({ path, headers, remoteAddress, body }: ReadSend): Promise<Settled | null> {
		const called = calledBy("POST", path);
		const route = called === null ? undefined : this.#routes.get(called.name);
		if (called === null || route === undefined) throw new TypeError("the path must be that of a plain send");
		const req = new PlainRequest({ headers }, "POST", path, called.params);
		let isDropped = false;
		const peer = { remoteAddress, destroy: () => (isDropped = true) };
		const context = { env: { peer, body }, req };
		const settled = await settle(context, this.#deps, route, (progress) =>
			answerRoute(context, this.#deps, this.#shared, route, progress),
		);
		return isDropped ? null : settled;
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

/** Node's request as the steps of serve.ts see it. */
class PlainRequest {
	readonly method: string;
	readonly path: string;
	readonly raw = NO_WEB_BODY;
	readonly #headers: NodeHeaders;
	readonly #params: Readonly<Record<string, string>>;

	constructor(
		{ headers }: Pick<NodeRequest, "headers">,
		method: string,
		path: string,
		params: Readonly<Record<string, string>>,
	) {
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
