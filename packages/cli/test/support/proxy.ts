// A proxy in front of a server, which answers some requests itself, as one does that has a bad moment.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Proxy extends AsyncDisposable {
	readonly url: string;
	/** Resolves when no request is under way. */
	idle(): Promise<void>;
}

/** `answer` says with which status a request is answered here; null for the server's own answer. */
export async function startProxy(target: string, answer: (url: string) => number | null): Promise<Proxy> {
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
		void pass(request, response, target);
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

/** Gives a request without a body to the server, and its answer back. */
async function pass(request: IncomingMessage, response: ServerResponse, target: string): Promise<void> {
	const { host: _host, connection: _connection, ...headers } = request.headers;
	try {
		const answered = await fetch(`${target}${request.url}`, { headers: headers as Record<string, string> });
		const type = answered.headers.get("content-type") ?? "application/json";
		response.writeHead(answered.status, { "content-type": type }).end(Buffer.from(await answered.arrayBuffer()));
	} catch {
		response.destroy();
	}
}
