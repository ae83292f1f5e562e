// What the thread that accepts requests does: it listens for clients, reads plain sends and hands them to the main thread in groups, and passes
// all other requests on to the main thread's own server.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { MessagePort } from "node:worker_threads";

import { calledBy, isPlain } from "../api/request/lean/plain-request.ts";
import type { Clock } from "../core/clock.ts";
import { HttpServer, type Unreadable } from "../http-server.ts";
import { Links } from "./links.ts";
import { NO_RESPONSE, type AcceptorData, type FromAcceptor, type SendGroup, type ToAcceptor } from "./messages.ts";
import { SendPacker, unpackResponses, type TextResponse } from "./packing.ts";
import { OnwardAgent, passOn } from "./pass-on.ts";

/** A connection on which a request could not be read. It waits for what to answer. */
interface Broken {
	readonly connection: Pick<Socket, "bytesWritten" | "write" | "destroySoon">;
	/** The bytes that had been written to it by then. */
	readonly written: number;
}

/**
 * Accepts requests until the main thread says `close`. `maxWaitingBytes`: see `MAX_WAITING_BYTES`.
 *
 * @example
 * if (parentPort !== null) acceptRequests(parentPort, workerData as AcceptorData, systemClock);
 */
export function acceptRequests(
	port: MessagePort,
	data: AcceptorData,
	clock: Clock,
	maxWaitingBytes = MAX_WAITING_BYTES,
): void {
	const tell = (message: FromAcceptor, transferred: ArrayBuffer[] = []) => port.postMessage(message, transferred);
	const { host, maxConnections } = data;
	const connections = new Int32Array(data.connections);
	const links = new Links((message, transferred) => tell({ kind: "link", message }, transferred));
	const main = new OnwardAgent(links);
	const sends = new WaitingSends(clock, maxWaitingBytes, {
		handOver: (group) => tell(group, [group.bodies]),
		passOn: ({ request, response, endBody }) => passOn(request, response, main, { endBody, refuse }),
	});
	const broken = new Places<Broken>();
	let takesSends = false;
	let http: HttpServer | null = null;

	function tellUnreadable(connection: Socket, code: string | null): void {
		const { bytesWritten: written, remoteAddress = null } = connection;
		tell({ kind: "unreadable", id: broken.add({ connection, written }), code, remoteAddress });
	}
	const refuse = ({ socket }: IncomingMessage) => tellUnreadable(socket, null);

	const unreadable: Unreadable = {
		refuse(socket, code, isAnswered) {
			if (socket.writable && code !== "ECONNRESET" && !isAnswered) tellUnreadable(socket, code ?? null);
			else socket.destroySoon();
		},
		drop(socket, openRequests) {
			tell({ kind: "dropped", openRequests, remoteAddress: socket.remoteAddress ?? null });
			socket.destroy();
		},
	};

	async function listen(): Promise<void> {
		try {
			http = await HttpServer.listen(
				{
					host,
					port: data.port,
					maxConnections,
					refused: () => tell({ kind: "refused" }),
					counted: (count) => Atomics.store(connections, 0, count),
				},
				unreadable,
				clock,
			);
		} catch (error) {
			const { code, message } = error as NodeJS.ErrnoException;
			return tell({ kind: "notListening", code: code ?? null, message });
		}
		http.handle((request, response, endBody) => {
			const { remoteAddress } = request.socket;
			if (takesSends && isPlainSend(request)) sends.arrived({ request, response, remoteAddress, endBody });
			else passOn(request, response, main, { endBody, refuse });
		});
		tell({ kind: "listening", port: http.port });
	}

	async function close(): Promise<void> {
		await http?.close();
		links.close();
		tell({ kind: "closed" });
	}

	function receive(message: ToAcceptor): void {
		switch (message.kind) {
			case "takesSends":
				takesSends = true;
				return;
			case "responses":
				return unpackResponses(message.values, (id, response) => sends.answer(id, response));
			case "refusal": {
				const { connection, written } = broken.take(message.id) ?? {};
				// A response may have begun since.
				if (connection?.bytesWritten === written) connection?.write(message.text);
				return connection?.destroySoon();
			}
			case "close":
				return void close();
			case "link":
				return links.receive(message.message);
		}
	}

	port.on("message", receive);
	void listen();
}

