// Bounds how often somebody at one address can fail to sign in.
import { networkOf } from "../../../core/access/client-network.ts";
import type { Clock } from "../../../core/clock.ts";
import { FanfareError } from "../../../core/errors.ts";

const MAX_FAILURES = 10;
const WINDOW_MS = 60_000;
/** About 0.2 KB each. Of more, those are forgotten that have failed the longest ago. */
const MAX_ADDRESSES = 10_000;

/**
 * Counts failures by address. An IPv6 address counts as its network of 64 bits, which one customer of a provider has alone. All
 * whose address is not known count together.
 */
export class FailedSignIns {
	readonly #clock: Pick<Clock, "monotonicMs">;
	readonly #maxAddresses: number;
	/** The times of the last failures, oldest first; who has failed last comes last. */
	readonly #failures = new Map<string, number[]>();

	constructor(clock: Pick<Clock, "monotonicMs">, maxAddresses = MAX_ADDRESSES) {
		this.#clock = clock;
		this.#maxAddresses = maxAddresses;
	}

	/** How many addresses are remembered. */
	get size(): number {
		return this.#failures.size;
	}

	/**
	 * Makes an attempt to sign in, and counts it if it throws an error of the kind `unauthenticated`. Throws `too_many_sign_ins`
	 * without making it if there were ten within a minute.
	 */
	attempt<T>(address: string | null, sign: () => T): T {
		const owner = networkOf(address);
		const recent = this.#recent(owner);
		const [oldest = 0] = recent;
		if (recent.length >= MAX_FAILURES) {
			throw new FanfareError(
				"too_many_sign_ins",
				`${MAX_FAILURES} attempts to sign in have failed from your address within a minute. Wait before the next one.`,
				{ retryAfterMs: oldest + WINDOW_MS - this.#clock.monotonicMs() },
			);
		}
		try {
			return sign();
		} catch (error) {
			if (error instanceof FanfareError && error.kind === "unauthenticated") this.#note(owner, recent);
			throw error;
		}
	}

	#recent(owner: string): number[] {
		const since = this.#clock.monotonicMs() - WINDOW_MS;
		return this.#failures.get(owner)?.filter((at) => at > since) ?? [];
	}

	#note(owner: string, recent: readonly number[]): void {
		const now = this.#clock.monotonicMs();
		this.#failures.delete(owner);
		this.#failures.set(owner, [...recent, now]);
		for (const [first, failures] of this.#failures) {
			const isOver = (failures.at(-1) ?? 0) <= now - WINDOW_MS;
			if (!isOver && this.#failures.size <= this.#maxAddresses) return;
			this.#failures.delete(first);
		}
	}
}
