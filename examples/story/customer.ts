// The customer: a receiver that verifies its requests, and is down for a day.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

import { verify } from "@fanfare/sdk";

export class Customer {
	/** While true, every request gets a 503. */
	isDown = false;
	/** How often each event was accepted, by event id. */
	readonly accepted = new Map<string, number>();
	readonly #secret: string;
	readonly #server = createServer((request, response) => void this.#receive(request, response));

	constructor(secret: string) {
		this.#secret = secret;
	}

	/** Listens on a free port, and returns the URL. */
	async open(): Promise<string> {
		this.#server.listen(0, "127.0.0.1");
		await once(this.#server, "listening");
		const address = this.#server.address();
		if (address === null || typeof address === "string") throw new Error("the customer has no port");
		return `http://127.0.0.1:${address.port}`;
	}

	close(): void {
		this.#server.close();
		this.#server.closeAllConnections();
	}

	async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const body = await buffer(request);
		if (this.isDown) {
			response.writeHead(503).end();
			return;
		}
		try {
			// The server's clock is moved, so the signature is checked and the age is not.
			const { id } = await verify(body, request.headers, this.#secret, { toleranceMs: Number.MAX_SAFE_INTEGER });
			this.accepted.set(id, (this.accepted.get(id) ?? 0) + 1);
			response.writeHead(204).end();
		} catch {
			response.writeHead(400).end();
		}
	}
}
