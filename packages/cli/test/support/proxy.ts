// A proxy in front of a server, which answers some requests itself, as one does that has a bad moment.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export interface Proxy extends AsyncDisposable {
	readonly url: string;
	/** Resolves when no request is under way. */
	idle(): Promise<void>;
}

/**
 * `answer` says with which status a request is answered here; null for the server's own answer. `isLost` is called with the body of each
 * PATCH and PUT, when the server has answered it, and says whether the client gets no answer. `before` is waited for before each of them.
 */
export async function startProxy(
	target: string,
	answer: (url: string) => number | null,
	isLost: (body: unknown) => boolean = () => false,
	before: () => Promise<void> = () => Promise.resolve(),
): Promise<Proxy> {
	let underWay = 0;
	let idle: (() => void)[] = [];
	const server = createServer((request, response) => {
		underWay++;
		response.once("close", () => {
			underWay--;
			if (underWay > 0) return;
			for (const tell of idle) tell();
			idle = [];
		});
		const status = answer(request.url ?? "");
		if (status !== null) {
			response.writeHead(status, { "content-type": "application/json" }).end('{"message":"a bad moment"}');
			return;
		}
		void pass(request, response, target, { isLost, before });
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		idle: () => (underWay === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve))),
		async [Symbol.asyncDispose]() {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

/** Gives a request to the server, and its answer back. */
async function pass(
	request: IncomingMessage,
	response: ServerResponse,
	target: string,
	{ isLost, before }: { readonly isLost: (body: unknown) => boolean; readonly before: () => Promise<void> },
): Promise<void> {
	const { method = "GET", url = "" } = request;
	const { host: _host, connection: _connection, "content-length": _length, ...headers } = request.headers;
	try {
		const isChange = method === "PATCH" || method === "PUT";
		const body = await buffer(request);
		if (isChange) await before();
		const sent = { method, headers: headers as Record<string, string>, ...(body.length > 0 && { body }) };
		const answered = await fetch(`${target}${url}`, sent);
		const type = answered.headers.get("content-type") ?? "application/json";
		const content = Buffer.from(await answered.arrayBuffer());
		if (isChange && isLost(JSON.parse(body.toString()))) request.socket.destroy();
		else response.writeHead(answered.status, { "content-type": type }).end(content);
	} catch {
		response.destroy();
	}
}
