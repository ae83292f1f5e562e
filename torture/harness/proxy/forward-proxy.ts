// A real forward proxy between the server and its receivers, which can fail in the ways in which proxies do.
import { createServer, type IncomingMessage, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";

import type { Random } from "@fanfare/testkit/seeded-random";

/** Not in a network that endpoints may be in: the operator chose the proxy, so its address is not checked. */
const HOST = "127.0.0.3";
/** A tunnel that is cut ends after at most this many bytes of the response. A whole one has 100 to 200. */
const CUT_WITHIN_BYTES = 250;

/** What the proxy does with each request for a tunnel, or with each connection. */
export type ProxyMood =
	/** Opens the tunnel. */
	| { readonly kind: "tunnel" }
	/** Answers with this status and opens no tunnel. */
	| { readonly kind: "answer"; readonly status: number }
	/** Never answers. */
	| { readonly kind: "hang" }
	/** Resets each connection, before it reads anything. */
	| { readonly kind: "reset" }
	/** Opens the tunnel, and resets both of its connections in the middle of a response. */
	| { readonly kind: "cut" };

export class ForwardProxy implements AsyncDisposable {
	mood: ProxyMood = { kind: "tunnel" };
	/** `host:port` of each tunnel that was asked for with the right credentials. */
	readonly targets: string[] = [];
	/** The number of connections that the proxy has begun to open, by `host:port`. */
	readonly dialled = new Map<string, number>();
	/** Requests other than CONNECT, and those without the right credentials. */
	readonly wrongRequests: string[] = [];
	/** How often a trouble has struck: a refusal, a reset, a tunnel that was cut. */
	troubleCount = 0;
	readonly password: string;
	readonly #random: Random;
	#server: Server | null = null;
	#port = 0;
	readonly #sockets = new Set<Socket>();

	constructor(password: string, random: Random) {
		this.password = password;
		this.#random = random;
	}

	/** For `FANFARE_PROXY`. */
	get url(): string {
		return `http://torture:${this.password}@${HOST}:${this.#port}`;
	}

	/** The value of `Proxy-Authorization` without the scheme. */
	get credentials(): string {
		return Buffer.from(`torture:${this.password}`).toString("base64");
	}

	/** Listens, at the same port as before if it has listened before. */
	async listen(): Promise<void> {
		const server = createServer((request, response) => {
			this.wrongRequests.push(`${request.method} ${request.url}`);
			response.writeHead(405).end();
		});
		server.on("connection", (socket: Socket) => this.#greet(socket));
		server.on("connect", (request, client) => this.#connect(request, client as Socket));
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		server.once("error", reject).listen(this.#port, HOST, resolve);
		await promise;
		this.#port = (server.address() as AddressInfo).port;
		this.#server = server;
	}

	/** Listens again if the proxy has died. */
	async revive(): Promise<void> {
		if (this.#server === null) await this.listen();
	}

	/** Ends the proxy like a process that is killed: its port refuses connections, and all tunnels are reset. */
	async die(): Promise<void> {
		const { promise, resolve } = Promise.withResolvers<void>();
		if (this.#server === null) resolve();
		else this.#server.close(() => resolve());
		this.#server = null;
		this.resetAll();
		await promise;
	}

	/** Resets all connections: those to the server and those to receivers. */
	resetAll(): void {
		for (const socket of this.#sockets) socket.resetAndDestroy();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.die();
	}

	#greet(socket: Socket): void {
		this.#track(socket);
		if (this.mood.kind !== "reset") return;
		this.troubleCount++;
		socket.resetAndDestroy();
	}

	#connect(request: IncomingMessage, client: Socket): void {
		const target = request.url ?? "";
		if (request.headers["proxy-authorization"] !== `Basic ${this.credentials}`) {
			this.wrongRequests.push(`CONNECT ${target} without the right credentials`);
			client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
			return;
		}
		this.targets.push(target);
		if (this.mood.kind !== "tunnel") this.troubleCount++;
		switch (this.mood.kind) {
			case "tunnel":
			case "cut":
				this.#tunnel(target, client, this.mood.kind === "cut");
				return;
			case "answer":
				client.end(`HTTP/1.1 ${this.mood.status} Trouble\r\ncontent-length: 0\r\n\r\n`);
				return;
			case "hang":
			case "reset":
				client.resume();
		}
	}

	#tunnel(target: string, client: Socket, isCut: boolean): void {
		const [host = "", port = ""] = target.split(/:(?=\d+$)/);
		this.dialled.set(target, (this.dialled.get(target) ?? 0) + 1);
		let isOpen = false;
		const receiver = connect(Number(port), host.replace(/^\[|\]$/g, ""), () => {
			isOpen = true;
			client.write("HTTP/1.1 200 Connection established\r\n\r\n");
			client.pipe(receiver);
			if (isCut) this.#cut(receiver, client);
			else receiver.pipe(client);
		});
		this.#track(receiver);
		// Each end of one side ends the other, so that a server that was killed has no connections at receivers.
		receiver.on("close", () => client.destroy());
		client.on("close", () => receiver.destroy());
		receiver.on("error", () => {
			if (!isOpen) client.end("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
		});
	}

	/** Resets both sides after some bytes of the responses: after 0 bytes, the request has arrived and no response returns. */
	#cut(receiver: Socket, client: Socket): void {
		let left = Math.floor(this.#random() * CUT_WITHIN_BYTES);
		receiver.on("data", (bytes: Buffer) => {
			const isLast = bytes.length >= left;
			client.write(bytes.subarray(0, left), () => {
				if (isLast) client.resetAndDestroy();
			});
			if (isLast) receiver.resetAndDestroy();
			left -= bytes.length;
		});
	}

	#track(socket: Socket): void {
		this.#sockets.add(socket);
		socket.on("error", () => {}).on("close", () => this.#sockets.delete(socket));
	}
}
