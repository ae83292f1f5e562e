// Turns for calls that projects make: each project has few under way. So what one project asks for delays neither the calls of others nor
// those of the engine itself, which always find a free connection.
import type { Clock } from "../../../core/clock.ts";
import { StoreError } from "../../../ports/store/errors.ts";

export interface TurnsOptions {
	/** Calls under way at once. */
	readonly most: number;
	/** Of these, of one owner. A second call of an owner leaves at least one place to others. */
	readonly mostOfOne: number;
	/** A call that has not got its turn after this time is refused: those before it take too long. */
	readonly maxWaitMs: number;
	readonly clock: Pick<Clock, "after">;
}

/** How a call waits. */
export interface Place {
	/** It is refused if so many calls of its owner wait already. */
	readonly mostWaiting: number;
	/** Whether it comes before its owner's other calls. */
	readonly isUrgent?: boolean;
}

/** The calls of an owner that wait, in order. */
interface Queue {
	readonly urgent: Set<() => void>;
	readonly others: Set<() => void>;
}

/**
 * A call is waiting, under way, or over. It waits while as many as allowed are under way, in all or of its owner.
 *
 * @example
 * const turns = new Turns({ most: 3, mostOfOne: 2, maxWaitMs: 5_000, clock });
 * const page = await turns.run(projectId, { mostWaiting: 256 }, () => store.deliveries(scope, filter, request));
 */
export class Turns {
	readonly #options: TurnsOptions;
	/** How many calls are under way, and how many of each owner. */
	#total = 0;
	readonly #busy = new Map<string, number>();
	/** By owner; the owner whose turn is next comes first. */
	readonly #waiting = new Map<string, Queue>();

	constructor(options: TurnsOptions) {
		this.#options = options;
	}

	/**
	 * Makes a call in its owner's turn. Rejects with `store_overloaded` if too many calls of this owner wait already, or if it has waited
	 * for too long.
	 */
	async run<T>(owner: string, place: Place, call: () => Promise<T>): Promise<T> {
		if (this.#mayBegin(owner)) this.#begin(owner);
		else await this.#turn(owner, place);
		try {
			return await call();
		} finally {
			this.#end(owner);
			this.#serve((next) => !this.#busy.has(next));
			this.#serve(() => true);
		}
	}

	/** Resolves when the call is under way. */
	#turn(owner: string, { mostWaiting, isUrgent = false }: Place): Promise<void> {
		const queue = this.#waiting.get(owner) ?? { urgent: new Set(), others: new Set() };
		const waiting = lengthOf(queue);
		if (waiting >= mostWaiting) return Promise.reject(overloaded(waiting));
		this.#waiting.set(owner, queue);
		const calls = isUrgent ? queue.urgent : queue.others;
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		const begin = () => {
			cancel();
			resolve();
		};
		const cancel = this.#options.clock.after(this.#options.maxWaitMs, () => {
			calls.delete(begin);
			if (lengthOf(queue) === 0) this.#waiting.delete(owner);
			reject(tooSlow());
		});
		calls.add(begin);
		return promise;
	}

	/** Begins the calls whose turn it is, of some owners. An owner that has more comes behind the others. */
	#serve(isServed: (owner: string) => boolean): void {
		for (const [owner, queue] of this.#waiting) {
			if (this.#total === this.#options.most) return;
			if (!isServed(owner) || !this.#mayBegin(owner)) continue;
			this.#waiting.delete(owner);
			const calls = queue.urgent.size > 0 ? queue.urgent : queue.others;
			for (const begin of calls) {
				calls.delete(begin);
				this.#begin(owner);
				begin();
				break;
			}
			if (lengthOf(queue) > 0) this.#waiting.set(owner, queue);
		}
	}

	#mayBegin(owner: string): boolean {
		const { most, mostOfOne } = this.#options;
		const own = this.#busy.get(owner) ?? 0;
		return own === 0 ? this.#total < most : own < mostOfOne && this.#total < most - 1;
	}

	#begin(owner: string): void {
		this.#total++;
		this.#busy.set(owner, (this.#busy.get(owner) ?? 0) + 1);
	}

	#end(owner: string): void {
		this.#total--;
		const left = (this.#busy.get(owner) ?? 0) - 1;
		if (left === 0) this.#busy.delete(owner);
		else this.#busy.set(owner, left);
	}
}

function lengthOf({ urgent, others }: Queue): number {
	return urgent.size + others.size;
}

function overloaded(waiting: number): StoreError {
	return new StoreError("store_overloaded", `${waiting} calls of this project wait already: try again a little later`);
}

function tooSlow(): StoreError {
	return new StoreError("store_overloaded", "earlier calls of this project take too long: try again a little later");
}
