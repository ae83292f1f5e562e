// The HTTP server's own limits: a response that nobody reads does not wait for ever.
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";

import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection } from "@fanfare/testkit/raw-connection";
import { describe, expect, it, onTestFinished } from "vitest";

import { systemClock } from "./adapters/system/system-clock.ts";
import { UnreadableRequests } from "./api/request/unreadable.ts";
import { ManualClock } from "./core/manual-clock.ts";
import { fetchListener } from "./fetch-listener.ts";
import { HttpServer, type Unreadable } from "./http-server.ts";
import type { RequestLine } from "./ports/log.ts";

const MIB = 1_024 * 1_024;
const UNREAD_MS = 200;

/** A server that answers with `body`. `opened` is the response of the first request, as Node writes it. */
async function serving(
	body: () => string | ReadableStream,
): Promise<{ socket: Socket; opened: Promise<ServerResponse>; lines: RequestLine[] }> {
	const lines: RequestLine[] = [];
	const requests = {
		requestLog: (line: RequestLine) => void lines.push(line),
		clientAddress: () => null,
		makeRequestId: () => "req_1",
	};
	const unreadable = new UnreadableRequests(requests);
	const options = { host: "127.0.0.1", port: 0, maxConnections: 100, refused: () => {}, unreadMs: UNREAD_MS };
	const http = await HttpServer.listen(options, unreadable, systemClock);
	onTestFinished(() => http.close());
	const { promise: opened, resolve } = Promise.withResolvers<ServerResponse>();
	const listener = fetchListener(() => new Response(body()), unreadable);
	http.handle((request, response, endBody) => {
		resolve(response);
		return listener(request, response, endBody);
	});
	const socket = connect(Number(new URL(http.url).port), "127.0.0.1");
	socket.on("error", () => undefined);
	onTestFinished(() => void socket.destroy());
	return { socket, opened, lines };
}

it("closes the connection of a client that reads nothing of its response", async () => {
	const { socket, opened } = await serving(() => "x".repeat(100 * MIB));
	socket.pause();
	socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
	const response = await opened;
	await once(response, "close");
	expect(response.writableFinished).toBe(false);
});

it("responds after a stop has begun to a call that waits for other processes, for as long as that may take", async () => {
	const clock = new ManualClock();
	const drop = (socket: Socket) => void socket.destroy();
	const options = { host: "127.0.0.1", port: 0, maxConnections: 100, refused: () => {} };
	const http = await HttpServer.listen(options, { refuse: drop, drop }, clock);
	const { promise: called, resolve } = Promise.withResolvers<ServerResponse>();
	http.handle((_request, response) => resolve(response));
	const socket = connect(http.port, "127.0.0.1");
	socket.on("error", () => undefined);
	socket.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
	let text = "";
	socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
	const response = await called;
	const closed = http.close();
	clock.advance(5_000);
	response.end("changed");
	await once(socket, "close");
	expect(text).toContain("changed");
	await closed;
});

it("goes on with a response that still has nothing to read, and with its connection", async () => {
	const looked = Promise.withResolvers<void>();
	const stream = new ReadableStream({
		async start(controller) {
			controller.enqueue(Buffer.from("first"));
			await looked.promise;
			controller.enqueue(Buffer.from("second"));
			controller.close();
		},
	});
	const { socket, opened } = await serving(() => stream);
	socket.write("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
	const response = await opened;
	let looks = 0;
	// For so long, nothing has happened on the connection: the server has looked whether somebody works on the response.
	response.socket?.on("timeout", () => {
		if (++looks === 3) looked.resolve();
	});
	let text = "";
	socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
	await once(socket, "close");
	expect(text).toContain("first");
	expect(text).toContain("second");
});

it("closes the connection of a client that sends request after request and waits for no response", async () => {
	let requests = 0;
	const { socket, lines } = await serving(() => {
		requests++;
		return new ReadableStream({ start: () => undefined });
	});
	const closed = once(socket, "close");
	socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(100));
	// The start of the first response has come. A socket whose bytes nobody reads would not tell that it was closed.
	await once(socket.resume(), "data");
	// In one piece, which Node parses as a whole.
	socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(1_400));
	await closed;
	// The others waited for these.
	expect(requests).toBe(16);
	expect(lines).toMatchObject([{ status: 503, code: "overloaded", reason: expect.stringContaining("256") as string }]);
});

