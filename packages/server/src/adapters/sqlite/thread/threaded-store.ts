// The embedded store in a thread of its own: the server keeps running while the store waits for the disk or reads the log.
//
// Calls are made one after the other, in their order. If the thread ends by itself (out of memory, a bug), the process ends with an
// error: acknowledged data is on the disk, and the next start continues from there.
import { Worker } from "node:worker_threads";

import type { Store } from "../../../ports/store/store.ts";
import type { SqliteStoreOptions } from "../sqlite-store.ts";
import type { Packed } from "./packing.ts";
import { fromPlainError, PACKED_CALLS, type ReplyMessage, type CallMessage } from "./thread-messages.ts";

/**
 * Opens the store like `openSqliteStore`, in a thread of its own.
 *
 * @example
 * const store = await openThreadedSqliteStore({ path: "fanfare.db" });
 */
export async function openThreadedSqliteStore(options: SqliteStoreOptions): Promise<Store> {
	const thread = new StoreThread(options);
	try {
		const names = (await thread.opened) as readonly string[];
		const calls = names.map((name) => [name, (...parameters: readonly unknown[]) => thread.call(name, parameters)]);
		return { ...(Object.fromEntries(calls) as Store), close: () => thread.close() };
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

class StoreThread {
	readonly opened: Promise<unknown>;
	readonly #worker: Worker;
	#pending: PendingCall[] = [];
	#closed: Promise<void> | null = null;

	constructor(options: SqliteStoreOptions) {
		this.#worker = new Worker(threadFile(), {
			workerData: options,
			// The thread needs neither the environment nor the arguments of the process.
			env: {},
			argv: [],
		});
		this.#worker.on("message", (message: ReplyMessage) => this.#receive(message));
		this.opened = this.#expect("open");
	}

	call(name: string, parameters: readonly unknown[]): Promise<unknown> {
		if (this.#closed !== null) return Promise.reject(closedError());
		return this.#send(name, parameters);
	}

	/** Closes the store and ends the thread, after the calls made before. */
	close(): Promise<void> {
		this.#closed ??= this.#send("close", []).then(() => this.end());
		return this.#closed;
	}

	async end(): Promise<void> {
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
}

function closedError(): Error {
	return fromPlainError({ code: "store_unavailable", message: "the store is closed", stack: undefined, cause: null });
}

/** The file of the thread, which is beside this one as TypeScript or as built JavaScript. */
function threadFile(): URL {
	return new URL(import.meta.url.endsWith(".ts") ? "./store-thread.ts" : "./store-thread.js", import.meta.url);
}
