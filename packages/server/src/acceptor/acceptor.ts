// The main thread's end of the thread that accepts requests: answers the sends that it has read, and serves everything else that it passes on.
import { maxHeaderSize } from "node:http";
import { Worker } from "node:worker_threads";

import type { LeanPath, ReadSend } from "../api/request/lean/lean-path.ts";
import type { UnreadableRequests } from "../api/request/unreadable.ts";
import type { Clock } from "../core/clock.ts";
import { HttpServer, urlOf, type Listener } from "../http-server.ts";
import { listenError } from "../listen-error.ts";
import { Links } from "./links.ts";
import { NO_RESPONSE, type AcceptorData, type FromAcceptor, type ToAcceptor } from "./messages.ts";
import { ResponsePacker, unpackSends } from "./packing.ts";

/** How much of the thread's memory new objects may take, in MB. With 24, the server took 30 MB more in floods. */
const YOUNG_GENERATION_MB = 4;

/** See `NO_RESPONSE`. */
const CLOSED = { status: NO_RESPONSE, headers: {}, body: "" };

interface AcceptorOptions {
	readonly host: string;
	/** 0 chooses a free port. */
	readonly port: number;
	readonly maxConnections: number;
	/** Called for each connection that is closed because there are too many. */
	readonly refused: () => void;
	/** The thread's program, which calls `acceptRequests`. */
	readonly program: URL;
}

/**
 * Serves like `HttpServer`, with a thread that reads and writes.
 *
 * States: starting ──"listening"──▶ open ──close──▶ closing ──"closed"──▶ closed
 *            └─────────────────────────┴──────────────┴──thread ends by itself──▶ dead
 *
 * - starting: the thread loads its program, and tries to listen. If it can't, the start fails and the thread is ended.
 * - open: it accepts requests.
 * - closing: entered by `close`. It accepts no more, and responses in progress get a grace period.
 * - closed: the thread has been ended.
 * - dead: the thread has ended by itself. Nobody listens any more.
 */
export class Acceptor {
	/** Resolves with the reason if the thread ends by itself. */
	readonly died: Promise<Error>;
	readonly #options: AcceptorOptions;
	readonly #unreadable: UnreadableRequests;
	readonly #clock: Clock;
	/** Serves what the thread passes on. */
	readonly #main: HttpServer;
	/** By which it does. */
	readonly #links: Links;
	readonly #worker: Worker;
	readonly #connections: Int32Array;
	readonly #packer = new ResponsePacker();
	#state: "starting" | "open" | "closing" | "closed" | "dead" = "starting";
	#port = 0;
	#lean: Pick<LeanPath, "answer"> | null = null;
	#isFlushing = false;
	/** The error that ends the thread; undefined if it ends without one. */
	#failure: unknown = undefined;
	readonly #listening = Promise.withResolvers<void>();
	readonly #death = Promise.withResolvers<Error>();
	readonly #closing = Promise.withResolvers<void>();

