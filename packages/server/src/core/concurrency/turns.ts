// Turns for calls that projects make: each project has few under way. So what one project asks for delays neither the calls of others nor
// those of the engine itself, before which only these few stand.
import type { Clock } from "../clock.ts";
import { shareOf } from "../policies/share.ts";
import { Parts } from "./parts.ts";

export interface TurnsOptions {
	/** Calls under way at once. */
	readonly most: number;
	/** Of these, of one owner. A second call of an owner leaves at least one place to others. */
	readonly mostOfOne: number;
	/** A call that has not got its turn after this time is refused: those before it take too long. */
	readonly maxWaitMs: number;
	readonly clock: Pick<Clock, "after">;
	/** The error that a call is refused with. */
	readonly refusal: (message: string) => Error;
}

/** How a call waits. */
export interface Place {
	/** It is refused if so many calls of its owner wait already. */
	readonly mostWaiting: number;
	/**
	 * Which part of its owner it is for, such as a customer. Parts take turns within their owner's, and one has at most three
	 * quarters of the places to wait that the others leave. If omitted, the owner is not divided.
	 */
	readonly part?: string;
	/** Whether it comes before its owner's other calls. */
	readonly isUrgent?: boolean;
	/** Whether it waits for as long as it takes. */
	readonly isPatient?: boolean;
}

/** The calls of an owner that wait, as what begins them. */
class Queue {
	readonly #urgent = new Parts<() => void>();
	readonly #others = new Parts<() => void>();

	get length(): number {
		return this.#urgent.size + this.#others.size;
	}

	hasRoom({ mostWaiting, part }: Place): boolean {
		if (this.length >= mostWaiting) return false;
		if (part === undefined) return true;
		const own = this.#urgent.sizeOf(part) + this.#others.sizeOf(part);
		return own < shareOf(mostWaiting, this.length, own);
	}

	/** Returns what takes the call away again. */
	add(begin: () => void, { part = "", isUrgent = false }: Place): () => void {
		const calls = isUrgent ? this.#urgent : this.#others;
		calls.add(part, begin);
		return () => calls.remove(part, begin);
	}

	/** Takes the next call. The part that it is for comes behind the others. */
	next(): (() => void) | undefined {
		return this.#urgent.next() ?? this.#others.next();
	}
}

/**
 * A call is waiting, under way, or over. It waits while as many as allowed are under way, in all or of its owner. Calls of one owner, and
 * of one part of it if it is divided, begin in the order in which they were asked for, urgent ones first.
 *
 * @example
 * const turns = new Turns({ most: 3, mostOfOne: 2, maxWaitMs: 5_000, clock, refusal: (message) => new Error(message) });
 * const page = await turns.run(projectId, { mostWaiting: 256 }, () => store.deliveries(scope, filter, request));
 */
export class Turns {
	readonly #options: TurnsOptions;
	/** How many calls are under way, and how many of each owner. */
	#total = 0;
	readonly #busy = new Map<string, number>();
	/** By owner; the owner whose turn is next comes first. */
	readonly #waiting = new Map<string, Queue>();
	/** Called once when no call is under way. */
	#whenIdle: (() => void)[] = [];

	constructor(options: TurnsOptions) {
		this.#options = options;
	}

	/** Makes a call in its owner's turn. Rejects if too many calls of this owner wait already, or if it has waited for too long. */
	async run<T>(owner: string, place: Place, call: () => Promise<T>): Promise<T> {
		const under = this.#mayBegin(owner) ? this.#begin(owner, call) : this.#turn(owner, place, call);
		return under;
	}

	/** Resolves when no call is under way, and so none waits. */
	async idle(): Promise<void> {
		if (this.#total > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
	}

	#turn<T>(owner: string, place: Place, call: () => Promise<T>): Promise<T> {
		const queue = this.#waiting.get(owner) ?? new Queue();
		if (!queue.hasRoom(place)) return Promise.reject(this.#options.refusal(full(queue.length)));
		this.#waiting.set(owner, queue);
		const { promise, resolve, reject } = Promise.withResolvers<T>();
		let cancel = () => {};
		// The call is made at once: a later one can't come between its turn and itself.
		const remove = queue.add(() => {
			cancel();
			resolve(this.#begin(owner, call));
		}, place);
		if (place.isPatient === true) return promise;
		cancel = this.#options.clock.after(this.#options.maxWaitMs, () => {
			remove();
			if (queue.length === 0) this.#waiting.delete(owner);
			reject(this.#options.refusal(TOO_SLOW));
		});
		return promise;
	}

	async #begin<T>(owner: string, call: () => Promise<T>): Promise<T> {
		this.#total++;
		this.#busy.set(owner, (this.#busy.get(owner) ?? 0) + 1);
		try {
			return await call();
		} finally {
			this.#end(owner);
			this.#serve((next) => !this.#busy.has(next));
			this.#serve(() => true);
			if (this.#total === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
		}
	}

	/** Begins the calls whose turn it is, of some owners. An owner that has more comes behind the others. */
	#serve(isServed: (owner: string) => boolean): void {
		for (const [owner, queue] of this.#waiting) {
			if (this.#total === this.#options.most) return;
			if (!isServed(owner) || !this.#mayBegin(owner)) continue;
			this.#waiting.delete(owner);
			const begin = queue.next();
			if (queue.length > 0) this.#waiting.set(owner, queue);
			begin?.();
		}
	}

	#mayBegin(owner: string): boolean {
		const { most, mostOfOne } = this.#options;
		const own = this.#busy.get(owner) ?? 0;
		return own === 0 ? this.#total < most : own < mostOfOne && this.#total < most - 1;
	}

	#end(owner: string): void {
		this.#total--;
		const left = (this.#busy.get(owner) ?? 0) - 1;
		if (left === 0) this.#busy.delete(owner);
		else this.#busy.set(owner, left);
	}
}

const TOO_SLOW = "earlier calls of this project take too long: try again a little later";

function full(waiting: number): string {
	return `${waiting} calls of this project wait already: try again a little later`;
}
