// What the senders of several threads have open, in memory that all of them share.
import type { Usage } from "../pools/usage.ts";

/** The numbers of one thread: its sockets, then its pools. */
const NUMBERS = 2;

/** Memory for the usage of this many threads. */
export function usageMemory(threads: number): SharedArrayBuffer {
	return new SharedArrayBuffer(threads * NUMBERS * Int32Array.BYTES_PER_ELEMENT);
}

/** The usage of the sender in one thread. It writes its own numbers and reads those of the others. */
export class SharedUsage implements Usage {
	readonly makeRoomElsewhere: (count: number) => void;
	readonly #numbers: Int32Array;
	readonly #at: number;

	/** @param index which of the threads it is, from 0 */
	constructor(memory: SharedArrayBuffer, index: number, makeRoomElsewhere: (count: number) => void) {
		this.makeRoomElsewhere = makeRoomElsewhere;
		this.#numbers = new Int32Array(memory);
		this.#at = index * NUMBERS;
	}

	get sockets(): number {
		return Atomics.load(this.#numbers, this.#at);
	}

	set sockets(count: number) {
		Atomics.store(this.#numbers, this.#at, count);
	}

	get pools(): number {
		return Atomics.load(this.#numbers, this.#at + 1);
	}

	set pools(count: number) {
		Atomics.store(this.#numbers, this.#at + 1, count);
	}

	get allSockets(): number {
		return usageOfAll(this.#numbers).sockets;
	}
}

/** What all threads have open together. */
export function usageOfAll(numbers: Int32Array): { sockets: number; pools: number } {
	let [sockets, pools] = [0, 0];
	for (let at = 0; at < numbers.length; at += NUMBERS) {
		sockets += Atomics.load(numbers, at);
		pools += Atomics.load(numbers, at + 1);
	}
	return { sockets, pools };
}
