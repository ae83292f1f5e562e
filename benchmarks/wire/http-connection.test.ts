// The generator's connection: what happens when the server closes it.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { afterEach, describe, expect, it } from "vitest";

import { HttpConnection } from "./http-connection.ts";

const POST = Buffer.from("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n");
const servers: Server[] = [];
afterEach(() => {
	for (const server of servers.splice(0)) {
		server.close();
		server.closeAllConnections();
	}
});

async function listen(server: Server): Promise<string> {
	servers.push(server);
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("a connection of the generator", () => {
	it("is opened again for the next request if the server has closed it while it was idle", async () => {
		const server = createServer((request, response) => {
			request.resume();
			response.writeHead(202, { "content-length": 2 }).end("ok");
		});
		using connection = await HttpConnection.open(await listen(server));
		expect(await connection.request(POST)).toBe(202);
		server.closeIdleConnections();
		await expect.poll(() => connection.isClosed).toBe(true);
		expect(await connection.request(POST)).toBe(202);
		expect(await connection.request(POST)).toBe(202);
	});

	it("fails a request that the server closes it on", async () => {
		const server = createServer((request) => request.socket.destroy());
		using connection = await HttpConnection.open(await listen(server));
		await expect(connection.request(POST)).rejects.toThrow("the server closed the connection");
	});

	it("can't be opened where nobody listens", async () => {
		const server = createServer();
		const url = await listen(server);
		server.close();
		await once(server, "close");
		await expect(HttpConnection.open(url)).rejects.toThrow("ECONNREFUSED");
	});
});
