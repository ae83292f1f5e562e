// What a simulated member knows of the others: what its last look has shown.
import type { Place } from "../../packages/server/src/ports/tenure.ts";
import type { Member, SeenShard } from "./member.ts";
import type { SimCluster } from "./sim-cluster.ts";
import { UNHEARD_MS } from "./timing.ts";

export class SimView {
	readonly #cluster: SimCluster;
	#shards: readonly SeenShard[] = [];
	#deliverers = 1;
	#isAlone = true;

	constructor(cluster: SimCluster) {
		this.#cluster = cluster;
	}

	/** How many members deliver; at least 1. */
	get deliverers(): number {
		return this.#deliverers;
	}

	/** Whether there was no other member. */
	get isAlone(): boolean {
		return this.#isAlone;
	}

	look(): void {
		const { members } = this.#cluster;
		this.#shards = this.#cluster.snapshot();
		this.#isAlone = members.length === 1;
		this.#deliverers = Math.max(1, members.filter(({ isLeaving }) => !isLeaving).length);
	}

	/** The owner of a shard that `member` does not hold; null if it is not known or can't be reached. */
	ownerOf(shard: number, member: Member): Place | null {
		const { owner = null, epoch = 0 } = this.#shards[shard] ?? {};
		if (owner === null || owner === member || owner.isLeaving) return null;
		const now = this.#cluster.clock.monotonicMs();
		const isUnheard = [owner, member].some(({ awaySince }) => now - (awaySince ?? now) > UNHEARD_MS);
		return isUnheard ? null : { member: owner.name, epoch };
	}
}
