// The embedded store in a thread of its own: while it waits for the disk or reads the log, the server goes on.
//
// Calls are done one after the other, in the order in which they were made. Should the thread ever end by itself (out of memory,
// a defect), the process ends with it, loudly: what was acknowledged is on the disk, and the next start goes on from there.
import { Worker } from "node:worker_threads";

import type { Store } from "../../../ports/store/store.ts";
import type { SqliteStoreOptions } from "../sqlite-store.ts";
import type { Packed } from "./packing.ts";
import { fromPlainError, PACKED_CALLS, type AnswerMessage, type CallMessage } from "./thread-messages.ts";

/**
 * Opens the store as `openSqliteStore` does, in a thread.
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
			// Nothing of this process' environment or arguments is any of its business.
			env: {},
			argv: [],
		});
		this.#worker.on("message", (message: AnswerMessage) => this.#hear(message));
		this.opened = this.#expect("open");
	}

	call(name: string, parameters: readonly unknown[]): Promise<unknown> {
		if (this.#closed !== null) return Promise.reject(closedError());
		return this.#send(name, parameters);
	}

	/** Closes the store, and ends the thread. What was called before is done before. */
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
		// Throws if something in it can't be cloned: then there is no answer to expect.
		this.#worker.postMessage(message, packed === undefined ? [] : [packed.bodies]);
		return this.#expect(name);
	}

	/** The next answer that is not spoken for. A call under way keeps the process alive; an idle thread does not. */
	#expect(name: string): Promise<unknown> {
		if (this.#pending.length === 0) this.#worker.ref();
		return new Promise((resolve, reject) => this.#pending.push({ name, resolve, reject }));
	}

	#hear(message: AnswerMessage): void {
		const call = this.#pending.shift();
		if (this.#pending.length === 0) this.#worker.unref();
		if (call === undefined) return;
		if ("error" in message) {
			call.reject(fromPlainError(message.error));
			return;
		}
		const packed = PACKED_CALLS[call.name];
		call.resolve(packed === undefined ? message.value : packed.unpackAnswer(message.value as Packed));
	}
}

function closedError(): Error {
	return fromPlainError({ code: "store_unavailable", message: "the store is closed", stack: undefined, cause: null });
}

/** Beside this file, as source or as built. */
function threadFile(): URL {
	return new URL(import.meta.url.endsWith(".ts") ? "./store-thread.ts" : "./store-thread.js", import.meta.url);
}
