// The claims under way. A claim may be answered after later calls, if the store has several connections: what it brings
// may have been attempted or cancelled since it was executed, and must not be attempted once more.
import type { LeasedDelivery } from "../../ports/store/queue.ts";

/** One claim, from before its call until its deliveries are in the ready queue. */
class OpenClaim {
	/** How many attempts each delivery that was attempted since then has at least. */
	readonly attempts = new Map<string, number>();
	/** The deliveries that were cancelled since then. */
	readonly cancelled = new Set<string>();

	readonly ended = Promise.withResolvers<void>();

	/** Whether the delivery was cancelled since the claim was opened, as far as this process has heard. */
	wasCancelled({ id }: Pick<LeasedDelivery, "id">): boolean {
		return this.cancelled.has(id);
	}

	/** Whether the delivery, as the claim has brought it, is older than what has happened to it. */
	isOutdated({ id, attemptCount }: LeasedDelivery): boolean {
		return this.cancelled.has(id) || attemptCount < (this.attempts.get(id) ?? 0);
	}
}

/** Tells each open claim what happens to deliveries. Costs nothing while none is open. */
export class OpenClaims {
	readonly #open = new Set<OpenClaim>();

	/** Call `close` with the result once the deliveries are in the ready queue, or if the claim has failed. */
	open(): OpenClaim {
		const claim = new OpenClaim();
		this.#open.add(claim);
		return claim;
	}

	close(claim: OpenClaim): void {
		this.#open.delete(claim);
		claim.ended.resolve();
	}

	/** Resolves when all claims that are open now have ended. */
	async settled(): Promise<void> {
		await Promise.all(Array.from(this.#open, ({ ended }) => ended.promise));
	}

	/** The outcome of the attempt that this delivery was claimed for is committed. */
	attempted({ id, attemptCount }: LeasedDelivery): void {
		for (const { attempts } of this.#open) attempts.set(id, attemptCount + 1);
	}

	cancelled(deliveryId: string): void {
		for (const { cancelled } of this.#open) cancelled.add(deliveryId);
	}

	/** The delivery was retried by hand: it is wanted again if it was cancelled before. */
	retried(deliveryId: string): void {
		for (const { cancelled } of this.#open) cancelled.delete(deliveryId);
	}
}
