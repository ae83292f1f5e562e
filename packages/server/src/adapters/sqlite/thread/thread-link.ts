// The server's end of a thread with a database: sends it calls, and gets its replies, which come in the order of the calls.
import { Worker } from "node:worker_threads";

import { StoreError, StoreInDoubtError } from "../../../ports/store/errors.ts";
import type { Packed } from "./packing.ts";
import {
	fromPlainError,
	PACKED_CALLS,
	type CallMessage,
	type NoteMessage,
	type ReplyMessage,
} from "./thread-messages.ts";

export interface ThreadOptions {
	readonly program: URL;
	/** What the system's tools call the thread: at most 15 letters. */
	readonly name: string;
	readonly workerData: unknown;
	/**
	 * How much of the thread's memory new objects may take, in MB. Rows live shortly, and V8 would let them grow to 48 MB in a flood,
	 * which the thread then keeps.
	 */
	readonly youngGenerationMb: number;
	/** Whether a call may change something. Of such a call that is under way when the thread ends by itself, it is not known whether it has. */
	readonly mayChange: (name: string) => boolean;
	/** Gets what the thread tells without being asked. */
	readonly onNote: (note: NoteMessage) => void;
	/** The message of the error if the thread ends by itself. `cause` says how. */
	readonly deathMessage: (cause: string) => string;
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
 * - closing: entered by `close`, or by `end` if the database could not be opened. New calls are refused, earlier ones are
 *   still answered.
 * - closed: the thread has ended as it should.
 * - dead: the thread has ended by itself. The calls that were pending have been rejected, and new ones are, too.
 */
export class ThreadLink {
	readonly opened: Promise<unknown>;
	readonly died: Promise<StoreError>;
	readonly #worker: Worker;
	readonly #deathMessage: (cause: string) => string;
	readonly #mayChange: (name: string) => boolean;
	#state: "open" | "closing" | "closed" | "dead" = "open";
	#pending: PendingCall[] = [];
	#closed: Promise<void> | null = null;
	/** What new calls are refused with. */
	#refusal = new StoreError("store_unavailable", "the store is closed");
	/** The error that ends the thread; undefined if it ends without one. */
	#failure: unknown = undefined;
	#tellDeath: (error: StoreError) => void = () => {};

	constructor({ program, name, workerData, youngGenerationMb, mayChange, onNote, deathMessage }: ThreadOptions) {
		this.#deathMessage = deathMessage;
		this.#mayChange = mayChange;
		this.died = new Promise((resolve) => {
			this.#tellDeath = resolve;
		});
		this.#worker = new Worker(program, {
			name,
			workerData,
			resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
			// The thread needs neither the environment nor the arguments of the process.
			env: {},
			argv: [],
		});
		this.#worker.on("message", (message: ReplyMessage | NoteMessage) => {
			if ("note" in message) onNote(message);
			else this.#receive(message);
		});
		// Both are events of the end: "error" comes only if an error has ended the thread, "exit" always, and last.
		this.#worker.on("error", (error) => (this.#failure = error));
		this.#worker.on("exit", (exitCode) => this.#exited(exitCode));
		this.opened = this.#expect("open");
	}

	/** Whether the thread has ended by itself. */
	get isDead(): boolean {
		return this.#state === "dead";
	}

	/** `isBody` asks a reader for the body of a response: see `CallMessage`. */
	call(name: string, parameters: readonly unknown[], isBody = false): Promise<unknown> {
		if (this.#state !== "open") return Promise.reject(this.#refusal);
		return this.#send(name, parameters, isBody);
	}

	/** Closes the database and ends the thread, after the calls made before. Has nothing to do if the thread is dead. */
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

	async #send(name: string, parameters: readonly unknown[], isBody = false): Promise<unknown> {
		const packed = PACKED_CALLS[name]?.pack?.(parameters);
		const sent = packed === undefined ? parameters : [packed];
		const message: CallMessage = isBody ? { name, parameters: sent, isBody } : { name, parameters: sent };
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
		this.#refusal = this.#deathError(exitCode);
		const { message, cause } = this.#refusal;
		const inDoubt = new StoreInDoubtError(message, { cause });
		for (const { name, reject } of this.#pending.splice(0)) reject(this.#mayChange(name) ? inDoubt : this.#refusal);
		this.#tellDeath(this.#refusal);
	}
	#deathError(exitCode: number): StoreError {
		const failure = this.#failure;
		const cause = failure instanceof Error ? failure.message : `exit code ${exitCode}`;
		const options = failure === undefined ? undefined : { cause: failure };
		return new StoreError("store_unavailable", this.#deathMessage(cause), options);
	}
}
