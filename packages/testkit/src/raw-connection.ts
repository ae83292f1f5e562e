// A bare TCP connection to a server, for requests that an HTTP library would not send.
import { connect, type Socket } from "node:net";

import { eventually } from "./eventually.ts";

/** A response as it was read. */
export interface RawAnswer {
	readonly status: number;
	/** Names in lower case. */
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string;
}

/**
 * Sends exactly the given bytes, and parses responses from the bytes that come back.
 *
 * @example
 * using connection = new RawConnection(server.port);
 * await connection.write(requestHead("GET", "/healthz", {}));
 * expect((await connection.answer()).status).toBe(200);
 */
export class RawConnection implements Disposable {
	/** Resolves when the server closes the connection. */
	readonly closed: Promise<void>;
	/** Bytes that were handed to the operating system, including those that are still in its buffers. */
	sentBytes = 0;
	isClosed = false;
	readonly #socket: Socket;
	#received: Buffer = Buffer.alloc(0);

	constructor(port: number) {
		this.#socket = connect(port, "127.0.0.1");
		this.#socket.on("data", (bytes: Buffer) => (this.#received = Buffer.concat([this.#received, bytes])));
		this.#socket.on("error", () => {});
		this.closed = new Promise((resolve) => {
			this.#socket.on("close", () => {
				this.isClosed = true;
				resolve();
			});
		});
	}

	/** What was received and not yet parsed as a response. */
	get unread(): string {
		return this.#received.toString("latin1");
	}

	/** Resolves with true when the operating system has taken the bytes, with false if the connection is closed. */
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

	/** Sends a whole request, with its content-length. */
	request(method: string, path: string, headers: Readonly<Record<string, string>>, body = ""): Promise<boolean> {
		return this.write(
			requestHead(method, path, { ...headers, "content-length": String(Buffer.byteLength(body)) }) + body,
		);
	}

	/** Waits for the next complete response. */
	async answer(timeoutMs?: number): Promise<RawAnswer> {
		const parse = () => {
			const parsed = parseAnswer(this.#received);
			if (parsed === null && this.isClosed)
				throw new Error(`the connection was closed before a complete response: ${JSON.stringify(this.unread)}`);
			return parsed;
		};
		const { answer, length } = await eventually("a complete response", parse, timeoutMs);
		this.#received = this.#received.subarray(length);
		return answer;
	}

	/** Stops reading, so that the operating system's buffers fill up. */
	pause(): void {
		this.#socket.pause();
	}

	/** Reads again after `pause`. */
	resume(): void {
		this.#socket.resume();
	}

	/** Resets the connection, as a client does that crashes. */
	reset(): void {
		this.#socket.resetAndDestroy();
	}

	[Symbol.dispose](): void {
		this.#socket.destroy();
	}
}

/** The head of a request: everything before the body. */
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
	if (Number.isNaN(status)) throw new Error(`expected an HTTP response, got ${JSON.stringify(statusLine)}`);
	if (headers["transfer-encoding"] !== undefined) throw new Error("RawConnection can't read chunked responses");
	const bodyStart = headEnd + 4;
	const length = bodyStart + Number(headers["content-length"] ?? 0);
	if (bytes.length < length) return null;
	return { answer: { status, headers, body: bytes.subarray(bodyStart, length).toString("utf8") }, length };
}
