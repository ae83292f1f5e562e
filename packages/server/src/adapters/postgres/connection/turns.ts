// Turns for calls that projects make: each project has one under way. So what one project asks for delays neither the calls of others nor
// those of the engine itself, which always find a free connection.
import Denque from "denque";

import type { Clock } from "../../../core/clock.ts";
import { StoreError } from "../../../ports/store/errors.ts";

export interface TurnsOptions {
	/** Calls under way at once. */
	readonly most: number;
	/** A call that gets its turn only after this time is refused: the database answers too slowly. */
	readonly maxWaitMs: number;
	readonly clock: Pick<Clock, "monotonicMs">;
}

interface WaitingCall {
	/** In monotonic time. */
	readonly since: number;
	readonly begin: () => void;
	readonly refuse: (error: StoreError) => void;
}

/**
 * A call is waiting, under way, or over. It waits while as many as allowed are under way, or one of its owner is.
 *
 * @example
 * const turns = new Turns({ most: 3, maxWaitMs: 5_000, clock });
 * const page = await turns.run(projectId, 256, () => store.deliveries(scope, filter, request));
 */
export class Turns {
	readonly #options: TurnsOptions;
	/** The owners of the calls under way. */
	readonly #busy = new Set<string>();
	/** By owner; the owner whose turn is next comes first. */
	readonly #waiting = new Map<string, Denque<WaitingCall>>();

	constructor(options: TurnsOptions) {
		this.#options = options;
	}

	/** Makes a call in its owner's turn. Rejects with `store_overloaded` if `mostWaiting` calls of this owner wait already. */
	async run<T>(owner: string, mostWaiting: number, call: () => Promise<T>): Promise<T> {
		if (this.#busy.size < this.#options.most && !this.#busy.has(owner)) this.#busy.add(owner);
		else await this.#turn(owner, mostWaiting);
		try {
			return await call();
		} finally {
			this.#busy.delete(owner);
			this.#serve();
		}
	}

	/** Resolves when the call is under way. */
	#turn(owner: string, mostWaiting: number): Promise<void> {
		let own = this.#waiting.get(owner);
		if (own !== undefined && own.length >= mostWaiting) return Promise.reject(overloaded(own.length));
		if (own === undefined) this.#waiting.set(owner, (own = new Denque()));
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		own.push({ since: this.#options.clock.monotonicMs(), begin: resolve, refuse: reject });
		return promise;
	}

	/** Begins the calls whose turn it is. An owner that has more comes behind the others. */
	#serve(): void {
		for (const [owner, own] of this.#waiting) {
			if (this.#busy.size === this.#options.most) return;
			if (this.#busy.has(owner)) continue;
			const next = this.#take(own);
			this.#waiting.delete(owner);
			if (own.length > 0) this.#waiting.set(owner, own);
			if (next === undefined) continue;
			this.#busy.add(owner);
			next.begin();
		}
	}

	/** The first call that has not waited too long. */
	#take(own: Denque<WaitingCall>): WaitingCall | undefined {
		const { clock, maxWaitMs } = this.#options;
		for (let next = own.shift(); next !== undefined; next = own.shift()) {
			if (clock.monotonicMs() - next.since < maxWaitMs) return next;
			next.refuse(tooSlow());
		}
		return undefined;
	}
}

function overloaded(waiting: number): StoreError {
	return new StoreError("store_overloaded", `${waiting} reads of this project wait already: try again a little later`);
}

function tooSlow(): StoreError {
	return new StoreError("store_unavailable", "the database is busy: earlier calls of this project still wait for it");
}
