// What the thread that accepts requests does: it listens for clients, reads plain sends and hands them to the main thread in groups, and passes
// all other requests on to the main thread's own server.
import { Agent, type AgentOptions, type IncomingMessage, type ServerResponse } from "node:http";
import type { MessagePort } from "node:worker_threads";

import { calledBy, isPlain } from "../api/request/lean/plain-request.ts";
import type { Clock } from "../core/clock.ts";
import { HttpServer } from "../http-server.ts";
import { MAX_IDLE_ONWARD, type AcceptorData, type FromAcceptor, type ToAcceptor } from "./messages.ts";
import { SendPacker, unpackResponses, type TextResponse } from "./packing.ts";
import { passOn, type MainServer } from "./pass-on.ts";

/** The part of a socket on which a request could not be read. */
interface Broken {
	write(text: string): unknown;
	/** Closes the connection after everything is written. */
	destroySoon(): void;
}

/**
 * Accepts requests until the main thread says `close`.
 *
 * @example
 * if (parentPort !== null) acceptRequests(parentPort, workerData as AcceptorData, systemClock);
 */
export function acceptRequests(port: MessagePort, data: AcceptorData, clock: Clock): void {
	const tell = (message: FromAcceptor, transferred: ArrayBuffer[] = []) => port.postMessage(message, transferred);
	const { host, maxConnections, mainPort, token } = data;
	const connections = new Int32Array(data.connections);
	const main: MainServer = { port: mainPort, token, agent: new Agent(onwardConnections(maxConnections)) };
	const sends = new WaitingSends(clock, tell);
	const broken = new Places<Broken>();
	let takesSends = false;
	let http: HttpServer | null = null;

	const unreadable: Parameters<typeof HttpServer.listen>[1] = {
		response: () => new Response(null, { status: 500 }),
		refuse(socket, code, isAnswered) {
			if (!socket.writable || code === "ECONNRESET" || isAnswered) return socket.destroySoon();
			const remoteAddress = socket.remoteAddress ?? null;
			tell({ kind: "unreadable", id: broken.add(socket), code: code ?? null, remoteAddress });
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
			if (takesSends && isPlainSend(request)) readSend(request, response, endBody);
			else passOn(request, response, main, endBody);
		});
		tell({ kind: "listening", port: http.port });
	}

	/** Most bodies come together with their heads. Others are the main thread's, which knows who may take how much memory and time. */
	function readSend(request: IncomingMessage, response: ServerResponse, endBody: (request: IncomingMessage) => void) {
		queueMicrotask(() => {
			const body = request.complete ? (request.read() as Buffer | null) : null;
			if (body === null) passOn(request, response, main, endBody);
			else sends.add(request, body, response);
		});
	}

	async function close(): Promise<void> {
		await http?.close();
		main.agent.destroy();
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
				const socket = broken.take(message.id);
				socket?.write(message.text);
				return socket?.destroySoon();
			}
			case "close":
				void close();
		}
	}

	port.on("message", receive);
	void listen();
}

/** A client may send many requests at once on a connection: no more are passed on at a time than there are connections. */
function onwardConnections(maxConnections: number): AgentOptions {
	return { keepAlive: true, maxSockets: maxConnections, maxFreeSockets: MAX_IDLE_ONWARD };
}

function isPlainSend(request: IncomingMessage): boolean {
	const { method, url = "" } = request;
	return method === "POST" && calledBy("POST", url)?.name.startsWith("post /events") === true && isPlain(request);
}

/** The sends that wait for their responses. Those of a turn of the event loop go to the main thread together. */
class WaitingSends {
	readonly #clock: Clock;
	readonly #tell: (message: FromAcceptor, transferred: ArrayBuffer[]) => void;
	readonly #responses = new Places<ServerResponse>();
	readonly #packer = new SendPacker();
	#isFlushing = false;

	constructor(clock: Clock, tell: (message: FromAcceptor, transferred: ArrayBuffer[]) => void) {
		this.#clock = clock;
		this.#tell = tell;
	}

	add(
		{ url = "", headers, socket: { remoteAddress } }: IncomingMessage,
		body: Uint8Array,
		response: ServerResponse,
	): void {
		const id = this.#responses.add(response);
		this.#packer.add(id, { path: url, remoteAddress, headers: headers as Record<string, string>, body });
		if (this.#isFlushing) return;
		this.#isFlushing = true;
		this.#clock.nextTurn(() => {
			this.#isFlushing = false;
			const group = this.#packer.take();
			this.#tell(group, [group.bodies]);
		});
	}

	answer(id: number, { status, headers, body }: TextResponse): void {
		const response = this.#responses.take(id);
		// Else the client is gone.
		if (response === undefined || response.destroyed) return;
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
