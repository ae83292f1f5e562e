// Name look-ups of a thread: the main thread makes them for all threads, so that they are divided by project as if there were one sender.
import type { LookupAddress } from "node:dns";

import type { Asking, NameOwner, Names } from "../name-lookup.ts";
import { SendFailure } from "../send-failure.ts";
import {
	fromPlainFailure,
	toPlainFailure,
	type FromSenderThread,
	type PlainFailure,
	type ToSenderThread,
} from "./messages.ts";

interface Asked {
	readonly resolve: (addresses: readonly LookupAddress[]) => void;
	readonly reject: (failure: SendFailure) => void;
	readonly onTurn: (() => void) | undefined;
}

/** The thread's end: asks the main thread. */
export class RemoteNames implements Names {
	readonly #tell: (message: FromSenderThread) => void;
	readonly #asked = new Map<number, Asked>();
	#lastId = 0;

	constructor(tell: (message: FromSenderThread) => void) {
		this.#tell = tell;
	}

	/** See `Names`. If the signal is aborted, the promise stays pending: the caller does not wait for it any more. */
	resolve(
		{ projectId, customerId }: NameOwner,
		hostname: string,
		{ signal, onTurn }: Asking = {},
	): Promise<readonly LookupAddress[]> {
		const id = ++this.#lastId;
		const { promise, resolve, reject } = Promise.withResolvers<readonly LookupAddress[]>();
		this.#asked.set(id, { resolve, reject, onTurn });
		signal?.addEventListener("abort", () => {
			if (this.#asked.delete(id)) this.#tell({ kind: "unask", id });
		});
		this.#tell({ kind: "ask", id, owner: { projectId, customerId }, hostname });
		return promise;
	}

	turn(id: number): void {
		this.#asked.get(id)?.onTurn?.();
	}

	found(id: number, addresses: readonly LookupAddress[]): void {
		this.#take(id)?.resolve(addresses);
	}

	failed(id: number, failure: PlainFailure): void {
		this.#take(id)?.reject(fromPlainFailure(failure));
	}

	#take(id: number): Asked | undefined {
		const asked = this.#asked.get(id);
		this.#asked.delete(id);
		return asked;
	}
}

/** The main thread's end: looks up what one thread asks for. */
export class NamesForThread {
	readonly #names: Names;
	readonly #tell: (message: ToSenderThread) => void;
	readonly #asking = new Map<number, AbortController>();

	constructor(names: Names, tell: (message: ToSenderThread) => void) {
		this.#names = names;
		this.#tell = tell;
	}

	/** Sends the thread the addresses, or why there are none. */
	async ask(id: number, owner: NameOwner, hostname: string): Promise<void> {
		const abort = new AbortController();
		this.#asking.set(id, abort);
		const asking = { signal: abort.signal, onTurn: () => this.#tell({ kind: "turn", id }) };
		let answer: ToSenderThread;
		try {
			answer = { kind: "addresses", id, addresses: await this.#names.resolve(owner, hostname, asking) };
		} catch (error) {
			answer = { kind: "noAddresses", id, failure: plainFailureOf(error) };
		}
		if (this.#asking.delete(id)) this.#tell(answer);
	}

	unask(id: number): void {
		const abort = this.#asking.get(id);
		this.#asking.delete(id);
		abort?.abort();
	}

	/** The thread has ended. */
	close(): void {
		for (const id of this.#asking.keys()) this.unask(id);
	}
}

function plainFailureOf(error: unknown): PlainFailure {
	if (error instanceof SendFailure) return toPlainFailure(error);
	const reason = error instanceof Error ? error.message : String(error);
	return toPlainFailure(new SendFailure("dns", reason, { what: "lookup_failed" }));
}
