// A receiver whose every byte the test writes itself, at the moment of its choice.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createPlainServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";

import { DEADLINE_MS } from "@fanfare/testkit/deadline";
import { CERTIFICATE_FILE } from "@fanfare/testkit/receiver";

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
	/** The certificate of a receiver with TLS. */
	readonly ca: string;
	readonly host: string;
	/** The connections so far, closed ones too. */
	readonly sockets: readonly Socket[];
	/** The next request, in order of arrival. Each is returned once. */
	next(): Promise<RawRequest>;
	/** Requests that have arrived and were not returned by `next`. */
	readonly unread: number;
	/** Writes this answer as soon as the head of a request has come, and reads no further. */
	answerAtHead(answer: string): void;
	/** Resolves when this connection is closed. */
	closed(connection: number): Promise<void>;
}

const END_OF_HEAD = "\r\n\r\n";

/** With TLS, its name is `localhost`. */
export async function startRawReceiver({ tls = false } = {}): Promise<RawReceiver> {
	const ca = readFileSync(CERTIFICATE_FILE, "utf8");
	const sockets: Socket[] = [];
	const closings: Promise<unknown>[] = [];
	const arrived: RawRequest[] = [];
	let early: string | null = null;
	const waiting: ((request: RawRequest) => void)[] = [];
	const onSocket = (socket: Socket) => {
		const connection = sockets.push(socket) - 1;
		closings.push(new Promise((resolve) => socket.once("close", resolve)));
		socket.on("error", () => {});
		let text = "";
		socket.setEncoding("latin1").on("data", (chunk: string) => {
			text += chunk;
			if (early !== null && text.includes(END_OF_HEAD)) socket.pause().write(early);
			for (let end = endOfRequest(text); end !== -1; end = endOfRequest(text)) {
				const request = { connection, socket, text: text.slice(0, end) };
				text = text.slice(end);
				const reader = waiting.shift();
				if (reader === undefined) arrived.push(request);
				else reader(request);
			}
		});
	};
	const key = () => readFileSync(join(CERTIFICATE_FILE, "../receiver-key.pem"));
	const server = tls ? createTlsServer({ key: key(), cert: ca }, onSocket) : createPlainServer(onSocket);
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	const host = tls ? `localhost:${port}` : `127.0.0.1:${port}`;
	return {
		url: `${tls ? "https" : "http"}://${host}`,
		ca,
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
		answerAtHead: (answer) => void (early = answer),
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
