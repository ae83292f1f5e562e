// What the thread that accepts requests does with sends, by the messages between it and the main thread.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { MessageChannel } from "node:worker_threads";

import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection } from "@fanfare/testkit/raw-connection";
import { expect, it, onTestFinished } from "vitest";

import { systemClock } from "../adapters/system/system-clock.ts";
import type { Clock } from "../core/clock.ts";
import { HttpServer } from "../http-server.ts";
import { acceptRequests } from "./accept-requests.ts";
import { Links } from "./links.ts";
import { NO_RESPONSE, type FromAcceptor, type ToAcceptor } from "./messages.ts";
import { ResponsePacker, unpackSends, type TextResponse } from "./packing.ts";

/** No request that is passed on is one that can't be read. */
const unexpected = () => {
	throw new Error("unexpected");
};
const NOTHING_UNREADABLE = { refuse: unexpected, drop: unexpected };

const PATH = `/projects/proj_${"0".repeat(32)}/events`;

interface Accepting {
	/** Makes a send with a body of so many bytes. */
	readonly send: (bytes: number) => Promise<RawConnection>;
	/** The ids of the sends that were handed over. */
	readonly handedOver: readonly number[];
	/** How many requests were passed on. */
	readonly passedOn: () => number;
	readonly respond: (id: number, response: TextResponse) => void;
	/** Opens a connection. */
	readonly open: () => RawConnection;
	/** The clients' addresses of these. */
	readonly addresses: readonly (string | undefined)[];
	/** Their bodies. */
	readonly bodies: readonly string[];
	/** The ids of what could not be read. */
	readonly unreadable: readonly number[];
	readonly tell: (message: ToAcceptor) => void;
}

/** Accepts requests in this thread. Those that are passed on get a 201. */
async function accepting(maxWaitingBytes: number, clock: Clock = systemClock): Promise<Accepting> {
	let passedOn = 0;
	const main = HttpServer.forGiven({}, NOTHING_UNREADABLE, systemClock);
	main.handle((request: IncomingMessage, response: ServerResponse) => {
		passedOn++;
		request.resume();
		// Some servers respond before they have read all.
		if (request.url === "/early") response.writeHead(201).flushHeaders();
		else request.on("end", () => response.writeHead(201, { "content-length": "0" }).end());
	});
	const { port1: port, port2 } = new MessageChannel();
	const count = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
	const data = { host: "127.0.0.1", port: 0, maxConnections: 100, connections: count };
	const listening = Promise.withResolvers<number>();
	const closed = Promise.withResolvers<void>();
	const handedOver: number[] = [];
	const addresses: (string | undefined)[] = [];
	const bodies: string[] = [];
	const unreadable: number[] = [];
	const links = new Links(
		(message, transferred) => port.postMessage({ kind: "link", message }, transferred),
		(link) => main.take(link),
	);
	port.on("message", (message: FromAcceptor) => {
		switch (message.kind) {
			case "listening":
				return listening.resolve(message.port);
			case "closed":
				return closed.resolve();
			case "unreadable":
				return void unreadable.push(message.id);
			case "sends":
				return unpackSends(message, (id, { remoteAddress, body }) => {
					handedOver.push(id);
					addresses.push(remoteAddress);
					bodies.push(Buffer.from(body).toString());
				});
			case "link":
				return links.receive(message.message);
			case "notListening":
			case "refused":
			case "dropped":
				return unexpected();
		}
	});
	const tell = (message: ToAcceptor) => port.postMessage(message, []);
	acceptRequests(port2, data, clock, maxWaitingBytes);
	const listensAt = await listening.promise;
	tell({ kind: "takesSends" });
	const connections: RawConnection[] = [];
	const open = () => {
		const connection = new RawConnection(listensAt);
		connections.push(connection);
		return connection;
	};
	onTestFinished(async () => {
		for (const each of connections) each[Symbol.dispose]();
		tell({ kind: "close" });
		await closed.promise;
		port.close();
	});
	return {
		handedOver,
		passedOn: () => passedOn,
		addresses,
		bodies,
		open,
		unreadable,
		tell,
		async send(bytes) {
			const connection = open();
			const body = JSON.stringify("x".repeat(bytes - 2));
			const headers = { host: "a", authorization: "Bearer a", "content-type": "application/json" };
			await connection.request("POST", PATH, { ...headers, "content-length": String(bytes) }, body);
			return connection;
		},
		respond(id, response) {
			const packer = new ResponsePacker();
			packer.add(id, response);
			tell({ kind: "responses", values: packer.take() });
		},
	};
}

