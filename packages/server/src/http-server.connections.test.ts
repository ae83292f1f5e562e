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
	const slow = Promise.withResolvers<Response>();
	const fetch = (request: Request) => (new URL(request.url).pathname === "/slow" ? slow.promise : new Response("ok"));
	http.handle(fetchListener(fetch, unreadable));
	const sockets: Socket[] = [];
	return {
		clock,
		refused: () => refused,
		/** Opens a connection and sends a request. Resolves when it is answered, or at once for /slow. */
		async client(path: string) {
			const socket = connect(Number(new URL(http.url).port), "127.0.0.1");
			sockets.push(socket);
			socket.on("error", () => {}).resume();
			const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
			await once(socket, "connect");
			return { socket, closed, ask: (to = path) => ask(socket, to), isOpen: () => !socket.destroyed };
		},
		async [Symbol.asyncDispose]() {
			slow.resolve(new Response("late"));
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
