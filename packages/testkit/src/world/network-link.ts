// The network between a process and a server that it uses: a TCP proxy that can fall silent, as a network that loses everything, or refuse.
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/**
 * - open: bytes pass.
 * - silent: nothing passes, and connections stay as they are. What was on its way arrives when the link is opened again.
 * - refusing: connections are reset, and so are new ones.
 */
type State = "open" | "silent" | "refusing";

export class NetworkLink implements AsyncDisposable {
	/** The ports from which its connections to the server have come. */
	readonly ports = new Set<number>();
	readonly #target: URL;
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();
	/** Clients that have connected while the link was silent. */
	#waiting: Socket[] = [];
	#state: State = "open";

	private constructor(target: URL) {
		this.#target = target;
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

	reopen(): void {
		this.#state = "open";
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
		const server = connect(Number(this.#target.port), this.#target.hostname);
		this.#track(server);
		server.once("connect", () => this.ports.add(server.localPort ?? 0));
		this.#pass(client, server);
		this.#pass(server, client);
		client.resume();
	}

	/** What was received before an end is passed on before it. */
	#pass(from: Socket, to: Socket): void {
		from.on("data", (data) => to.write(data));
		from.once("close", () => void to.end());
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
