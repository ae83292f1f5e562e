// What the main thread's own server takes: only what the thread passes on, with the address of the client.
import { once } from "node:events";
import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";

import { expect, it, onTestFinished } from "vitest";

import { systemClock } from "../adapters/system/system-clock.ts";
import { UnreadableRequests } from "../api/request/unreadable.ts";
import { HttpServer } from "../http-server.ts";
import { passOn, takeOrigin } from "./pass-on.ts";

const TOKEN = "the-token";

/** A server that takes what comes with the token. Returns what it has read of a request; null if it has closed the connection. */
async function serving() {
	const requests = { requestLog: () => {}, clientAddress: () => null, makeRequestId: () => "req_1" };
	const options = {
		host: "127.0.0.1",
		port: 0,
		maxConnections: 100,
		refused: () => {},
		admits: (request: Parameters<typeof takeOrigin>[0]) => takeOrigin(request, TOKEN),
	};
	const http = await HttpServer.listen(options, new UnreadableRequests(requests), systemClock);
	onTestFinished(() => http.close());
	http.handle(({ headers, rawHeaders, socket }, response) =>
		response.end(JSON.stringify({ headers, rawHeaders, address: socket.remoteAddress ?? null })),
	);
	return (headers: Record<string, string>) =>
		new Promise<unknown>((resolve) => {
			const request = httpRequest({ host: "127.0.0.1", port: http.port, headers, agent: false }, (response) => {
				let text = "";
				response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
				response.on("end", () => resolve(JSON.parse(text)));
			});
			request.on("error", () => resolve(null));
			request.end();
		});
}

it("has the address of the client, and not the header that tells it", async () => {
	const ask = await serving();
	const answer = await ask({ "Fanfare-Accepted-From": `${TOKEN} 2001:db8::1`, "x-a": "1" });
	expect(answer).toMatchObject({ address: "2001:db8::1", headers: { "x-a": "1" } });
	expect(JSON.stringify(answer)).not.toMatch(/accepted-from/i);
	expect(await ask({ "fanfare-accepted-from": `${TOKEN} ` })).toMatchObject({ address: null });
});

it("closes the connection of whoever else has found the port", async () => {
	const ask = await serving();
	expect(await ask({})).toBeNull();
	for (const value of ["", "the-tokem 10.0.0.1", `${TOKEN}x 10.0.0.1`, `x${TOKEN} 10.0.0.1`])
		expect(await ask({ "fanfare-accepted-from": value })).toBeNull();
});

it("makes no request for a client that is gone, whose body would never end", async () => {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	const client = connect(port, "127.0.0.1");
	client.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345");
	const [request, response] = (await once(server, "request")) as [IncomingMessage, ServerResponse];
	client.resetAndDestroy();
	await once(response, "close");
	const agent = new Agent({ keepAlive: true });
	passOn(request, response, { port, token: TOKEN, agent }, () => {});
	expect([Object.keys(agent.sockets), Object.keys(agent.requests)]).toEqual([[], []]);
	agent.destroy();
	server.close();
});
