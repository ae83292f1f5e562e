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
/** They belong to one connection, not to the request. Node writes those that the next connection needs. */
const OF_CONNECTION = new Set(["connection", "keep-alive", "proxy-connection", ORIGIN_HEADER]);

/** The way to the main thread's server. */
export interface MainServer {
	readonly port: number;
	readonly token: string;
	readonly agent: Agent;
}

/**
 * Passes a request on of which nothing was read. Both sides wait for each other, so no more of a body is in memory than the connections hold.
 * `endBody` is called if the response was written before the whole request has arrived.
 */
export function passOn(
	request: IncomingMessage,
	response: ServerResponse,
	{ port, token, agent }: MainServer,
	endBody: (request: IncomingMessage) => void,
): void {
	// The client is gone already. Nothing would ever end the request to the main thread, and its connection is one of a bounded number.
	if (request.destroyed || response.destroyed) return;
	const onward = httpRequest({
		host: "127.0.0.1",
		port,
		agent,
		method: request.method ?? "GET",
		path: request.url ?? "/",
		setHost: false,
		headers: [
			...endToEnd(request.rawHeaders),
			...missing(request),
			ORIGIN_HEADER,
			`${token} ${request.socket.remoteAddress ?? ""}`,
		],
	});
	onward.on("response", (answer) => passBack(answer, response));
	// The main thread has given the request up, or has ended.
	onward.on("error", () => {
		if (!response.writableEnded) response.destroy();
	});
	response.once("close", () => {
		if (!response.writableFinished) onward.destroy();
	});
	response.once("finish", () => readOn(request, onward, endBody));
	request.on("error", () => onward.destroy());
	request.pipe(onward);
}

function passBack(answer: IncomingMessage, response: ServerResponse): void {
	const headers = endToEnd(answer.rawHeaders);
	if (answer.headers.connection === "close") headers.push("Connection", "close");
	response.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers);
	// The length of a stream is not known: its reader waits for the head.
	if (answer.headers["content-length"] === undefined) response.flushHeaders();
	answer.on("error", () => response.destroy());
	answer.pipe(response);
}

/** The rest of a body that nobody has read must not stay in the connection. */
function readOn(request: IncomingMessage, onward: ClientRequest, endBody: (request: IncomingMessage) => void): void {
	if (request.readableEnded) return;
	request.unpipe(onward);
	onward.destroy();
	request.resume();
	if (!request.complete) endBody(request);
}

/** Names and values, one after the other, without those that belong to one connection. */
function endToEnd(rawHeaders: readonly string[]): string[] {
	const kept: string[] = [];
	for (let at = 0; at < rawHeaders.length; at += 2) {
		const name = rawHeaders[at] ?? "";
		const isKept = !OF_CONNECTION.has(name.toLowerCase());
		if (isKept) kept.push(name, rawHeaders[at + 1] ?? "");
	}
	return kept;
}

/** What the request must have on its way, although the client has not written it. */
function missing({ httpVersion, method, headers, rawHeaders }: IncomingMessage): string[] {
	const added: string[] = [];
	const hasHost = rawHeaders.some((name, at) => at % 2 === 0 && name.toLowerCase() === "host");
	if (httpVersion === "1.0" && !hasHost) added.push("Host", headers.host ?? "localhost");
	// Node would write a body in chunks.
	const hasLength = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
	if (!hasLength && method !== "GET" && method !== "HEAD") added.push("Content-Length", "0");
	return added;
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
