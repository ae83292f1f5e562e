// The engine's time: wall time that never goes back while the process lives, so that a clock that is set back starves
// nothing.
import type { Clock } from "../core/clock.ts";

/** While it is ahead of the wall time, a steady clock runs at this rate: 6 minutes pass in 6 minutes and 40 seconds. */
const SLOWED = 0.9;
/**
 * The wall time is compared with the monotonic time when it has moved on by this much, when it has gone back, and when a timer
 * has fired. Reading both on each call would cost more than twice as much (190 ns instead of 70), on the busy path. A step
 * back that is as long as nobody has looked is noticed only when the next timer fires.
 */
const COMPARE_EVERY_MS = 20;

/**
 * A clock whose `now` never goes back. It shows the wall time of another clock, with one difference:
 *
 * - When the wall time steps forward, `now` follows at once. What has become due is due; no wait gets longer.
 * - When the wall time steps back, `now` goes on by monotonic time, at nine tenths of its rate, until the wall time has
 *   caught up with it. After a step of an hour back, that takes ten hours. So a wait that is under way takes a ninth longer
 *   at most, and every date is later than the dates before it.
 *
 * What that means for those who use it:
 *
 * - Due times and leases: as above. Two processes that share a store may differ by the steps that one of them has seen.
 * - Ids and `createDate`: they ascend together. After a step back they are ahead of the wall time by what is left of the
 *   step, so lists may show dates in the near future. A restart corrects that at once: ids keep their order only within a
 *   process, as ever.
 * - Retention, idempotency keys and overlaps of secrets compare such dates with such dates, so a step back changes nothing.
 *   A step forward makes data older, as it always does: a clock that runs far ahead purges early.
 * - Rate limits, time limits and pauses are monotonic and know of no step.
 * - What other machines compare with their own clocks must be the wall time itself: `webhook-timestamp`, and the date in a
 *   `Retry-After`. The engine has it as `EngineParts.wall`.
 *
 * @example
 * const clock = new SteadyClock(systemClock);
 */
export class SteadyClock implements Clock {
	readonly #clock: Clock;
	/** The last result of `now`, with fractions. */
	#last: number;
	/** The result of `now` when it was last compared with the monotonic time, and that time. */
	#compared: number;
	#comparedAt: number;
	/** Until the wall time reaches this, it is believed without a comparison. -Infinity while `now` is ahead of it. */
	#believedUntil: number;

	constructor(clock: Clock) {
		this.#clock = clock;
		this.#last = clock.now();
		this.#compared = this.#last;
		this.#comparedAt = clock.monotonicMs();
		this.#believedUntil = this.#last + COMPARE_EVERY_MS;
	}

	now(): number {
		const wall = this.#clock.now();
		if (wall >= this.#last && wall < this.#believedUntil) {
			this.#last = wall;
			return wall;
		}
		return this.#compare(wall);
	}

	#compare(wall: number): number {
		const monotonicMs = this.#clock.monotonicMs();
		const slowed = this.#compared + (monotonicMs - this.#comparedAt) * SLOWED;
		const now = Math.max(wall, slowed, this.#last);
		this.#last = now;
		this.#compared = now;
		this.#comparedAt = monotonicMs;
		this.#believedUntil = now > wall ? -Infinity : wall + COMPARE_EVERY_MS;
		return Math.floor(now);
	}

	monotonicMs(): number {
		return this.#clock.monotonicMs();
	}

	after(delayMs: number, fire: () => void): () => void {
		return this.#clock.after(delayMs, () => {
			this.#believedUntil = -Infinity;
			fire();
		});
	}

	nextTurn(fire: () => void): void {
		this.#clock.nextTurn(fire);
	}
}
