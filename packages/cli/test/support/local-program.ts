// A program as a developer runs it: receives requests exactly as they are on the wire, and can be stopped and started on the same port.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

import { eventually } from "@fanfare/testkit/eventually";
import { freePort } from "@fanfare/testkit/server-process";

/** A request as it came. */
export interface RawRequest {
	readonly method: string;
	readonly path: string;
	/** Names and values in turn, in their order. */
	readonly rawHeaders: readonly string[];
	readonly body: Buffer;
}

type Respond = (request: RawRequest, response: ServerResponse) => void;

/** The program. */
export class LocalProgram implements AsyncDisposable {
	readonly requests: RawRequest[] = [];
	port = 0;
	respond: Respond = (_, response) => response.end("ok");
	#server: Server | null = null;

	static async start(respond?: Respond): Promise<LocalProgram> {
		const program = new LocalProgram();
		if (respond !== undefined) program.respond = respond;
		// No outgoing connection takes it while the program is stopped.
		program.port = await freePort();
		await program.listen();
		return program;
	}

	/** The ids of the requests, in the order in which they came. */
	get ids(): string[] {
		return this.requests.map((request) => headerOf(request, "webhook-id"));
	}

	async listen(): Promise<void> {
		const server = createServer((incoming, response) => void this.#handle(incoming, response));
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		server.once("error", reject).listen(this.port, "127.0.0.1", resolve);
		await promise;
		this.#server = server;
	}

	/** Stops to listen, and resolves when what is under way is answered. */
	async drain(): Promise<void> {
		const server = this.#server;
		this.#server = null;
		await new Promise((resolve) => server?.close(resolve));
	}

	async stop(): Promise<void> {
		const server = this.#server;
		if (server === null) return;
		this.#server = null;
		const { promise, resolve } = Promise.withResolvers<void>();
		server.close(() => resolve());
		server.closeAllConnections();
		await promise;
	}

	async waitFor(count: number): Promise<readonly RawRequest[]> {
		await eventually(`${count} requests at the program`, () => this.requests.length >= count);
		return this.requests;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.stop();
	}

	async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
		const body = await buffer(incoming);
		const { method = "", url: path = "", rawHeaders } = incoming;
		const request = { method, path, rawHeaders, body };
		this.requests.push(request);
		this.respond(request, response);
	}
}

/** The value of a header; empty if there is none. */
export function headerOf({ rawHeaders }: RawRequest, name: string): string {
	const at = rawHeaders.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === name);
	return rawHeaders[at + 1] ?? "";
}
