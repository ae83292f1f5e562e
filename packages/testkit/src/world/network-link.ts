// The network between a process and a server that it uses: a TCP proxy that can be slow, fall silent, as a network that loses everything,
// or refuse.
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

import { LinkPorts } from "./link-ports.ts";

/**
 * - open: bytes pass.
 * - silent: nothing passes, and connections stay as they are. What was on its way arrives when the link is opened again.
 * - refusing: connections are reset, and so are new ones.
 */
type State = "open" | "silent" | "refusing";

/** How slow a link is, in each direction of each connection. */
interface Slowness {
	/** How long bytes are on their way. */
	readonly delayMs: number;
	readonly bytesPerMs: number;
}

const FAST: Slowness = { delayMs: 0, bytesPerMs: Infinity };

export class NetworkLink implements AsyncDisposable {
	/** The ports from which its connections to the server have come. */
	readonly ports = new LinkPorts();
	readonly #target: URL;
	/** The port of the server to which new connections lead. */
	#port: number;
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();
	/** Clients that have connected while the link was silent. */
	#waiting: Socket[] = [];
	#state: State = "open";
	#slowness = FAST;

	private constructor(target: URL) {
		this.#target = target;
		this.#port = Number(target.port);
		this.#server = createServer((client) => this.#accept(client));
	}

	/** Listens in front of the server of this URL. */
	static async open(url: string): Promise<NetworkLink> {
		const link = new NetworkLink(new URL(url));
		await new Promise<void>((resolve) => void link.#server.listen(0, "127.0.0.1", resolve));
		return link;
	}

	/** The URL of the server through the link. */
	get url(): string {
		const url = new URL(this.#target);
		url.port = String((this.#server.address() as AddressInfo).port);
		return url.href;
	}

	silence(): void {
		this.#state = "silent";
		for (const socket of this.#sockets) socket.pause();
	}

	refuse(): void {
		this.#state = "refusing";
		for (const socket of this.#sockets) socket.resetAndDestroy();
	}

	/** From now on, bytes take their time. */
	slow(slowness: Slowness): void {
		this.#slowness = slowness;
	}

	/** From now on, new connections lead to the server at another port of the same host. Those that are open stay where they are. */
	leadTo(port: number): void {
		this.#port = port;
	}

	/** Open and fast, as in the beginning. */
	reopen(): void {
		this.#state = "open";
		this.#slowness = FAST;
		for (const socket of this.#sockets) socket.resume();
		for (const client of this.#waiting.splice(0)) this.#join(client);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const socket of this.#sockets) socket.destroy();
		await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
	}

	#accept(client: Socket): void {
		this.#track(client);
		if (this.#state === "refusing") client.resetAndDestroy();
		else if (this.#state === "silent") this.#waiting.push(client.pause());
		else this.#join(client);
	}

	#join(client: Socket): void {
		if (client.destroyed) return;
		const serverPort = this.#port;
		const server = connect(serverPort, this.#target.hostname);
		this.#track(server);
		server.once("connect", () => this.ports.add(server.localPort ?? 0, serverPort));
		this.#pass(client, server);
		this.#pass(server, client);
		client.resume();
	}

	/** What was received before an end is passed on before it. */
	#pass(from: Socket, to: Socket): void {
		const line = new DelayLine();
		from.on("data", (data) => {
			const { delayMs, bytesPerMs } = this.#slowness;
			line.push(() => to.write(data), delayMs, data.length / bytesPerMs);
		});
		from.once("close", () => line.push(() => to.end(), this.#slowness.delayMs, 0));
		from.once("error", () => to.destroy());
	}

	#track(socket: Socket): void {
		this.#sockets.add(socket);
		socket.setNoDelay(true);
		socket.on("error", () => {});
		socket.once("close", () => this.#sockets.delete(socket));
		if (this.#state === "silent") socket.pause();
	}
}

/** What is on its way in one direction of a connection, in order. */
class DelayLine {
	readonly #steps: { readonly at: number; readonly arrive: () => void }[] = [];
	/** When the last step arrives. */
	#lastAt = 0;

	/** `arrive` is called after the delay, and the other steps before it, and the time that this one takes by itself. */
	push(arrive: () => void, delayMs: number, takesMs: number): void {
		const now = performance.now();
		this.#lastAt = Math.max(now + delayMs, this.#lastAt) + takesMs;
		if (this.#steps.length === 0 && this.#lastAt <= now) return arrive();
		this.#steps.push({ at: this.#lastAt, arrive });
		if (this.#steps.length === 1) this.#wait();
	}

	#wait(): void {
		const [next] = this.#steps;
		if (next !== undefined) setTimeout(() => this.#arrive(), Math.max(0, next.at - performance.now()));
	}

	#arrive(): void {
		for (let [next] = this.#steps; next !== undefined && next.at <= performance.now(); [next] = this.#steps) {
			this.#steps.shift();
			next.arrive();
		}
		this.#wait();
	}
}
