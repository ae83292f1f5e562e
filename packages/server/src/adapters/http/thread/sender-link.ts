// The main thread's end of a thread that makes attempts: sends it batches of requests, and gets batches of outcomes.
import { Worker } from "node:worker_threads";

import type { Clock } from "../../../core/clock.ts";
import type { AttemptEnded, AttemptOutcome, AttemptRequest } from "../../../ports/sender.ts";
import { failed } from "../http-sender.ts";
import type { Names } from "../name-lookup.ts";
import { SendFailure } from "../send-failure.ts";
import type { FromSenderThread, ThreadData, ToSenderThread } from "./messages.ts";
import { RequestPacker, unpackOutcomes } from "./packing.ts";
import { NamesForThread } from "./remote-names.ts";

/**
 * How much of a thread's memory new objects may take, in MB. What an attempt needs lives as long as its receiver takes, and V8 would let
 * it grow to 48 MB.
 */
const YOUNG_GENERATION_MB = 24;

export interface SenderLinkOptions {
	/** The thread's program, which calls `serveRequests`. */
	readonly program: URL;
	readonly data: ThreadData;
	readonly clock: Clock;
	/** Makes the look-ups for the thread. */
	readonly names: Names;
	/** Called when other threads should close this many idle connections, since the process has too many or lacks descriptors. */
	readonly onCrowded: (count: number) => void;
}

/** An attempt that the thread makes. */
interface Pending {
	readonly ended: AttemptEnded;
	readonly body: Uint8Array;
	readonly signal: AbortSignal | undefined;
	readonly onAbort: (() => void) | undefined;
}

/**
 * States: starting ──"ready"──▶ open ──close──▶ closing ──"closed"──▶ closed
 *            └───────────────────┴────────────────┴──thread ends by itself──▶ dead
 *
 * - starting: the thread is loading its program. Requests are sent to it, which reads them when it is ready.
 * - open: it makes attempts.
 * - closing: entered by `close`. The thread aborts its attempts and sends their outcomes.
 * - closed: the thread has been ended.
 * - dead: the thread has ended by itself. The attempts under way are `aborted`, and so is each further one.
 */
export class SenderLink {
	/** Resolves when the thread takes requests. Rejects if it ends before. */
	readonly ready: Promise<void>;
	/** Resolves with the reason if the thread ends by itself. */
	readonly died: Promise<Error>;
	readonly #clock: Clock;
	readonly #worker: Worker;
	readonly #names: NamesForThread;
	readonly #onCrowded: (count: number) => void;
	readonly #packer = new RequestPacker();
	#state: "starting" | "open" | "closing" | "closed" | "dead" = "starting";
	/** By id. An entry is null while its id is free. Their number is that of the most attempts that were ever under way. */
	readonly #pending: (Pending | null)[] = [];
	readonly #freeIds: number[] = [];
	#isFlushing = false;
	/** The error that ends the thread; undefined if it ends without one. */
	#failure: unknown = undefined;
	/** What further attempts end with. */
	#refusal: SendFailure | null = null;
	readonly #readiness = Promise.withResolvers<void>();
	readonly #death = Promise.withResolvers<Error>();
	readonly #closing = Promise.withResolvers<void>();