it("serves any number of requests on a connection, one after the other", async () => {
	const { socket } = await serving(() => "x");
	let responses = 0;
	const all = new Promise<void>((resolve, reject) => {
		socket.once("close", () => reject(new Error(`the connection was closed after ${responses} responses`)));
		socket.setEncoding("utf8").on("data", (text: string) => {
			responses += text.split("HTTP/1.1 200").length - 1;
			if (responses === 600) resolve();
			else if (responses % 100 === 0) socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(100));
		});
	});
	socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(100));
	await all;
});

describe("what can't be read", () => {
	/** A server that answers no request. `refused` are the sockets on which something could not be read, and whether they were answered before. */
	async function silent() {
		const refused: { readonly socket: Socket; readonly isAnswered: boolean }[] = [];
		const unreadable: Unreadable = {
			refuse: (socket, _code, isAnswered) => void refused.push({ socket, isAnswered }),
			drop: (socket) => void socket.destroy(),
		};
		const options = { host: "127.0.0.1", port: 0, maxConnections: 100, refused: () => {} };
		const http = await HttpServer.listen(options, unreadable, systemClock);
		const paths: (string | undefined)[] = [];
		http.handle(({ url }) => paths.push(url));
		const connection = new RawConnection(http.port);
		onTestFinished(async () => {
			connection[Symbol.dispose]();
			for (const { socket } of refused) socket.destroy();
			await http.close();
		});
		return { connection, refused, paths };
	}

	const TUNNEL = "CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n";
	const WONDERS = "GET /wonders HTTP/1.1\r\nhost: a\r\nexpect: wonders\r\n\r\n";

	it.each([
		["a tunnel", TUNNEL],
		["an expectation", WONDERS],
		["garbage", "GARBAGE\r\n\r\n"],
	])("is no response to what came before: %s", async (_what, bytes) => {
		const { connection, refused, paths } = await silent();
		await connection.write(`GET /first HTTP/1.1\r\nhost: a\r\n\r\n${bytes}`);
		await eventually("the refusal", () => refused.length > 0);
		expect([paths, refused.map(({ isAnswered }) => isAnswered)]).toEqual([["/first"], [true]]);
	});

	it("is refused once, and nothing behind it is served", async () => {
		const { connection, refused, paths } = await silent();
		await connection.write(`${WONDERS}${WONDERS}GET /behind HTTP/1.1\r\nhost: a\r\n\r\n${TUNNEL}`);
		await eventually("the refusal", () => refused.length > 0);
		expect([paths, refused.map(({ isAnswered }) => isAnswered)]).toEqual([[], [false]]);
	});

	it("does not end the process if its connection fails then", async () => {
		const { connection, refused } = await silent();
		await connection.write(TUNNEL);
		await eventually("the refusal", () => refused.length > 0);
		expect(refused[0]?.socket.listenerCount("error")).toBeGreaterThan(0);
	});
});

describe("headers", () => {
	it("may be two hundred, and all of them are read", async () => {
		const { socket, opened } = await serving(() => "x");
		socket.write(`GET / HTTP/1.1\r\nhost: a\r\n${"a: b\r\n".repeat(198)}last: c\r\n\r\n`);
		const { req } = await opened;
		expect(req.headers["last"]).toBe("c");
	});

	it("are refused if they are more, and the connection is closed", async () => {
		const { socket } = await serving(() => "x");
		let text = "";
		socket.setEncoding("utf8").on("data", (more: string) => (text += more));
		socket.write(`GET / HTTP/1.1\r\nhost: a\r\n${"a: b\r\n".repeat(200)}\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n`);
		await once(socket, "close");
		expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 431"]);
		expect(text).toContain("headers_too_large");
	});
});
