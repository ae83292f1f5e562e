// What the thread that accepts requests does with sends, by the messages between it and the main thread.
import { createServer } from "node:http";
import { MessageChannel } from "node:worker_threads";

import { eventually } from "@fanfare/testkit/eventually";
import { RawConnection } from "@fanfare/testkit/raw-connection";
import { expect, it, onTestFinished } from "vitest";

import { systemClock } from "../adapters/system/system-clock.ts";
import { acceptRequests } from "./accept-requests.ts";
import { NO_RESPONSE, type FromAcceptor, type ToAcceptor } from "./messages.ts";
import { ResponsePacker, unpackSends, type TextResponse } from "./packing.ts";

const PATH = `/projects/proj_${"0".repeat(32)}/events`;

interface Accepting {
	/** Makes a send with a body of so many bytes. */
	readonly send: (bytes: number) => Promise<RawConnection>;
	/** The ids of the sends that were handed over. */
	readonly handedOver: readonly number[];
	/** How many requests were passed on. */
	readonly passedOn: () => number;
	readonly respond: (id: number, response: TextResponse) => void;
}

/** Accepts requests in this thread. Those that are passed on get a 201. */
async function accepting(maxWaitingBytes: number): Promise<Accepting> {
	let passedOn = 0;
	const main = createServer((request, response) => {
		passedOn++;
		request.resume();
		request.on("end", () => response.writeHead(201, { "content-length": "0" }).end());
	});
	await new Promise<void>((resolve) => main.listen(0, "127.0.0.1", resolve));
	const { port1: port, port2 } = new MessageChannel();
	const { port: mainPort } = main.address() as { port: number };
	const connections = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
	const data = { host: "127.0.0.1", port: 0, maxConnections: 100, connections, mainPort, token: "token" };
	const listening = Promise.withResolvers<number>();
	const closed = Promise.withResolvers<void>();
	const handedOver: number[] = [];
	port.on("message", (message: FromAcceptor) => {
		if (message.kind === "listening") listening.resolve(message.port);
		else if (message.kind === "closed") closed.resolve();
		else if (message.kind === "sends") unpackSends(message, (id) => handedOver.push(id));
	});
	const tell = (message: ToAcceptor) => port.postMessage(message, []);
	acceptRequests(port2, data, systemClock, maxWaitingBytes);
	const listensAt = await listening.promise;
	tell({ kind: "takesSends" });
	const open: RawConnection[] = [];
	onTestFinished(async () => {
		for (const each of open) each[Symbol.dispose]();
		tell({ kind: "close" });
		await closed.promise;
		port.close();
		await new Promise((resolve) => main.close(resolve));
	});
	return {
		handedOver,
		passedOn: () => passedOn,
		async send(bytes) {
			const connection = new RawConnection(listensAt);
			open.push(connection);
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
