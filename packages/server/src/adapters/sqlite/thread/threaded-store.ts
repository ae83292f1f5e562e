// The embedded store in a thread of its own: the server keeps running while the store waits for the disk or reads the log.
//
// Calls are made one after the other, in their order. If the thread ends by itself (out of memory, a bug), every call
// rejects and the opener is told: acknowledged data is on the disk, and the next start continues from there.
import { Worker } from "node:worker_threads";

import { StoreError } from "../../../ports/store/errors.ts";
import type { Store } from "../../../ports/store/store.ts";
import type { SqliteStoreOptions } from "../sqlite-store.ts";
import type { Packed } from "./packing.ts";
import { fromPlainError, PACKED_CALLS, type ReplyMessage, type CallMessage } from "./thread-messages.ts";

/** A store whose thread is running. */
export interface ThreadedStore {
	readonly store: Store;
	/**
	 * Resolves if the thread ends although nobody has closed the store, with the error that all calls reject with from
	 * then on (`store_unavailable`). Stays pending otherwise, also after `close`.
	 */
	readonly died: Promise<StoreError>;
}

/**
 * Opens the store like `openSqliteStore`, in a thread of its own.
 *
 * @example
 * const { store, died } = await openThreadedSqliteStore({ path: "fanfare.db" });
 * void died.then((error) => console.error(error.message));
 */
export async function openThreadedSqliteStore(options: SqliteStoreOptions): Promise<ThreadedStore> {
	const thread = new StoreThread(options);
	try {
		const names = (await thread.opened) as readonly string[];
		const calls = names.map((name) => [name, (...parameters: readonly unknown[]) => thread.call(name, parameters)]);
		const store = { ...(Object.fromEntries(calls) as Store), close: () => thread.close() };
		return { store, died: thread.died };
	} catch (error) {
		await thread.end();
		throw error;
	}
}

interface PendingCall {
	readonly name: string;
	readonly resolve: (value: unknown) => void;
	readonly reject: (error: Error) => void;
}

/**
 * States: open ──close──▶ closing ──thread has ended──▶ closed
 *           └─────────────────┴──thread ends by itself──▶ dead
 *
 * - open: calls are sent to the thread, which replies in their order.
 * - closing: entered by `close`, or by `end` if the store could not be opened. New calls are refused, earlier ones are
 *   still answered.
 * - closed: the thread has ended as it should.
 * - dead: the thread has ended by itself. The calls that were pending have been rejected, and new ones are, too.
 */
class StoreThread {
	readonly opened: Promise<unknown>;
	readonly died: Promise<StoreError>;
	readonly #worker: Worker;
	#state: "open" | "closing" | "closed" | "dead" = "open";
	#pending: PendingCall[] = [];
	#closed: Promise<void> | null = null;
	/** What new calls are refused with. */
	#refusal = new StoreError("store_unavailable", "the store is closed");
	/** The error that ends the thread; undefined if it ends without one. */
	#failure: unknown = undefined;
	#tellDeath: (error: StoreError) => void = () => {};

	constructor(options: SqliteStoreOptions) {
		this.died = new Promise((resolve) => {
			this.#tellDeath = resolve;
		});
		this.#worker = new Worker(threadFile(), {
			workerData: options,
			// The thread needs neither the environment nor the arguments of the process.
			env: {},
			argv: [],
		});
		this.#worker.on("message", (message: ReplyMessage) => this.#receive(message));
		// Both are events of the end: "error" comes only if an error has ended the thread, "exit" always, and last.
		this.#worker.on("error", (error) => (this.#failure = error));
		this.#worker.on("exit", (exitCode) => this.#exited(exitCode));
		this.opened = this.#expect("open");
	}

	call(name: string, parameters: readonly unknown[]): Promise<unknown> {
		if (this.#state !== "open") return Promise.reject(this.#refusal);
		return this.#send(name, parameters);
	}

	/** Closes the store and ends the thread, after the calls made before. Has nothing to do if the thread is dead. */
	close(): Promise<void> {
		if (this.#state === "dead") return Promise.resolve();
		this.#closed ??= this.#close();
		return this.#closed;
	}

	async #close(): Promise<void> {
		this.#state = "closing";
		await this.#send("close", []);
		await this.end();
	}

	/** Ends the thread at once. */
	async end(): Promise<void> {
		if (this.#state !== "dead") this.#state = "closed";
		await this.#worker.terminate();
	}

	async #send(name: string, parameters: readonly unknown[]): Promise<unknown> {
		const packed = PACKED_CALLS[name]?.pack?.(parameters);
		const message: CallMessage = { name, parameters: packed === undefined ? parameters : [packed] };
		// Throws if the message can't be cloned: then no reply is expected.
		this.#worker.postMessage(message, packed === undefined ? [] : [packed.bodies]);
		return this.#expect(name);
	}

	/** Returns the reply to the call that was just sent. A pending call keeps the process alive; an idle thread does not. */
	#expect(name: string): Promise<unknown> {
		if (this.#pending.length === 0) this.#worker.ref();
		return new Promise((resolve, reject) => this.#pending.push({ name, resolve, reject }));
	}

	#receive(message: ReplyMessage): void {
		const call = this.#pending.shift();
		if (this.#pending.length === 0) this.#worker.unref();
		if (call === undefined) return;
		if ("error" in message) {
			call.reject(fromPlainError(message.error));
			return;
		}
		const packed = PACKED_CALLS[call.name];
		call.resolve(packed === undefined ? message.value : packed.unpackResult(message.value as Packed));
	}

	/** The thread has ended. All replies that it had sent before were received. */
	#exited(exitCode: number): void {
		if (this.#state === "closed") return;
		this.#state = "dead";
		this.#refusal = deathError(exitCode, this.#failure);
		for (const { reject } of this.#pending.splice(0)) reject(this.#refusal);
		this.#tellDeath(this.#refusal);
	}
}

function deathError(exitCode: number, failure: unknown): StoreError {
	const cause = failure instanceof Error ? failure.message : `exit code ${exitCode}`;
	const message = `the store's thread has ended unexpectedly (${cause}): start the server again, it continues from the data on the disk`;
	return new StoreError("store_unavailable", message, failure === undefined ? undefined : { cause: failure });
}

/** The file of the thread, which is beside this one as TypeScript or as built JavaScript. */
function threadFile(): URL {
	return new URL(import.meta.url.endsWith(".ts") ? "./store-thread.ts" : "./store-thread.js", import.meta.url);
}