	constructor({ program, data, clock, names, onCrowded }: SenderLinkOptions) {
		this.ready = this.#readiness.promise;
		this.died = this.#death.promise;
		this.#clock = clock;
		this.#onCrowded = onCrowded;
		this.#names = new NamesForThread(names, (message) => this.#tell(message));
		this.#worker = new Worker(program, {
			// Shown by the system for each thread, of which it keeps 15 letters.
			name: `fanfare-send-${data.index + 1}`,
			workerData: data,
			resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
			// The thread needs neither the arguments of the process nor its environment, but for what says whom TLS trusts.
			env: trustOf(process.env),
			argv: [],
		});
		this.#worker.on("message", (message: FromSenderThread) => this.#receive(message));
		// Both are events of the end: "error" comes only if an error has ended the thread, "exit" always, and last.
		this.#worker.on("error", (error) => (this.#failure = error));
		this.#worker.on("exit", (exitCode) => this.#exited(exitCode));
	}

	/** Attempts under way. */
	get exchanges(): number {
		return this.#pending.length - this.#freeIds.length;
	}

	/** Makes an attempt. All requests of a turn of the event loop go to the thread together. */
	send(request: AttemptRequest, ended: AttemptEnded): void {
		if (this.#refusal !== null) return ended(failed(this.#refusal));
		const { body, signal } = request;
		const id = this.#freeIds.pop() ?? this.#pending.push(null) - 1;
		const onAbort = signal === undefined ? undefined : () => this.#tell({ kind: "cancel", id });
		if (onAbort !== undefined) signal?.addEventListener("abort", onAbort);
		// Pending attempts keep the process alive; an idle thread does not.
		if (this.exchanges === 1) this.#worker.ref();
		this.#pending[id] = { ended, body, signal, onAbort };
		this.#packer.add(id, request);
		this.#flushLater();
	}

	/** Tells the thread something besides requests, after the requests before it. Has no effect when the thread has ended. */
	#tell(message: ToSenderThread): void {
		this.#flush();
		this.#worker.postMessage(message, []);
	}

	abort(): void {
		this.#tell({ kind: "abort" });
	}

	/** Puts other rules in force for each connection from now on. */
	recheck(rules: ThreadData["rules"]): void {
		this.#tell({ kind: "rules", rules });
	}

	closeFree(count: number): void {
		this.#tell({ kind: "closeFree", count });
	}

	/** Aborts the attempts under way, closes all connections, and ends the thread. To be called once. */
	async close(): Promise<void> {
		if (this.#state !== "dead") {
			this.#state = "closing";
			this.#refusal = new SendFailure("aborted", "the sender is closed");
			this.#worker.ref();
			this.#tell({ kind: "close" });
			await this.#closing.promise;
		}
		this.#names.close();
		await this.#worker.terminate();
	}

	#flushLater(): void {
		if (this.#isFlushing) return;
		this.#isFlushing = true;
		this.#clock.nextTurn(this.#flush);
	}

	readonly #flush = (): void => {
		this.#isFlushing = false;
		const taken = this.#packer.take();
		if (taken !== null) this.#worker.postMessage(taken.batch, taken.transferred);
	};

	#receive(message: FromSenderThread): void {
		switch (message.kind) {
			case "ready":
				if (this.#state === "starting") this.#state = "open";
				this.#readiness.resolve();
				if (this.exchanges === 0 && this.#state === "open") this.#worker.unref();
				return;
			case "outcomes":
				return unpackOutcomes(message.values, (id, outcome) => this.#ended(id, outcome));
			case "ask":
				return void this.#names.ask(message.id, message.owner, message.hostname);
			case "unask":
				return this.#names.unask(message.id);
			case "crowded":
				return this.#onCrowded(message.count);
			case "closed":
				this.#state = "closed";
				this.#closing.resolve();
		}
	}

	#ended(id: number, outcome: AttemptOutcome): void {
		const pending = this.#pending[id];
		if (pending === null || pending === undefined) return;
		const { ended, body, signal, onAbort } = pending;
		this.#pending[id] = null;
		this.#freeIds.push(id);
		if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
		if (this.#packer.end(body) && this.#state !== "dead") this.#flushLater();
		if (this.exchanges === 0 && this.#state === "open") this.#worker.unref();
		if (outcome.error === "shortage") this.#onCrowded(Infinity);
		ended(outcome);
	}

	/** The thread has ended. All that it had sent before was received. */
	#exited(exitCode: number): void {
		if (this.#state === "closed") return;
		const isUnexpected = this.#state !== "closing";
		this.#state = "dead";
		const failure = this.#failure;
		const cause = failure instanceof Error ? failure.message : `exit code ${exitCode}`;
		const message = `a thread that makes attempts has ended unexpectedly (${cause}): start the server again, it goes on with the deliveries`;
		const error = new Error(message, failure === undefined ? undefined : { cause: failure });
		this.#refusal = new SendFailure("aborted", message);
		this.#readiness.reject(error);
		if (isUnexpected) this.#death.resolve(error);
		this.#closing.resolve();
		const outcome = failed(this.#refusal);
		for (const id of this.#pending.keys()) this.#ended(id, outcome);
	}
}

/** Given an environment, Node reads neither its own nor NODE_OPTIONS for a thread. */
function trustOf({ NODE_OPTIONS = "", NODE_USE_SYSTEM_CA }: NodeJS.ProcessEnv): Record<string, string> {
	const trustsSystem = NODE_USE_SYSTEM_CA === "1" || NODE_OPTIONS.split(/\s+/).includes("--use-system-ca");
	return trustsSystem ? { NODE_USE_SYSTEM_CA: "1" } : {};
}
