// Passes a request on to the main thread's own server, and its response back to the client.
import {
	Agent,
	request as httpRequest,
	type ClientRequest,
	type IncomingMessage,
	type RequestOptions,
	type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";

import type { Link, Links } from "./links.ts";

/** They belong to one connection, not to the request or response. Node writes those that the next connection needs. */
const OF_CONNECTION: ReadonlySet<string> = new Set([
	"connection",
	"keep-alive",
	"proxy-connection",
	"trailer",
	"transfer-encoding",
	"upgrade",
]);
/** What is written anew, and an expectation, to which the thread has responded already. */
const OF_THREAD: ReadonlySet<string> = new Set([...OF_CONNECTION, "content-length", "expect"]);

/** What a request is made with that goes on for a client. */
interface OnwardOptions extends RequestOptions {
	readonly client: Socket;
}

/**
 * The way to the main thread's server: each connection of a client has a link of its own, as long as it lasts, so that server sees the
 * client's connection as if it were its own. A request never waits for a link: Node would open one after another for a request that waits and whose client
 * is gone, without end.
 */
export class OnwardAgent extends Agent {
	readonly #links: Pick<Links, "open">;
	readonly #names = new WeakMap<Socket, string>();
	#lastName = 0;

	constructor(links: Pick<Links, "open">) {
		super({ keepAlive: true, maxFreeSockets: 1 });
		this.#links = links;
	}

	/** Links are kept, and counted, by this name. */
	override getName(options?: object): string {
		const { client } = options as OnwardOptions;
		let name = this.#names.get(client);
		if (name === undefined) this.#names.set(client, (name = String(++this.#lastName)));
		return name;
	}

	override createConnection(options: object): Link {
		const { client } = options as OnwardOptions;
		const link = this.#links.open(client.remoteAddress);
		const end = () => link.destroy();
		if (client.destroyed) end();
		client.once("close", end);
		link.once("close", () => client.off("close", end));
		return link;
	}

	/** Node would set what only sockets have. */
	override keepSocketAlive(): true {
		return true;
	}
}

/** What happens with a request besides. */
interface Ends {
	/** Called if the response was written before the whole request has arrived. */
	readonly endBody: (request: IncomingMessage) => void;
	/** Called for a request that can't be passed on. */
	readonly refuse: (request: IncomingMessage) => void;
}

/**
 * Passes a request on of which nothing was read, when it is its turn to be answered: however many requests a client sends before it reads a response, one is
 * at the main thread at a time. Both sides wait for each other, so no more of a body is in memory than the connections hold.
 */
export function passOn(request: IncomingMessage, response: ServerResponse, main: OnwardAgent, ends: Ends): void {
	if (response.socket === null) return void response.once("socket", () => passOn(request, response, main, ends));
	// The client is gone already. Nothing would ever end the request to the main thread.
	if (request.destroyed || response.destroyed) return;
	const onward = requestOnward(request, main);
	if (onward === null) return ends.refuse(request);
	onward.on("response", (answer) => passBack(answer, response));
	// The main thread has given the request up, or has ended.
	onward.on("error", () => {
		if (!response.writableEnded) response.destroy();
	});
	response.once("close", () => {
		if (!response.writableFinished) onward.destroy();
	});
	response.once("finish", () => readOn(request, onward, ends));
	request.on("error", () => onward.destroy());
	if (hasBody(request)) return void request.pipe(onward);
	request.resume();
	onward.end();
}

/** Null for a request that Node has read and refuses to write: some versions read more characters than they write. */
function requestOnward(request: IncomingMessage, agent: OnwardAgent): ClientRequest | null {
	const { method = "GET", url: path = "/", socket: client } = request;
	const headers = [...endToEnd(request.rawHeaders, OF_THREAD), ...missing(request), ...framing(request)];
	const options: OnwardOptions = { agent, client, method, path, setHost: false, headers };
	try {
		return httpRequest(options);
	} catch {
		return null;
	}
}

function passBack(answer: IncomingMessage, response: ServerResponse): void {
	const headers = endToEnd(answer.rawHeaders, OF_CONNECTION);
	if (answer.headers.connection === "close") headers.push("Connection", "close");
	response.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers);
	// The length of a stream is not known: its reader waits for the head.
	if (answer.headers["content-length"] === undefined) response.flushHeaders();
	answer.on("error", () => response.destroy());
	answer.pipe(response);
}

/** The rest of a body that nobody has read must not stay in the connection, or in the link, which the next request does not wait for. */
function readOn(request: IncomingMessage, onward: ClientRequest, { endBody }: Ends): void {
	if (onward.writableFinished) return;
	request.unpipe(onward);
	onward.destroy();
	if (request.readableEnded) return;
	request.resume();
	if (!request.complete) endBody(request);
}

/** Names and values, one after the other, without those with these names. */
function endToEnd(rawHeaders: readonly string[], without: ReadonlySet<string>): string[] {
	const kept: string[] = [];
	for (let at = 0; at < rawHeaders.length; at += 2) {
		const name = rawHeaders[at] ?? "";
		if (!without.has(name.toLowerCase())) kept.push(name, rawHeaders[at + 1] ?? "");
	}
	return kept;
}

/** The header that a request must have on its way, although a client of HTTP/1.0 has not written it. */
function missing({ httpVersion, headers, rawHeaders }: IncomingMessage): string[] {
	const hasHost = rawHeaders.some((name, at) => at % 2 === 0 && name.toLowerCase() === "host");
	return httpVersion === "1.0" && !hasHost ? ["Host", headers.host ?? "localhost"] : [];
}

/** Where the body ends, as Node has read it: both sides must never see two requests in one. */
function framing({ method, headers }: IncomingMessage): string[] {
	if (headers["transfer-encoding"] !== undefined) return ["Transfer-Encoding", "chunked"];
	if (headers["content-length"] !== undefined) return ["Content-Length", headers["content-length"]];
	// Node would write a body in chunks.
	return method === "GET" || method === "HEAD" ? [] : ["Content-Length", "0"];
}

function hasBody({ headers }: IncomingMessage): boolean {
	return headers["transfer-encoding"] !== undefined || headers["content-length"] !== undefined;
}
