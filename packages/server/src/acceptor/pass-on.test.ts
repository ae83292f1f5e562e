// Passes requests on to a server of another thread, which is this one here: the messages go through a port.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { MessageChannel } from "node:worker_threads";

import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection } from "@fanfare/testkit/raw-connection";
import { describe, expect, it, onTestFinished } from "vitest";

import { systemClock } from "../adapters/system/system-clock.ts";
import { UnreadableRequests } from "../api/request/unreadable.ts";
import { HttpServer } from "../http-server.ts";
import { Links, type Link, type LinkMessage } from "./links.ts";
import { OnwardAgent, passOn } from "./pass-on.ts";

const requests = { requestLog: () => {}, clientAddress: () => null, makeRequestId: () => "req_1" };
const unreadable = () => new UnreadableRequests(requests);

/** Serves like the main thread. Returns the way to it, and the links of both sides. */
function mainThread(handle: (request: IncomingMessage, response: ServerResponse) => unknown) {
	const { port1, port2 } = new MessageChannel();
	const http = HttpServer.forGiven(
		{ requestTimeoutMs: 0, unreadMs: 0, maxHeaderBytes: 32_768 },
		unreadable(),
		systemClock,
	);
	http.handle(handle);
	const there = new Links(
		(message, transferred) => port2.postMessage(message, transferred),
		(link) => http.take(link),
	);
	const here = new Links((message, transferred) => port1.postMessage(message, transferred));
	port1.on("message", (message: LinkMessage) => here.receive(message));
	port2.on("message", (message: LinkMessage) => there.receive(message));
	onTestFinished(() => {
		here.close();
		port1.close();
	});
	return { agent: new OnwardAgent(here), here, there };
}

it("makes no request for a client that is gone, whose body would never end", async () => {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	const client = connect(port, "127.0.0.1");
	client.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345");
	const [request, response] = (await once(server, "request")) as [IncomingMessage, ServerResponse];
	client.resetAndDestroy();
	await once(response, "close");
	const { agent, here } = mainThread(() => {});
	passOn(request, response, agent, { endBody: () => {}, refuse: () => {} });
	expect([Object.keys(agent.sockets), Object.keys(agent.requests), here.size]).toEqual([[], [], 0]);
	server.close();
});

it("gives the next request another link while a body waits in one, so that none waits for a link, also of a client that goes", async () => {
	const told: LinkMessage[] = [];
	const of = <K extends LinkMessage["kind"]>(kind: K) =>
		told.filter((message): message is Extract<LinkMessage, { kind: K }> => message.kind === kind);
	const sent = () => of("linkBytes").reduce((sum, { bytes }) => sum + bytes.length, 0);
	// Nobody reads on the other side.
	const links = new Links((message) => told.push(message));
	const agent = new OnwardAgent(links);
	const requests: IncomingMessage[] = [];
	const address = { host: "127.0.0.1", port: 0, maxConnections: 100, refused: () => {} };
	const front = await HttpServer.listen(address, unreadable(), systemClock);
	onTestFinished(() => front.close());
	front.handle((request, response, endBody) => {
		requests.push(request);
		passOn(request, response, agent, { endBody, refuse: () => {} });
	});
	using connection = new RawConnection(front.port);
	const answer = (link: number, body: string) => {
		const bytes = new TextEncoder().encode(`HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${body}`);
		links.receive({ kind: "linkBytes", link, bytes });
	};
	const half = "a".repeat(12_000);
	await connection.write(`POST /first HTTP/1.1\r\nhost: a\r\ncontent-length: 24000\r\n\r\n${half}`);
	await eventually("a half of the body to be sent", () => sent() > half.length);
	await connection.write(`${half}GET /second HTTP/1.1\r\nhost: a\r\n\r\n`);
	await eventually(
		"all of it to be read, and a part to wait",
		() => requests[0]?.readableEnded && requests.length === 2,
	);
	answer(1, "1");
	expect((await connection.answer()).body).toBe("1");
	await eventually("another link in the place of the first", () => of("linkOpened").length === 2);
	expect(of("linkClosed").map(({ link }) => link)).toEqual([1]);
	answer(2, "2");
	expect((await connection.answer()).body).toBe("2");
	connection[Symbol.dispose]();
	await eventually("no link to be open", () => links.size === 0);
	expect(of("linkOpened")).toHaveLength(2);
});

