// The HTTP server's own limits: a response that nobody reads does not wait for ever.
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";

import { expect, it, onTestFinished } from "vitest";

import { systemClock } from "./adapters/system/system-clock.ts";
import { UnreadableRequests } from "./api/request/unreadable.ts";
import { HttpServer } from "./http-server.ts";
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
	http.serve((_request, bindings) => {
		resolve(bindings.outgoing as ServerResponse);
		return new Response(body());
	}, false);
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
	expect(requests).toBe(256);
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