/** What a send takes in memory besides its body. */
const OVERHEAD_BYTES = 1_024;
/**
 * While sends of so many bytes wait for their responses, further sends are passed on like other requests: the main thread's server reads as much as it has
 * room for, and clients wait until it reads on.
 */
const MAX_WAITING_BYTES = 16 * 1_024 * 1_024;

function isPlainSend(request: IncomingMessage): boolean {
	const { method, url = "" } = request;
	return method === "POST" && calledBy("POST", url)?.name.startsWith("post /events") === true && isPlain(request);
}

/** Reads the body of a request that has arrived; null if there is none. */
function wholeBody(request: IncomingMessage): Buffer | null {
	// Without a length, some versions of Node read the first piece alone.
	const body = request.read(request.readableLength) as Buffer | null;
	// Node ends the request, which it keeps until then.
	request.read(0);
	return body;
}

/** A send of which only the head was read. */
interface Arrived {
	readonly request: IncomingMessage;
	readonly response: ServerResponse;
	/** A connection that is closed has none. */
	readonly remoteAddress: string | undefined;
	/** Called if the response was written before the whole request has arrived. */
	readonly endBody: (request: IncomingMessage) => void;
}

/** A send that waits for its response. */
interface Waiting {
	readonly response: ServerResponse;
	readonly bytes: number;
}

/** What happens with sends. */
interface Ways {
	readonly handOver: (group: SendGroup) => void;
	readonly passOn: (send: Arrived) => void;
}

/** The sends that wait for their responses. Those of a turn of the event loop go to the main thread together. */
class WaitingSends {
	readonly #clock: Clock;
	readonly #maxBytes: number;
	readonly #ways: Ways;
	readonly #waiting = new Places<Waiting>();
	readonly #packer = new SendPacker();
	#arrived: Arrived[] = [];
	#bytes = 0;

	constructor(clock: Clock, maxBytes: number, ways: Ways) {
		this.#clock = clock;
		this.#maxBytes = maxBytes;
		this.#ways = ways;
	}

	/** Its body, if it has come together with the head, is parsed by the end of the turn of the event loop, and not before. */
	arrived(send: Arrived): void {
		this.#arrived.push(send);
		if (this.#arrived.length === 1) this.#clock.nextTurn(() => this.#read());
	}

	/** Bodies that are not here yet are the main thread's, which knows who may take how much memory and time. */
	#read(): void {
		const arrived = this.#arrived;
		this.#arrived = [];
		for (const send of arrived) {
			const { request } = send;
			const body = request.complete && this.#bytes < this.#maxBytes ? wholeBody(request) : null;
			if (body === null) this.#ways.passOn(send);
			else this.#add(send, body);
		}
		if (!this.#packer.isEmpty) this.#ways.handOver(this.#packer.take());
	}

	#add({ request, response, remoteAddress }: Arrived, body: Uint8Array): void {
		const { url = "", headers } = request;
		const bytes = OVERHEAD_BYTES + body.length;
		const id = this.#waiting.add({ response, bytes });
		this.#bytes += bytes;
		this.#packer.add(id, { path: url, remoteAddress, headers: headers as Record<string, string>, body });
	}

	answer(id: number, { status, headers, body }: TextResponse): void {
		const waiting = this.#waiting.take(id);
		if (waiting === undefined) return;
		const { response, bytes } = waiting;
		this.#bytes -= bytes;
		// A response behind others has no connection yet.
		if (status === NO_RESPONSE) return void response.req.socket.destroy();
		// The client is gone.
		if (response.destroyed) return;
		response.writeHead(status, { ...headers, "Content-Length": String(Buffer.byteLength(body)) });
		response.end(body);
	}
}

/** Numbers for things that wait. A number is used again when its thing was taken. */
class Places<T> {
	readonly #things: (T | undefined)[] = [];
	readonly #free: number[] = [];

	add(thing: T): number {
		const place = this.#free.pop() ?? this.#things.length;
		this.#things[place] = thing;
		return place;
	}

	take(place: number): T | undefined {
		const thing = this.#things[place];
		if (thing === undefined) return undefined;
		this.#things[place] = undefined;
		this.#free.push(place);
		return thing;
	}
}
