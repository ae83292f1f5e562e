// Ends the leases of deliveries that are skipped, since they were cancelled: a few at a time, for they stand before the outcomes of everybody's attempts.
import type { DeliveryLease } from "../../../ports/store/queue.ts";
import type { ReleaseLease } from "./release-lease.ts";

/** A webhook can have thousands of them. */
const AT_ONCE = 100;

/** Those that wait are no more than the ready queue has held. If the process dies, their leases end by themselves. */
export class SkippedLeases {
	readonly #release: ReleaseLease;
	#waiting: DeliveryLease[] = [];
	#isEnding = false;

	constructor(release: ReleaseLease) {
		this.#release = release;
	}

	/** Ends a lease, now or after those before it. */
	end(lease: DeliveryLease): void {
		this.#waiting.push(lease);
		if (!this.#isEnding) void this.#endAll();
	}

	async #endAll(): Promise<void> {
		this.#isEnding = true;
		while (this.#waiting.length > 0) {
			const some = this.#waiting.slice(0, AT_ONCE);
			this.#waiting = this.#waiting.slice(AT_ONCE);
			await Promise.all(some.map((lease) => this.#release(lease)));
		}
		this.#isEnding = false;
	}
}
