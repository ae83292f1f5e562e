// Divides the main thread's time between those who make requests: in one turn of the event loop, requests begin for a moment only, and
// those that come later wait for their turns.
import type { Clock } from "../../../core/clock.ts";
import { Rotation } from "../../../core/concurrency/rotation.ts";
import type { NodeRequest } from "../lean-path.ts";
import type { RequestOwner } from "./request-owner.ts";

/** For how long requests may begin in one turn of the event loop. The last of them may take longer. */
const BEGIN_MS = 2;
/** At most this many requests that have waited begin in one turn. Far fewer have time to. */
const STEPS = 16;

interface Parts {
	readonly clock: Pick<Clock, "monotonicMs" | "nextTurn">;
	/** A number that is another one in each turn of the event loop. */
	readonly loopTurn: () => number;
	/** Called for requests that have to wait only. */
	readonly ownerOf: (request: NodeRequest) => RequestOwner;
}

/**
 * While nobody waits, a request begins as soon as it was read, at the cost of comparing two numbers. When the requests of one turn
 * of the event loop have taken their time, those that were read in it, too, wait: projects take turns, in each of them its customers, and of each the
 * requests in their order. So somebody who sends on a hundred connections makes nobody wait for more than a request or two.
 */
export class RequestTurns {
	readonly #parts: Parts;
	readonly #waiting = new Rotation<{ readonly begin: () => void }>();
	/** The turn of the event loop in which requests have last begun without waiting. */
	#turn = -1;
	/** When requests have begun to begin in this turn of the event loop, in monotonic time. */
	#since = -Infinity;
	#isArmed = false;

	constructor(parts: Parts) {
		this.#parts = parts;
	}

	/** Whether a request may begin now. If not, call `wait`. */
	mayBegin(): boolean {
		if (!this.#waiting.isEmpty) return false;
		const turn = this.#parts.loopTurn();
		const now = this.#parts.clock.monotonicMs();
		if (turn === this.#turn) return now - this.#since < BEGIN_MS;
		this.#turn = turn;
		this.#since = now;
		return true;
	}

	/** Calls `begin` when it is the turn of the request's owner. */
	wait(request: NodeRequest, begin: () => void): void {
		const { projectId, customerId } = this.#parts.ownerOf(request);
		this.#waiting.add(projectId, customerId, { begin });
		if (!this.#isArmed) this.#arm();
	}

	/** Each step is a callback of its own: what a request does without waiting for anything is done before the next one begins. */
	#arm(): void {
		this.#isArmed = true;
		this.#parts.clock.nextTurn(() => {
			this.#since = this.#parts.clock.monotonicMs();
			this.#step();
		});
		for (let step = 1; step < STEPS; step++) this.#parts.clock.nextTurn(() => this.#step());
		this.#parts.clock.nextTurn(() => {
			if (this.#waiting.isEmpty) this.#isArmed = false;
			else this.#arm();
		});
	}

	#step(): void {
		if (this.#parts.clock.monotonicMs() - this.#since < BEGIN_MS) this.#waiting.take()?.begin();
	}
}
