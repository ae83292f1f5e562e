// A response of server-sent events (the event stream format of the HTML standard), which has no known end: what there is to say is asked
// for when the client has read what came before.
/** Where the signals for a client come from. */
interface Subscription<Signal> {
	/** Resolves with what is to be sent next; null at the end. Not called again before it has resolved. */
	next(): Promise<readonly Signal[] | null>;
	/** Called when the client is gone. May be called twice, and after the end. */
	close(): void;
}

/** The part of Node's `ServerResponse` that is used here. */
export interface NodeStreamResponse {
	readonly destroyed: boolean;
	writeHead(status: number, headers: Record<string, string>): unknown;
	flushHeaders(): unknown;
	/** False if the client has not read all yet: "drain" follows. */
	write(text: string): boolean;
	end(): unknown;
	once(event: "close" | "drain", listener: () => void): unknown;
	off(event: "close" | "drain", listener: () => void): unknown;
	destroy(error?: Error): unknown;
}

const encoder = new TextEncoder();

/** The body of such a response. It is written to Node's response, or read as a web stream where there is none, once and by one of the two. */
export class ServerSentEvents<Signal = unknown> {
	readonly #subscription: Subscription<Signal>;
	readonly #textOf: (signal: Signal) => string;
	#head: string;

	constructor(retryMs: number, subscription: Subscription<Signal>, textOf: (signal: Signal) => string) {
		this.#head = `retry: ${retryMs}\n`;
		this.#subscription = subscription;
		this.#textOf = textOf;
	}

	/** For a response without a body, or a client that is gone. */
	close(): void {
		this.#subscription.close();
	}

	/**
	 * Writes the response, until one side ends it. A web stream between the two would take twenty kilobytes for each client, most of which
	 * only wait.
	 */
	writeTo(response: NodeStreamResponse, status: number, headers: Record<string, string>): void {
		if (response.destroyed) return this.close();
		response.once("close", () => this.close());
		response.writeHead(status, headers);
		response.flushHeaders();
		void this.#write(response);
	}

	web(): ReadableStream<Uint8Array> {
		return new ReadableStream<Uint8Array>(
			{
				pull: async (controller) => {
					const signals = await this.#subscription.next();
					if (signals === null) controller.close();
					else controller.enqueue(encoder.encode(this.#text(signals)));
				},
				cancel: () => this.close(),
			},
			{ highWaterMark: 0 },
		);
	}

	/** Never rejects. */
	async #write(response: NodeStreamResponse): Promise<void> {
		try {
			for (;;) {
				const signals = await this.#subscription.next();
				if (response.destroyed) return;
				if (signals === null) return void response.end();
				if (!response.write(this.#text(signals))) await hasRead(response);
			}
		} catch (error) {
			// Nothing above fails. If it did, the client would learn it as it does when the server crashes, and connect anew.
			response.destroy(error instanceof Error ? error : undefined);
		}
	}

	#text(signals: readonly Signal[]): string {
		const text = this.#head + signals.map(this.#textOf).join("");
		this.#head = "";
		return text;
	}
}

/** Resolves when the client has read what was written, or is gone. */
function hasRead(response: NodeStreamResponse): Promise<void> {
	return new Promise((resolve) => {
		const done = () => {
			response.off("drain", done);
			response.off("close", done);
			resolve();
		};
		response.once("drain", done);
		response.once("close", done);
	});
}

/**
 * The response of a route whose client listens: after a lost connection it waits for `retryMs` before it connects anew.
 *
 * @example
 * return eventStream(2_000, subscription, (signal) => `data: ${JSON.stringify(signal)}\n\n`);
 */
export function eventStream<Signal>(
	retryMs: number,
	subscription: Subscription<Signal>,
	textOf: (signal: Signal) => string,
) {
	return {
		status: 200,
		body: new ServerSentEvents(retryMs, subscription, textOf) as ServerSentEvents,
		contentType: "text/event-stream; charset=utf-8",
		// Otherwise proxies such as nginx buffer the response.
		headers: { "x-accel-buffering": "no" },
	};
}