it("hands sends over until as many bytes wait as may, and passes further ones on until there is room again", async () => {
	// Each takes 1 KiB besides its body.
	const { send, handedOver, passedOn, respond } = await accepting(3_000 + 3 * 1_024);
	const first = await send(1_000);
	for (const bytes of [1_998, 2]) await send(bytes);
	await eventually("three sends", () => handedOver.length === 3);
	expect((await (await send(1_000)).answer()).status).toBe(201);
	expect([handedOver.length, passedOn()]).toEqual([3, 1]);
	respond(handedOver[0] ?? -1, { status: 202, headers: {}, body: "{}" });
	expect((await first.answer()).status).toBe(202);
	await send(1_000);
	await eventually("another one", () => handedOver.length === 4);
	expect(passedOn()).toBe(1);
});

it("closes the connection of a send that gets no response", async () => {
	const { send, handedOver, respond } = await accepting(3_000);
	const connection = await send(10);
	await eventually("the send", () => handedOver.length === 1);
	respond(handedOver[0] ?? -1, { status: NO_RESPONSE, headers: {}, body: "" });
	await connection.closed;
});

it("refuses what it could not read as the main thread says", async () => {
	const { open, unreadable, tell } = await accepting(3_000);
	const connection = open();
	await connection.write("GARBAGE\r\n\r\n");
	await eventually("what could not be read", () => unreadable.length === 1);
	tell({ kind: "refusal", id: unreadable[0] ?? -1, text: "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n" });
	expect((await connection.answer()).status).toBe(400);
	await connection.closed;
});

it("writes no refusal behind a response that has begun since", async () => {
	const { open, unreadable, tell, passedOn } = await accepting(3_000);
	const connection = open();
	await connection.write("POST /early HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\nGARBAGE\r\n");
	await eventually("what could not be read", () => unreadable.length === 1);
	await eventually("the response to begin", () => passedOn() === 1 && connection.unread.includes("201"));
	tell({ kind: "refusal", id: unreadable[0] ?? -1, text: "HTTP/1.1 400 Bad Request\r\n\r\n" });
	await connection.closed;
	expect(connection.unread).not.toContain("400");
});

it("hands the address of the client over, also if its connection is closed by then", async () => {
	const { open, handedOver, addresses } = await accepting(3_000);
	const headers = "host: a\r\nauthorization: Bearer a\r\ncontent-type: application/json\r\ncontent-length: 2\r\n";
	await open().write(`POST ${PATH} HTTP/1.1\r\n${headers}\r\n{}CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n`);
	await eventually("the send", () => handedOver.length === 1);
	expect(addresses).toEqual(["127.0.0.1"]);
});

it("hands the whole body over that has come in pieces, and ends its request", async () => {
	const requests: IncomingMessage[] = [];
	const started = (message: unknown) => void requests.push((message as { request: IncomingMessage }).request);
	subscribe("http.server.request.start", started);
	onTestFinished(() => void unsubscribe("http.server.request.start", started));
	const turns: (() => void)[] = [];
	const { open, bodies } = await accepting(3_000, { ...systemClock, nextTurn: (fire) => void turns.push(fire) });
	const connection = open();
	/** Another connection's request is answered when all has been read that came before it. */
	const read = async () => {
		const other = open();
		await other.request("GET", "/", {});
		await other.answer();
	};
	const headers = "host: a\r\nauthorization: Bearer a\r\ncontent-type: application/json\r\ncontent-length: 7\r\n";
	await connection.write(`POST ${PATH} HTTP/1.1\r\n${headers}\r\n{"a`);
	// The first turn ends that in which the connection was new.
	await eventually("the head", () => turns.length === 2);
	await read();
	await connection.write('":1}');
	await read();
	turns[1]?.();
	await eventually("the send", () => bodies.length === 1);
	expect(bodies).toEqual(['{"a":1}']);
	await eventually("the end of the request", () => requests.find(({ url }) => url === PATH)?.readableEnded);
});
