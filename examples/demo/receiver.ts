// The receiver, as a customer would run one. It verifies each request with the SDK, and fails some on purpose.
import { EventEmitter, once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

import { verify, type VerifiedEvent } from "@fanfare/sdk";

import type { Fate } from "./faults.ts";

const SLOW_MS = 300;

/** A request with a valid signature. */
export interface Arrival {
	readonly event: VerifiedEvent;
	/** The number of this request among those for the same event, from 1. */
	readonly number: number;
	readonly fate: Fate;
	readonly receivedAt: number;
	readonly path: string;
	readonly headers: IncomingHttpHeaders;
	readonly body: Buffer;
}

export class Receiver {
	/** The secret that requests are verified with. */
	secret = "";
	readonly #server = createServer((request, response) => void this.#receive(request, response));
	readonly #fateOf: (event: VerifiedEvent, number: number) => Fate;
	readonly #emitter = new EventEmitter<{ arrival: [Arrival] }>();
	readonly #attempts = new Map<string, number>();
	readonly #accepted = new Map<string, Arrival>();
	readonly #refusals: string[] = [];
	#verified = 0;

	constructor(fateOf: (event: VerifiedEvent, number: number) => Fate) {
		this.#fateOf = fateOf;
	}

	/** The number of requests with a valid signature. */
	get verified(): number {
		return this.#verified;
	}

	/** Why other requests were refused, one sentence each. */
	get refusals(): readonly string[] {
		return this.#refusals;
	}

	/** Listens on a free port, and returns the URL. */
	async start(): Promise<string> {
		this.#server.listen(0, "127.0.0.1");
		await once(this.#server, "listening");
		const address = this.#server.address();
		if (address === null || typeof address === "string") throw new Error("the receiver has no port");
		return `http://127.0.0.1:${address.port}`;
	}

	close(): void {
		this.#server.close();
		this.#server.closeAllConnections();
	}

	onArrival(listener: (arrival: Arrival) => void): void {
		this.#emitter.on("arrival", listener);
	}

	/** The accepted request for this event. Waits for it if it has not come yet. */
	async accepted(eventId: string, signal: AbortSignal): Promise<Arrival> {
		for (;;) {
			const arrival = this.#accepted.get(eventId);
			if (arrival !== undefined) return arrival;
			await once(this.#emitter, "arrival", { signal });
		}
	}

	async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const receivedAt = Date.now();
		// The server was killed before it had sent the whole request, so nothing was received.
		const body = await buffer(request).catch(() => null);
		if (body === null) return;
		let event: VerifiedEvent;
		try {
			event = await verify(body, request.headers, this.secret);
		} catch (error) {
			this.#refusals.push(error instanceof Error ? error.message : String(error));
			response.writeHead(400).end();
			return;
		}
		const { headers, url: path = "" } = request;
		await this.#handle({ event, receivedAt, path, headers, body }, response);
	}

	async #handle(request: Omit<Arrival, "number" | "fate">, response: ServerResponse): Promise<void> {
		const { event } = request;
		const number = (this.#attempts.get(event.id) ?? 0) + 1;
		const fate = this.#fateOf(event, number);
		const arrival = { ...request, number, fate };
		this.#verified++;
		this.#attempts.set(event.id, number);
		if (isAccepted(fate)) this.#accepted.set(event.id, arrival);
		this.#emitter.emit("arrival", arrival);
		await answer(response, fate);
	}
}

/** Whether this fate is a response with a 2xx status. */
export function isAccepted(fate: Fate): boolean {
	return fate === "accept" || fate === "slow";
}

async function answer(response: ServerResponse, fate: Fate): Promise<void> {
	if (fate === "reset") {
		response.socket?.resetAndDestroy();
		return;
	}
	if (fate === "slow") await sleep(SLOW_MS);
	response.writeHead(isAccepted(fate) ? 204 : 500).end();
}
