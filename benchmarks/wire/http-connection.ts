// An HTTP client's connection on a bare socket, with one request in flight at a time. Like any client's, it is opened again for the next
// request if the server has closed it while it was idle.
import { once } from "node:events";
import { connect, type Socket } from "node:net";

import { digits, frameOf } from "./framing.ts";

const STATUS_AT = "HTTP/1.1 ".length;

interface Waiting {
	readonly resolve: (status: number) => void;
	readonly reject: (error: Error) => void;
}

/** @example using connection = await HttpConnection.open(url); */
export class HttpConnection implements Disposable {
	readonly #address: { readonly host: string; readonly port: number };
	#socket: Socket;
	#waiting: Waiting | null = null;
	#chunks: Buffer[] = [];
	#size = 0;
	/** The size of the response that is being read; 0 until its head is complete. */
	#end = 0;

	private constructor(url: string) {
		const { hostname, port } = new URL(url);
		this.#address = { host: hostname, port: Number(port) };
		this.#socket = this.#connect();
	}

	static async open(url: string): Promise<HttpConnection> {
		const connection = new HttpConnection(url);
		await once(connection.#socket, "connect");
		return connection;
	}

	/** Whether the server has closed it. */
	get isClosed(): boolean {
		return this.#socket.readableEnded || this.#socket.destroyed;
	}

	/** Sends a whole request, and resolves with the status when the whole response has come. `bytes` may be changed then. */
	request(bytes: Buffer): Promise<number> {
		return new Promise((resolve, reject) => {
			if (this.#waiting !== null) throw new Error("a connection can have only one request in flight");
			this.#waiting = { resolve, reject };
			if (this.isClosed) this.#socket = this.#connect();
			this.#socket.write(bytes);
		});
	}

	[Symbol.dispose](): void {
		this.#socket.destroy();
	}

	#connect(): Socket {
		const socket = connect({ ...this.#address, noDelay: true });
		socket.on("data", (chunk: Buffer) => this.#take(chunk));
		socket.on("error", (error) => this.#fail(socket, error));
		socket.on("close", () => this.#fail(socket, new Error("the server closed the connection")));
		return socket;
	}

	#take(chunk: Buffer): void {
		this.#chunks.push(chunk);
		this.#size += chunk.length;
		if (this.#end === 0) this.#end = this.#frameEnd();
		if (this.#end === 0 || this.#size < this.#end) return;
		const status = digits(this.#chunks[0] ?? Buffer.alloc(0), STATUS_AT);
		const waiting = this.#waiting;
		this.#waiting = null;
		this.#chunks = [];
		this.#size = 0;
		this.#end = 0;
		waiting?.resolve(status);
	}

	#frameEnd(): number {
		if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
		const [bytes] = this.#chunks;
		return bytes === undefined ? 0 : (frameOf(bytes)?.end ?? 0);
	}

	#fail(socket: Socket, error: Error): void {
		// One that was given up before has nothing to say any more.
		if (socket !== this.#socket) return;
		this.#waiting?.reject(error);
		this.#waiting = null;
	}
}
