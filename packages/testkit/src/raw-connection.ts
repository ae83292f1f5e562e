// A bare TCP connection to a server, for clients that do what no HTTP library does.
import { connect, type Socket } from "node:net";

import { eventually } from "./eventually.ts";

/** One answer as it came. */
export interface RawAnswer {
	readonly status: number;
	/** Names in lower case. */
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string;
}

/** Sends what it is told to, byte for byte, and takes answers off what comes back. */
export class RawConnection implements Disposable {
	/** When the server has closed the connection, in milliseconds after its making. */
	readonly closed: Promise<number>;
	/** Bytes that the system has taken off our hands; those in its buffers are among them. */
	sentBytes = 0;
	isClosed = false;
	readonly #socket: Socket;
	#received: Buffer = Buffer.alloc(0);

	constructor(port: number) {
		const startedAt = performance.now();
		this.#socket = connect(port, "127.0.0.1");
		this.#socket.on("data", (bytes: Buffer) => (this.#received = Buffer.concat([this.#received, bytes])));
		this.#socket.on("error", () => {});
		this.closed = new Promise((resolve) => {
			this.#socket.on("close", () => {
				this.isClosed = true;
				resolve(performance.now() - startedAt);
			});
		});
	}

	/** What has come and was not read as an answer. */
	get unread(): string {
		return this.#received.toString("latin1");
	}

	/** Resolves with true when the system has taken the bytes, with false if it can't any more. */
	write(bytes: string | Uint8Array): Promise<boolean> {
		return new Promise((resolve) => {
			const onClose = () => resolve(false);
			this.#socket.once("close", onClose);
			this.#socket.write(bytes, (error) => {
				this.#socket.off("close", onClose);
				if (!error) this.sentBytes += Buffer.byteLength(bytes);
				resolve(!error);
			});
		});
	}

	/** A whole request, with its content-length. */
	request(method: string, path: string, headers: Readonly<Record<string, string>>, body = ""): Promise<boolean> {
		return this.write(
			requestHead(method, path, { ...headers, "content-length": String(Buffer.byteLength(body)) }) + body,
		);
	}

	/** The next answer, once it is complete. */
	async answer(timeoutMs?: number): Promise<RawAnswer> {
		const parse = () => {
			const parsed = parseAnswer(this.#received);
			if (parsed === null && this.isClosed)
				throw new Error(`closed without a whole answer: ${JSON.stringify(this.unread)}`);
			return parsed;
		};
		const { answer, length } = await eventually("a whole answer", parse, timeoutMs);
		this.#received = this.#received.subarray(length);
		return answer;
	}

	/** Reads no more, so that the system's buffers fill up. */
	pause(): void {
		this.#socket.pause();
	}

	/** Tears the connection, as a client that crashes does. */
	reset(): void {
		this.#socket.resetAndDestroy();
	}

	[Symbol.dispose](): void {
		this.#socket.destroy();
	}
}

/** The start of a request, up to the body. */
export function requestHead(method: string, path: string, headers: Readonly<Record<string, string>>): string {
	const lines = Object.entries({ host: "127.0.0.1", ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
	return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

function parseAnswer(bytes: Buffer): { answer: RawAnswer; length: number } | null {
	const headEnd = bytes.indexOf("\r\n\r\n");
	if (headEnd === -1) return null;
	const [statusLine = "", ...lines] = bytes.subarray(0, headEnd).toString("latin1").split("\r\n");
	const headers = Object.fromEntries(
		lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
	);
	const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
	if (Number.isNaN(status)) throw new Error(`not an answer: ${JSON.stringify(statusLine)}`);
	if (headers["transfer-encoding"] !== undefined) throw new Error("answers in chunks are not read here");
	const bodyStart = headEnd + 4;
	const length = bodyStart + Number(headers["content-length"] ?? 0);
	if (bytes.length < length) return null;
	return { answer: { status, headers, body: bytes.subarray(bodyStart, length).toString("utf8") }, length };
}
