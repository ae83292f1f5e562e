// The lean path: plain sends go from Node's request to Node's response without Hono and web requests between them. What happens
// on the way is in serve.ts, as for every other call; this file only decides which requests may take it. All others go to the app,
// and nothing of them was read by then.
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
export interface NodeResponse {
	readonly destroyed: boolean;
	writeHead(status: number, headers: Record<string, string>): unknown;
	end(text: string): unknown;
	once(event: "finish", listener: () => void): unknown;
	destroy(error?: Error): unknown;
}

type NodeHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

const PROJECT = "/projects/{projectId}";
const SENDS: ReadonlySet<string> = new Set([`${PROJECT}/events`, `${PROJECT}/events:batch`]);
/** Nothing in it can be written in another way: no escapes, no query. */
const SEND_PATH = /^\/projects\/(proj_[0-9a-f]{32})(\/events(?::batch)?)$/;
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

/** Responds to the sends that are plain. */
export class LeanPath {
	readonly #deps: AppDeps;
	readonly #shared: SharedLimits;
	/** By the part of the path after the project. */
	readonly #routes: ReadonlyMap<string, Route>;

	/** `deps` and `shared` are those of the app, since both serve the same clients. */
	constructor(routes: readonly Route[], deps: AppDeps, shared: SharedLimits) {
		this.#deps = deps;
		this.#shared = shared;
		const sends = routes.filter(({ method, path }) => method === "post" && SENDS.has(path));
		this.#routes = new Map(sends.map((route) => [route.path.slice(PROJECT.length), route]));
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
		if (request.method !== "POST" || request.url === undefined) return false;
		const [path, projectId = "", action = ""] = SEND_PATH.exec(request.url) ?? [];
		const route = this.#routes.get(action);
		if (path === undefined || route === undefined || !isPlain(request)) return false;
		const context = { env: { incoming: request, outgoing: response }, req: new PlainRequest(request, path, projectId) };
		void this.#answer(context, route, request, response, endBody);
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
			// Else the client is gone.
			if (!response.destroyed) write(response, settled);
			// A refusal can come before the body was read. Its rest must not stay in the connection.
			if (!request.readableEnded) response.once("finish", () => readOn(request, endBody));
		} catch (error) {
			// Nothing above fails. If it did, the client would learn it as it does when the server crashes.
			response.destroy(error instanceof Error ? error : undefined);
		}
	}
}

/** Whether all that a request says beside its body is what most senders say, in the usual form. */
function isPlain({ httpVersion, headers, rawHeaders }: NodeRequest): boolean {
	if (httpVersion !== "1.1") return false;
	// Node and the Fetch standard join headers that are sent twice in different ways.
	if (Object.keys(headers).length * 2 !== rawHeaders.length) return false;
	for (const name of UNUSUAL) if (headers[name] !== undefined) return false;
	const length = plainText(headers, "content-length", PLAIN_LENGTH);
	return (
		length !== null &&
		Number(length) <= QUICK_BODY_BYTES &&
		plainText(headers, "host", PLAIN_HOST) !== null &&
		plainText(headers, "content-type", PLAIN_TYPE) !== null &&
		(headers["authorization"] !== undefined || headers["secret-key"] !== undefined)
	);
}

/** The value of a header; null if it is missing or has another form. */
function plainText(headers: NodeHeaders, name: string, form: RegExp): string | null {
	const value = headers[name];
	return typeof value === "string" && form.test(value) ? value : null;
}

/** Node's request as the steps of serve.ts see it. */
class PlainRequest {
	readonly method = "POST";
	readonly path: string;
	readonly raw = NO_WEB_BODY;
	readonly #headers: NodeHeaders;
	readonly #projectId: string;

	constructor({ headers }: NodeRequest, path: string, projectId: string) {
		this.path = path;
		this.#headers = headers;
		this.#projectId = projectId;
	}

	get url(): string {
		return `http://${String(this.#headers["host"])}${this.path}`;
	}

	header(name: string): string | undefined {
		const value = this.#headers[name.toLowerCase()];
		return typeof value === "string" ? value : undefined;
	}

	param(): unknown {
		return { projectId: this.#projectId };
	}
}

/** Bodies are read from Node's request. */
const NO_WEB_BODY = { body: null };

function write(response: NodeResponse, { status, headers, body }: Settled): void {
	if (typeof body !== "string") throw new TypeError("the response to a send must be text");
	headers["Content-Length"] = String(Buffer.byteLength(body));
	response.writeHead(status, headers);
	response.end(body);
}

function readOn<Request extends NodeRequest>(request: Request, endBody: (request: Request) => void): void {
	request.resume();
	if (!request.complete) endBody(request);
}
