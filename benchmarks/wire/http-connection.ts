// An HTTP client's connection on a bare socket, with one request in flight at a time.
import { connect, type Socket } from "node:net";

import { digits, frameOf } from "./framing.ts";

const STATUS_AT = "HTTP/1.1 ".length;

interface Waiting {
	readonly resolve: (status: number) => void;
	readonly reject: (error: Error) => void;
}

/** @example using connection = await HttpConnection.open(url); */
export class HttpConnection implements Disposable {
	readonly #socket: Socket;
	#waiting: Waiting | null = null;
	#chunks: Buffer[] = [];
	#size = 0;
	/** The size of the response that is being read; 0 until its head is complete. */
	#end = 0;

	private constructor(socket: Socket) {
		this.#socket = socket;
		socket.on("data", (chunk: Buffer) => this.#take(chunk));
		socket.on("error", (error) => this.#fail(error));
		socket.on("close", () => this.#fail(new Error("the server closed the connection")));
	}

	static open(url: string): Promise<HttpConnection> {
		const { hostname, port } = new URL(url);
		return new Promise((resolve, reject) => {
			const socket = connect({ host: hostname, port: Number(port), noDelay: true });
			socket.once("error", reject);
			socket.once("connect", () => resolve(new HttpConnection(socket.off("error", reject))));
		});
	}

	/** Sends a whole request, and resolves with the status when the whole response has come. `bytes` may be changed then. */
	request(bytes: Buffer): Promise<number> {
		return new Promise((resolve, reject) => {
			if (this.#waiting !== null) throw new Error("a connection can have only one request in flight");
			this.#waiting = { resolve, reject };
			this.#socket.write(bytes);
		});
	}

	[Symbol.dispose](): void {
		this.#socket.destroy();
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

	#fail(error: Error): void {
		this.#waiting?.reject(error);
		this.#waiting = null;
	}
}
