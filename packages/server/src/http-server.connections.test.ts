// Connections of clients: how many there may be, and which idle ones are closed when there are many.
import { once } from "node:events";
import { connect, type Socket } from "node:net";

import { DEADLINE_MS } from "@fanfare/testkit/deadline";
import { describe, expect, it, vi } from "vitest";

import { systemChance } from "./adapters/system/system-chance.ts";
import { createRequestIds } from "./api/request/request-id.ts";
import { UnreadableRequests } from "./api/request/unreadable.ts";
import { ManualClock } from "./core/manual-clock.ts";
import { fetchListener } from "./fetch-listener.ts";
import { HttpServer } from "./http-server.ts";

/** A server with a clock that the test moves, which keeps requests to /slow unanswered. */
async function start(maxConnections: number) {
	const clock = new ManualClock();
	let refused = 0;
	const unreadable = new UnreadableRequests({
		requestLog: () => {},
		clientAddress: () => null,
		makeRequestId: createRequestIds(systemChance),
	});
	const options = { host: "127.0.0.1", port: 0, maxConnections, refused: () => (refused += 1) };
	const http = await HttpServer.listen(options, unreadable, clock);
	const slow = Promise.withResolvers<void>();
	let slowRequests = 0;
	const fetch = async (request: Request) => {
		if (new URL(request.url).pathname !== "/slow") return new Response("ok");
		slowRequests++;
		await slow.promise;
		return new Response("late");
	};
	http.handle(fetchListener(fetch, unreadable));
	const sockets: Socket[] = [];
	return {
		clock,
		refused: () => refused,
		/** Requests to /slow that have arrived. */
		slowRequests: () => slowRequests,
		/** Opens a connection and sends a request. Resolves when it is answered, or at once for /slow. */
		async client(path: string, localAddress = "127.0.0.1") {
			const socket = connect({ port: http.port, host: "127.0.0.1", localAddress });
			sockets.push(socket);
			socket.on("error", () => {}).resume();
			const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
			await once(socket, "connect");
			return { socket, closed, ask: (to = path) => ask(socket, to), isOpen: () => !socket.destroyed };
		},
		async [Symbol.asyncDispose]() {
			slow.resolve();
			for (const socket of sockets) socket.destroy();
			await http.close();
		},
	};
}

async function ask(socket: Socket, path: string): Promise<void> {
	const answered = Promise.withResolvers<void>();
	socket.once("data", () => answered.resolve());
	socket.once("close", () => answered.reject(new Error("the connection was closed")));
	answered.promise.catch(() => {});
	socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`);
	if (path !== "/slow") await answered.promise;
}

const soon = { timeout: DEADLINE_MS };

describe("connections of clients", () => {
	it("that are too many are closed at once, and counted", async () => {
		await using server = await start(2);
		const [first, second] = [await server.client("/"), await server.client("/")];
		await Promise.all([first.ask(), second.ask()]);
		const third = await server.client("/");
		await third.closed;
		expect(server.refused()).toBe(1);
		await first.ask();
		first.socket.destroy();
		await vi.waitFor(async () => (await server.client("/")).ask(), soon);
	});

	it("of a client with few take the place of the one that was idle first of the client with most", async () => {
		await using server = await start(5);
		const many = [
			await server.client("/slow", "127.0.0.2"),
			await server.client("/", "127.0.0.2"),
			await server.client("/", "127.0.0.2"),
			await server.client("/", "127.0.0.2"),
			await server.client("/", "127.0.0.2"),
		];
		const [busy, halfway, idle, ...others] = many;
		for (const client of [busy, idle, ...others]) await client?.ask();
		// It never ends its request, which the server has begun to handle.
		halfway?.socket.write("POST /slow HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nxx");
		await vi.waitFor(() => expect(server.slowRequests()).toBe(2), soon);
		const few = [await server.client("/"), await server.client("/")];
		await Promise.all(few.map((client) => client.ask()));
		await Promise.all([halfway?.closed, idle?.closed]);
		expect(many.map((client) => client.isOpen())).toEqual([true, false, false, true, true]);
		// Both have about as many now.
		const third = await server.client("/");
		await third.closed;
		expect(server.refused()).toBe(3);
		await Promise.all([...few, ...others].map((client) => client.ask()));
	});

	it("that wait for their responses are not closed for others", async () => {
		await using server = await start(3);
		const busy = await Promise.all([1, 2, 3].map(() => server.client("/slow", "127.0.0.2")));
		await Promise.all(busy.map((client) => client.ask()));
		await vi.waitFor(() => expect(server.slowRequests()).toBe(3), soon);
		await (
			await server.client("/")
		).closed;
		expect([busy.map((client) => client.isOpen()), server.refused()]).toEqual([[true, true, true], 1]);
	});

	it("that were idle for five seconds are closed while more than half of those that may be open are idle", async () => {
		await using server = await start(4);
		const idle = [await server.client("/"), await server.client("/")];
		const [active, busy] = [await server.client("/"), await server.client("/slow")];
		await Promise.all([...idle, active, busy].map((client) => client.ask()));
		for (let second = 1; second <= 5; second += 1) {
			server.clock.advance(1_000);
			await active.ask();
			expect(idle.map(({ isOpen }) => isOpen())).toEqual([true, true]);
		}
		server.clock.advance(1_000);
		await vi.waitFor(() => expect(idle.map(({ isOpen }) => isOpen())).toEqual([false, false]), soon);
		expect([active, busy].map(({ isOpen }) => isOpen())).toEqual([true, true]);
		// Two are left of four, and one of them is idle.
		server.clock.advance(60_000);
		await active.ask();
	});

	it("are kept, however long they are idle, while at most half of those that may be open are idle", async () => {
		await using server = await start(4);
		const idle = [await server.client("/"), await server.client("/")];
		const busy = await server.client("/slow");
		await Promise.all([...idle, busy].map((client) => client.ask()));
		for (let second = 0; second < 30; second += 1) server.clock.advance(1_000);
		await Promise.all(idle.map((client) => client.ask()));
	});
});
