// What calls that change many deliveries say they have changed, beside what the store has changed for them.
import type { CommitBatch, CommitResult } from "../../../packages/server/src/ports/store/accept.ts";
import type { World } from "../../world/world.ts";

/** The actions of calls that change many deliveries. */
const BULK_ACTIONS = ["delivery.cancel_many", "delivery.retry_many"] as const;

/**
 * Two calls at once must not both count a delivery that one of them has changed. Of a call that ends without an answer nobody knows
 * what it has changed, so from then on the sum can only be too large.
 */
export class BulkCounts {
	readonly #world: World;
	#executed = 0;
	#claimed = 0;
	#underWay = 0;
	#hasUnknown = false;

	constructor(world: World) {
		this.#world = world;
	}

	asked(): void {
		this.#underWay++;
	}

	answered(changed: number): void {
		this.#underWay--;
		this.#claimed += changed;
	}

	unanswered(): void {
		this.#underWay--;
		this.#hasUnknown = true;
	}

	/** Call it when the store has executed a commit. Changes of one delivery by hand have an entry of their own. */
	committed({ updates }: CommitBatch, result: CommitResult): void {
		for (const [index, { change, entry = null }] of updates.entries()) {
			const isByHand = change.type === "cancel" || change.type === "retry";
			const isOfMany = entry === null || BULK_ACTIONS.some((action) => action === entry.action);
			if (isByHand && isOfMany && result.updates[index]?.changed === true) this.#executed++;
		}
	}

	check(): void {
		const isExact = this.#underWay === 0 && !this.#hasUnknown;
		if (isExact ? this.#claimed === this.#executed : this.#claimed <= this.#executed) return;
		const claimed = `${this.#claimed} deliveries were changed, by the answers of calls that change many`;
		this.#world.breach("bulk changes", `${claimed}, and ${this.#executed} in the store`);
	}
}