	private constructor(options: AcceptorOptions, unreadable: UnreadableRequests, clock: Clock) {
		const { host, port, maxConnections, program } = options;
		const connections = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
		const data: AcceptorData = { host, port, maxConnections, connections };
		this.died = this.#death.promise;
		this.#options = options;
		this.#main = serveThread(clock);
		this.#links = new Links(
			(message, transferred) => this.#tell({ kind: "link", message }, transferred),
			(link) => this.#main.take(link),
		);
		this.#unreadable = unreadable;
		this.#clock = clock;
		this.#connections = new Int32Array(connections);
		this.#worker = new Worker(program, {
			// Shown by the system for each thread, of which it keeps 15 letters.
			name: "fanfare-accept",
			workerData: data,
			resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
			env: {},
			argv: [],
		});
		this.#worker.on("message", (message: FromAcceptor) => this.#receive(message));
		// Both are events of the end: "error" comes only if an error has ended the thread, "exit" always, and last.
		this.#worker.on("error", (error) => (this.#failure = error));
		this.#worker.on("exit", (exitCode) => this.#exited(exitCode));
	}

	/** Starts listening. Rejects with an error that explains why that is not possible. */
	static async listen(options: AcceptorOptions, unreadable: UnreadableRequests, clock: Clock): Promise<Acceptor> {
		const acceptor = new Acceptor(options, unreadable, clock);
		try {
			await acceptor.#listening.promise;
		} catch (error) {
			await acceptor.close();
			throw error;
		}
		return acceptor;
	}

	/** Connections of clients that are open. */
	get connections(): number {
		return Atomics.load(this.#connections, 0);
	}

	get port(): number {
		return this.#port;
	}

	get url(): string {
		return urlOf(this.#options.host, this.#port);
	}

	/** See `HttpServer.handle`. With `lean` the thread reads the sends that it takes. */
	handle(listener: Listener, lean: Pick<LeanPath, "answer"> | null = null): void {
		this.#main.handle(listener);
		this.#lean = lean;
		if (lean !== null) this.#tell({ kind: "takesSends" });
	}

	/** See `HttpServer.close`. */
	async close(): Promise<void> {
		if (this.#state === "starting" || this.#state === "open") {
			this.#state = "closing";
			this.#flush();
			this.#tell({ kind: "close" });
		}
		if (this.#state === "closing") await this.#closing.promise;
		this.#links.close();
		await this.#worker.terminate();
	}

	#tell(message: ToAcceptor, transferred: ArrayBuffer[] = []): void {
		this.#worker.postMessage(message, transferred);
	}

	#receive(message: FromAcceptor): void {
		switch (message.kind) {
			case "listening":
				this.#port = message.port;
				this.#state = "open";
				return this.#listening.resolve();
			case "notListening":
				return void this.#notListening(message);
			case "sends":
				return unpackSends(message, (id, send) => void this.#answer(id, send));
			case "refused":
				return this.#options.refused();
			case "unreadable":
				return this.#refuse(message);
			case "dropped": {
				const { remoteAddress, openRequests } = message;
				return this.#unreadable.drop({ remoteAddress: remoteAddress ?? undefined, destroy() {} }, openRequests);
			}
			case "closed":
				this.#state = "closed";
				return this.#closing.resolve();
			case "link":
				return this.#links.receive(message.message);
		}
	}

	async #notListening({ code, message }: Extract<FromAcceptor, { kind: "notListening" }>): Promise<void> {
		const error = Object.assign(new Error(message), code !== null && { code });
		this.#listening.reject(await listenError(error, this.#options));
	}

	/** Never rejects. */
	async #answer(id: number, send: ReadSend): Promise<void> {
		if (this.#lean === null) throw new Error("the thread has read a send before it was told to");
		const settled = await this.#lean.answer(send);
		const { status, headers, body } = settled ?? CLOSED;
		if (typeof body !== "string") throw new TypeError("the response to a send must be text");
		this.#packer.add(id, { status, headers, body });
		if (this.#isFlushing) return;
		this.#isFlushing = true;
		this.#clock.nextTurn(() => this.#flush());
	}

	#flush(): void {
		if (!this.#isFlushing) return;
		this.#isFlushing = false;
		this.#tell({ kind: "responses", values: this.#packer.take() });
	}

	#refuse({ id, code, remoteAddress }: Extract<FromAcceptor, { kind: "unreadable" }>): void {
		let text = "";
		const connection = {
			writable: true,
			remoteAddress: remoteAddress ?? undefined,
			write: (bytes: string) => void (text += bytes),
			destroySoon: () => this.#tell({ kind: "refusal", id, text }),
		};
		this.#unreadable.refuse(connection, code ?? undefined, false);
	}

	#exited(exitCode: number): void {
		if (this.#state === "closed") return;
		const isUnexpected = this.#state !== "closing";
		this.#state = "dead";
		const failure = this.#failure;
		const cause = failure instanceof Error ? failure.message : `exit code ${exitCode}`;
		const error = new Error(
			`the thread that accepts requests has ended unexpectedly (${cause}): start the server again`,
			failure === undefined ? undefined : { cause: failure },
		);
		this.#links.close();
		this.#listening.reject(error);
		if (isUnexpected) this.#death.resolve(error);
		this.#closing.resolve();
	}
}

/** The main thread's own server, for the requests that the thread passes on. */
function serveThread(clock: Clock): HttpServer {
	const own = {
		// The thread has limited the headers of the client.
		maxHeaderBytes: 2 * maxHeaderSize,
		// It limits their time, too: a request or response that it gives up ends here as well.
		requestTimeoutMs: 0,
		unreadMs: 0,
	};
	// What breaks off here was broken off by a client, of which the thread has told.
	const ofThread = {
		refuse: (socket: { destroySoon(): void }) => socket.destroySoon(),
		drop: (socket: { destroy(): unknown }) => void socket.destroy(),
	};
	return HttpServer.forGiven(own, ofThread, clock);
}
