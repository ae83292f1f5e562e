// Turns in which connections are read that bring very many small pieces: by themselves, and in a server with real connections.
import { EventEmitter, once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";

import { describe, expect, it, onTestFinished } from "vitest";

import { systemClock } from "./adapters/system/system-clock.ts";
import { ManualClock } from "./core/manual-clock.ts";
import { HttpServer, type Unreadable } from "./http-server.ts";
import { ReadTurns, type ReadSocket } from "./read-turns.ts";

/** Turns that end when the test says so. */
function turning() {
	const ends: (() => void)[] = [];
	const clock = new ManualClock(undefined, { nextTurn: (fire) => void ends.push(fire) });
	const turns = new ReadTurns(clock);
	return {
		clock,
		turns,
		endTurn: () => ends.shift()?.(),
		/** A connection that is read. */
		connected: (remoteAddress = "192.0.2.1") => {
			const socket = new FakeSocket(remoteAddress);
			turns.open(socket);
			return socket;
		},
		bring: (socket: ReadSocket, pieces: number) => {
			for (let piece = 0; piece < pieces; piece++) turns.piece(socket);
			// Node wants more of a body whenever a piece has been taken.
			socket.resume();
		},
	};
}

class FakeSocket extends EventEmitter implements ReadSocket {
	readonly remoteAddress: string;
	readonly destroyed = false;
	isRead = true;

	constructor(remoteAddress: string) {
		super();
		this.remoteAddress = remoteAddress;
	}

	get readableFlowing(): boolean {
		return this.isRead;
	}

	pause(): this {
		this.isRead = false;
		return this;
	}

	resume(): this {
		this.isRead = true;
		return this;
	}
}

const reads = (sockets: readonly FakeSocket[]) => sockets.map(({ isRead }) => isRead);

describe("a connection that brings many pieces in a turn", () => {
	it("is read again when the turn has ended", () => {
		const { turns, endTurn, connected, bring } = turning();
		const socket = connected();
		bring(socket, 256);
		expect(socket.isRead).toBe(true);
		bring(socket, 1);
		expect([socket.isRead, turns.waiting]).toEqual([false, 1]);
		endTurn();
		expect([socket.isRead, turns.waiting]).toEqual([true, 0]);
	});

	it("is read later after a turn that took long, for as long as that at most", () => {
		const { clock, endTurn, connected, bring } = turning();
		const socket = connected();
		bring(socket, 300);
		clock.advance(20);
		endTurn();
		clock.advance(19);
		expect(socket.isRead).toBe(false);
		clock.advance(1);
		expect(socket.isRead).toBe(true);
	});

	it("stops the bodies of all others, which are then read one in a turn, addresses by turns", () => {
		const { turns, endTurn, connected, bring } = turning();
		const sockets = ["192.0.2.1", "192.0.2.1", "192.0.2.2"].map((address) => connected(address));
		for (const socket of sockets) turns.beginBody(socket);
		const [first, second, other] = sockets as [FakeSocket, FakeSocket, FakeSocket];
		const without = connected();
		bring(first, 300);
		expect(reads([...sockets, without])).toEqual([false, false, false, true]);
		endTurn();
		expect(reads(sockets)).toEqual([true, false, false]);
		endTurn();
		expect(reads([second, other])).toEqual([false, true]);
		endTurn();
		expect(second.isRead).toBe(true);
	});

	it("is not read before Node wants more of its body", () => {
		const { turns, endTurn, connected } = turning();
		const socket = connected();
		for (let piece = 0; piece < 300; piece++) turns.piece(socket);
		endTurn();
		expect([socket.isRead, turns.waiting]).toEqual([false, 0]);
		socket.resume();
		expect(socket.isRead).toBe(true);
	});

	it("stays unread when Node carries out what it wanted before", () => {
		const { endTurn, connected, bring } = turning();
		const socket = connected();
		bring(socket, 300);
		let stops = 0;
		socket.on("pause", () => (stops += 1));
		socket.emit("resume");
		expect(stops).toBe(1);
		endTurn();
		socket.emit("resume");
		expect(stops).toBe(1);
	});

	it("leaves nothing behind when it is closed", () => {
		const { turns, endTurn, connected, bring } = turning();
		const [gone, next] = [connected(), connected()];
		bring(gone, 300);
		bring(next, 300);
		gone.emit("close");
		endTurn();
		expect([next.isRead, turns.waiting]).toEqual([true, 0]);
	});
});

describe("new connections", () => {
	it("are read four in a turn", () => {
		const { endTurn, connected } = turning();
		const sockets = Array.from({ length: 10 }, () => connected());
		const count = () => sockets.filter(({ isRead }) => isRead).length;
		expect(count()).toBe(4);
		endTurn();
		expect(count()).toBe(8);
		endTurn();
		expect(count()).toBe(10);
	});

	it("of an address that has brought many pieces wait among those, for ten seconds", () => {
		const { clock, endTurn, connected, bring } = turning();
		bring(connected("192.0.2.1"), 300);
		endTurn();
		endTurn();
		expect(reads([connected("192.0.2.1"), connected("192.0.2.2")])).toEqual([false, true]);
		clock.advance(10_000);
		endTurn();
		expect(connected("192.0.2.1").isRead).toBe(true);
	});
});

describe("bodies in chunks of one byte", () => {
	const PIECES = 12_000;
	const CONNECTIONS = 12;
	/** So many of them are in 64 KiB, which Node parses at once. */
	const OF_A_READ = 10_923;

	it.each([
		["that are read", true],
		["that nobody reads", false],
	])("from many connections come in different turns of the event loop: %s", async (_which, isReading) => {
		const unreadable: Unreadable = {
			refuse: (socket) => void socket.destroy(),
			drop: (socket) => void socket.destroy(),
		};
		const options = { host: "127.0.0.1", port: 0, maxConnections: 100, refused: () => {} };
		const http = await HttpServer.listen(options, unreadable, systemClock);
		const ended = new Set<IncomingMessage>();
		let pieces = 0;
		http.handle((request, response) => {
			const push = request.push.bind(request);
			request.push = (piece, encoding) => {
				pieces++;
				return push(piece, encoding);
			};
			request.on("end", () => ended.add(request));
			if (isReading) request.on("data", () => {}).on("end", () => response.end());
			else response.end();
		});
		const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => connected(http.port)));
		onTestFinished(async () => {
			for (const socket of sockets) socket.destroy();
			await http.close();
		});
		for (const socket of sockets) socket.write("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
		const body = Buffer.from(`${"1\r\nx\r\n".repeat(PIECES)}0\r\n\r\n`);
		for (const socket of sockets) socket.write(body);
		let most = 0;
		while (ended.size < CONNECTIONS) {
			const before = pieces;
			await new Promise((resolve) => void setImmediate(resolve));
			most = Math.max(most, pieces - before);
		}
		expect(pieces).toBe(CONNECTIONS * (PIECES + 1));
		// One that waited, and four that were new.
		expect(most).toBeLessThanOrEqual(5 * OF_A_READ);
	});

	async function connected(port: number): Promise<Socket> {
		const socket = connect(port, "127.0.0.1").on("error", () => {});
		socket.resume();
		await once(socket, "connect");
		return socket;
	}
});
