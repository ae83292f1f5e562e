// What the main thread's own server takes: only what the thread passes on, with the address of the client.
import { once } from "node:events";
import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";

import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection } from "@fanfare/testkit/raw-connection";
import { describe, expect, it, onTestFinished } from "vitest";

import { systemClock } from "../adapters/system/system-clock.ts";
import { UnreadableRequests } from "../api/request/unreadable.ts";
import { HttpServer } from "../http-server.ts";
import { passOn, takeOrigin } from "./pass-on.ts";

const TOKEN = "the-token";

const options = { host: "127.0.0.1", port: 0, maxConnections: 100, refused: () => {} };
const admits = (request: IncomingMessage) => takeOrigin(request, TOKEN);

async function listening(more: { readonly admits?: typeof admits } = {}): Promise<HttpServer> {
	const requests = { requestLog: () => {}, clientAddress: () => null, makeRequestId: () => "req_1" };
	const http = await HttpServer.listen({ ...options, ...more }, new UnreadableRequests(requests), systemClock);
	onTestFinished(() => http.close());
	return http;
}

/** A server that takes what comes with the token. Returns what it has read of a request; null if it has closed the connection. */
async function serving() {
	const http = await listening({ admits });
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
	passOn(request, response, { port, token: TOKEN, agent }, { endBody: () => {}, refuse: () => {} });
	expect([Object.keys(agent.sockets), Object.keys(agent.requests)]).toEqual([[], []]);
	agent.destroy();
	server.close();
});

describe("passes a request on", () => {
	/** A server that passes all requests on to one that `handle` serves, and a connection to it. `refused` are the paths of those that it could not pass on. */
	async function passing(handle: (request: IncomingMessage, response: ServerResponse) => unknown) {
		const main = await listening({ admits });
		main.handle(handle);
		const agent = new Agent({ keepAlive: true });
		onTestFinished(() => agent.destroy());
		const refused: (string | undefined)[] = [];
		const refuse = ({ url, socket }: IncomingMessage) => {
			refused.push(url);
			socket.destroy();
		};
		const front = await listening();
		front.handle((request, response, endBody) => {
			// Some versions of Node read such a path.
			if (request.url === "/tab") request.url = "/\t";
			passOn(request, response, { port: main.port, token: TOKEN, agent }, { endBody, refuse });
		});
		const connection = new RawConnection(front.port);
		onTestFinished(() => connection[Symbol.dispose]());
		return { connection, refused };
	}

	async function bodyOf(request: IncomingMessage): Promise<string> {
		let text = "";
		for await (const chunk of request.setEncoding("latin1")) text += chunk as string;
		return text;
	}

	it("whose body looks like a request, and whose length is behind a thousand headers", async () => {
		const seen: [string | undefined, string][] = [];
		const { connection } = await passing(async (request, response) => {
			seen.push([request.url, await bodyOf(request)]);
			response.writeHead(200, { "content-length": "0" }).end();
		});
		const body = `POST /hidden HTTP/1.1\r\nfanfare-accepted-from: ${TOKEN} 10.0.0.1\r\nx: `;
		const headers = `${"a: b\r\n".repeat(1_500)}content-length: ${body.length}\r\n`;
		for (const method of ["POST", "GET"]) {
			await connection.write(`${method} /seen HTTP/1.1\r\nhost: a\r\n${headers}\r\n${body}`);
			expect((await connection.answer()).status).toBe(200);
			await connection.request("PUT", "/next", {});
			expect((await connection.answer()).status).toBe(200);
		}
		expect(seen).toEqual([
			["/seen", body],
			["/next", ""],
			["/seen", body],
			["/next", ""],
		]);
	});

	it.each([
		["a trailer that was announced and is none", "GET", "trailer: x-a\r\n"],
		["a disposition with letters beyond ASCII", "POST", "content-length: 2\r\ncontent-disposition: \xff\r\n"],
		["an expectation of HTTP/1.0", "GET", "expect: wonders\r\n"],
	])("with %s", async (_what, method, headers) => {
		const { connection } = await passing(async (request, response) => {
			const body = await bodyOf(request);
			response.writeHead(200, { "content-length": String(body.length) }).end(body);
		});
		const version = headers.startsWith("expect") ? "1.0" : "1.1";
		const body = method === "POST" ? "{}" : "";
		await connection.write(Buffer.from(`${method} / HTTP/${version}\r\nhost: a\r\n${headers}\r\n${body}`, "latin1"));
		expect(await connection.answer()).toMatchObject({ status: 200, body });
	});

	it("unless Node refuses to write it", async () => {
		const { connection, refused } = await passing((_request, response) => response.end());
		await connection.request("GET", "/tab", {});
		await connection.closed;
		expect(refused).toEqual(["/\t"]);
	});

	it("when those before it on its connection are answered", async () => {
		const waiting: ServerResponse[] = [];
		const { connection } = await passing((request, response) => {
			request.resume();
			waiting.push(response);
		});
		await connection.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(3));
		for (let answered = 0; answered < 3; answered++) {
			await eventually("the next one", () => waiting.length === answered + 1);
			waiting[answered]?.writeHead(200, { "content-length": "1" }).end(String(answered));
			expect((await connection.answer()).body).toBe(String(answered));
		}
	});

	it("and writes the response in no chunks, which a client of HTTP/1.0 does not know", async () => {
		const { connection } = await passing((_request, response) => {
			response.write("first ");
			response.end("second");
		});
		await connection.write("GET / HTTP/1.0\r\n\r\n");
		await connection.closed;
		const [head, body] = connection.unread.split("\r\n\r\n");
		expect([head?.toLowerCase().includes("chunked"), body]).toEqual([false, "first second"]);
	});
});
