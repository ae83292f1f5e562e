// A receiver whose every byte the test writes itself, at the moment of its choice.
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";

import { DEADLINE_MS } from "@fanfare/testkit/deadline";

/** A request that has arrived whole. */
export interface RawRequest {
	/** The number of its connection, from 0. */
	readonly connection: number;
	readonly socket: Socket;
	/** Its bytes, as Latin-1. */
	readonly text: string;
}

export interface RawReceiver extends AsyncDisposable {
	readonly url: string;
	readonly host: string;
	/** The connections so far, closed ones too. */
	readonly sockets: readonly Socket[];
	/** The next request, in order of arrival. Each is returned once. */
	next(): Promise<RawRequest>;
	/** Requests that have arrived and were not returned by `next`. */
	readonly unread: number;
	/** Resolves when this connection is closed. */
	closed(connection: number): Promise<void>;
}

const END_OF_HEAD = "\r\n\r\n";

export async function startRawReceiver(): Promise<RawReceiver> {
	const sockets: Socket[] = [];
	const closings: Promise<unknown>[] = [];
	const arrived: RawRequest[] = [];
	const waiting: ((request: RawRequest) => void)[] = [];
	const server = createServer((socket) => {
		const connection = sockets.push(socket) - 1;
		closings.push(new Promise((resolve) => socket.once("close", resolve)));
		socket.on("error", () => {});
		let text = "";
		socket.setEncoding("latin1").on("data", (chunk: string) => {
			text += chunk;
			for (let end = endOfRequest(text); end !== -1; end = endOfRequest(text)) {
				const request = { connection, socket, text: text.slice(0, end) };
				text = text.slice(end);
				const reader = waiting.shift();
				if (reader === undefined) arrived.push(request);
				else reader(request);
			}
		});
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
	return {
		url: `http://${host}`,
		host,
		sockets,
		get unread() {
			return arrived.length;
		},
		next() {
			const request = arrived.shift();
			if (request !== undefined) return Promise.resolve(request);
			const { promise, resolve, reject } = Promise.withResolvers<RawRequest>();
			const timer = setTimeout(() => reject(new Error(`${host} got no further request`)), DEADLINE_MS);
			waiting.push(resolve);
			return promise.finally(() => clearTimeout(timer));
		},
		async closed(connection) {
			await closings[connection];
		},
		async [Symbol.asyncDispose]() {
			for (const socket of sockets) socket.destroy();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

/** Where the first request in `text` ends; -1 if it is not complete. */
function endOfRequest(text: string): number {
	const head = text.indexOf(END_OF_HEAD);
	if (head === -1) return -1;
	const length = Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1] ?? 0);
	const end = head + END_OF_HEAD.length + length;
	return text.length < end ? -1 : end;
}

/** The bytes of a response with this status and body. */
export function response(status: number, body = ""): string {
	return `HTTP/1.1 ${status} X\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}