describe("passes a request on", () => {
	/** A server that passes all requests on to one that `handle` serves, and a connection to it. `refused` are the paths of those that it could not pass on, `sockets` the clients' connections. */
	async function passing(handle: (request: IncomingMessage, response: ServerResponse) => unknown) {
		const { agent, here, there } = mainThread(handle);
		const refused: (string | undefined)[] = [];
		const refuse = ({ url, socket }: IncomingMessage) => {
			refused.push(url);
			socket.destroy();
		};
		const address = { host: "127.0.0.1", port: 0, maxConnections: 100, refused: () => {} };
		const front = await HttpServer.listen(address, unreadable(), systemClock);
		onTestFinished(() => front.close());
		const sockets: Socket[] = [];
		front.handle((request, response, endBody) => {
			sockets.push(request.socket);
			// Some versions of Node read such a path.
			if (request.url === "/tab") request.url = "/\t";
			passOn(request, response, agent, { endBody, refuse });
		});
		const connection = new RawConnection(front.port);
		onTestFinished(() => connection[Symbol.dispose]());
		return { connection, refused, here, there, front, sockets };
	}

	async function bodyOf(request: IncomingMessage): Promise<string> {
		let text = "";
		for await (const chunk of request.setEncoding("latin1")) text += chunk as string;
		return text;
	}

	it("whose body looks like a request, and whose length is behind as many headers as there may be", async () => {
		const seen: [string | undefined, string][] = [];
		const { connection } = await passing(async (request, response) => {
			seen.push([request.url, await bodyOf(request)]);
			response.writeHead(200, { "content-length": "0" }).end();
		});
		const body = `POST /hidden HTTP/1.1\r\nhost: b\r\nx: `;
		const headers = `${"a: b\r\n".repeat(180)}content-length: ${body.length}\r\n`;
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

	it("on one link for each connection of a client, with its address, as long as it lasts", async () => {
		const links = new Set<unknown>();
		const { connection, here, there, front } = await passing(({ socket }, response) => {
			links.add(socket);
			response.end(socket.remoteAddress);
		});
		for (let n = 0; n < 12; n++) {
			await connection.request("GET", "/", {});
			expect((await connection.answer()).body).toBe("127.0.0.1");
		}
		expect(links.size).toBe(1);
		// Nothing is left of the requests before.
		expect(here.size === 1 && [...links].every((link) => (link as Link).listenerCount("error") < 5)).toBe(true);
		using other = new RawConnection(front.port);
		await other.request("GET", "/", {});
		await other.answer();
		expect([links.size, here.size, there.size]).toEqual([2, 2, 2]);
		connection[Symbol.dispose]();
		await eventually("its link to be closed", () => here.size === 1 && there.size === 1);
	});

	it("and ends the request there when the client is gone", async () => {
		const ended = Promise.withResolvers<void>();
		const { connection } = await passing((_request, response) => {
			response.once("close", ended.resolve);
			response.write("first");
		});
		await connection.request("GET", "/", {});
		await eventually("the response to begin", () => connection.unread.includes("first"));
		connection[Symbol.dispose]();
		await ended.promise;
	});

	it("and closes the connection of a client that reads nothing as soon as the response is given up there", async () => {
		const responding = Promise.withResolvers<ServerResponse>();
		const { connection, front, sockets } = await passing((_request, response) => {
			// More than the system keeps for a connection.
			response.write(Buffer.alloc(64 * 1_024 * 1_024));
			responding.resolve(response);
		});
		connection.pause();
		await connection.request("GET", "/", {});
		const response = await responding.promise;
		await eventually("the connection to be full", () => sockets[0]?.writableNeedDrain === true);
		response.destroy();
		await eventually("the connection to be closed", () => front.connections === 0);
	});
});
