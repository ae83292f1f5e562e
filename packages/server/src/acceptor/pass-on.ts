// Passes a request on to the main thread's own server, with the address of the client, and its response back to the client.
import { timingSafeEqual } from "node:crypto";
import {
	request as httpRequest,
	type Agent,
	type ClientRequest,
	type IncomingMessage,
	type ServerResponse,
} from "node:http";

/** The header that tells the main thread from where the thread has got a request: the token, and the client's address if it is known. */
const ORIGIN_HEADER = "fanfare-accepted-from";
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
const OF_THREAD: ReadonlySet<string> = new Set([...OF_CONNECTION, "content-length", "expect", ORIGIN_HEADER]);

/** The way to the main thread's server. */
export interface MainServer {
	readonly port: number;
	readonly token: string;
	readonly agent: Agent;
}

/** What happens with a request besides. */
interface Ends {
	/** Called if the response was written before the whole request has arrived. */
	readonly endBody: (request: IncomingMessage) => void;
	/** Called for a request that can't be passed on. */
	readonly refuse: (request: IncomingMessage) => void;
}

/**
 * Passes a request on of which nothing was read, when it is its turn to be answered: a client has one connection to the main thread at a time, however many
 * requests it sends before it reads a response, so there are as many as clients have. Both sides wait for each other, so no more of a body is in memory
 * than the connections hold.
 */
export function passOn(request: IncomingMessage, response: ServerResponse, main: MainServer, ends: Ends): void {
	if (response.socket === null) return void response.once("socket", () => passOn(request, response, main, ends));
	// The client is gone already. Nothing would ever end the request to the main thread, and its connection is one of a bounded number.
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
function requestOnward(request: IncomingMessage, { port, token, agent }: MainServer): ClientRequest | null {
	const { method = "GET", url: path = "/" } = request;
	const headers = [ORIGIN_HEADER, `${token} ${request.socket.remoteAddress ?? ""}`];
	headers.push(...endToEnd(request.rawHeaders, OF_THREAD), ...missing(request), ...framing(request));
	try {
		return httpRequest({ host: "127.0.0.1", port, agent, method, path, setHost: false, headers });
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

/** The rest of a body that nobody has read must not stay in the connection. */
function readOn(request: IncomingMessage, onward: ClientRequest, { endBody }: Ends): void {
	if (request.readableEnded) return;
	request.unpipe(onward);
	onward.destroy();
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

/**
 * The main thread's side: takes the header off a request, whose connection has the client's address from then on. False if the request does not
 * come from the thread.
 */
export function takeOrigin(request: IncomingMessage, token: string): boolean {
	const { headers, rawHeaders, socket } = request;
	const value = headers[ORIGIN_HEADER];
	if (typeof value !== "string") return false;
	const [given = "", address = ""] = value.split(" ");
	if (!isSame(given, token)) return false;
	delete headers[ORIGIN_HEADER];
	const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === ORIGIN_HEADER);
	rawHeaders.splice(at, 2);
	Object.defineProperty(socket, "remoteAddress", { value: address === "" ? undefined : address, configurable: true });
	return true;
}

function isSame(given: string, token: string): boolean {
	const [a, b] = [Buffer.from(given), Buffer.from(token)];
	return a.length === b.length && timingSafeEqual(a, b);
}
